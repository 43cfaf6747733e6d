"""The table of countries, the colour key of both charts, as rows for assets/overview.js. Pure.

Rows, not components: each component of Dash is asked at every change of anything, and 150 rows of
them took longer than both charts (ADR 0020).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from analysis.countries import country_name
from analysis.figures import size_text
from analysis.tables import OTHER
from dashboard import words
from dashboard.live import ShownRun
from dashboard.overview.drawing import Colours, Wish
from swarm.place import UNKNOWN_COUNTRY

Row = dict[str, Any]


def country_rows(shown: ShownRun, colours: Colours, wish: Wish) -> list[Row]:
    """The countries with their colours: the top, all others as one, the unknown, then each other.

    Countries that are not among the chosen stay in the table, so that they can be chosen. A row:
    `name`, `code` (what its name narrows to, absent for the others), `rank`, `key` and `key_label`
    (what its colour hides, absent without a colour of its own), `shown` (whether that is in the
    charts), `colour`, `width` (of the bar, percent), `peers`, `share`, `median`, `chosen`, `quiet`.
    """
    table = shown.countries(replace(wish.address, countries=frozenset()).selection)
    rows = {row["country"]: row for row in table.iter_rows(named=True)}
    key = _Key(
        colours.by_key(),
        wish.hidden,
        wish.address.countries,
        max((row["peers"] for row in rows.values()), default=1),
    )
    named = [country for country in rows if country != UNKNOWN_COUNTRY]
    ranks = {country: rank for rank, country in enumerate(named, start=1)}
    top = [country for country in colours.top if country in rows]
    rest = [country for country in rows if country not in (*top, UNKNOWN_COUNTRY)]
    said = [key.country(rows[c], c, ranks[c], marked=True) for c in top]
    if rest:
        said.append(key.others([rows[country] for country in rest]))
    if UNKNOWN_COUNTRY in rows:
        said.append(key.country(rows[UNKNOWN_COUNTRY], UNKNOWN_COUNTRY, None, marked=True))
    return said + [key.country(rows[c], c, ranks[c]) for c in rest]


@dataclass(frozen=True, slots=True)
class _Key:
    """How the table is a key: colours, which of them are hidden, which countries are chosen."""

    colours: Mapping[str, str]
    hidden: frozenset[str]
    chosen: frozenset[str]
    most: int  # peers in one country

    def country(
        self, row: Mapping[str, Any], code: str, rank: int | None, *, marked: bool = False
    ) -> Row:
        """A country's row: its name narrows the page to it, its colour (if `marked`) hides it."""
        aside = bool(self.chosen) and code not in self.chosen
        said = self._row(row, country_name(code), code if marked else None, aside=aside)
        return said | {"code": code, "rank": rank, "chosen": code in self.chosen}

    def others(self, rows: Sequence[Mapping[str, Any]]) -> Row:
        """All countries without a colour as one."""
        peers, share = sum(row["peers"] for row in rows), sum(row["share"] for row in rows)
        summed = {"peers": peers, "share": share, "median_mb": None}
        return self._row(summed, words.others(len(rows)), OTHER, aside=False)

    def _row(self, row: Mapping[str, Any], name: str, mark: str | None, *, aside: bool) -> Row:
        median = row["median_mb"]
        said = {
            "name": name,
            "colour": self.colours[mark or OTHER],
            "width": round(100 * min(1.0, row["peers"] / self.most), 1),
            "peers": f"{row['peers']:,}",
            "share": words.percent(row["share"]),
            "median": words.NONE if median is None else size_text(median),
            "quiet": aside or mark in self.hidden,
        }
        if mark is not None:
            label = mark if mark == OTHER else country_name(mark)
            said |= {"key": mark, "key_label": words.colour_of(label)}
            said |= {"shown": mark not in self.hidden}
        return said
