"""What callbacks put into the page's frame: numbers, table, job, attribution. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import polars as pl
from dash import html

from analysis.countries import country_name
from analysis.estimate import Estimate
from analysis.figures import LONGEST_NAME, size_text
from analysis.selection import Selection
from analysis.tables import OTHER
from analysis.totals import RunTotals
from dashboard import words
from dashboard.address_state import AddressState
from dashboard.live import ShownRun
from dashboard.markup import aria, said_by
from dashboard.overview.drawing import Colours, Wish
from observatory.jobs import Job
from observatory.summaries import RunSummary
from swarm.place import UNKNOWN_COUNTRY
from swarm.text import one_line


def job(active: Job, now: datetime) -> list[Any]:
    """What the running job does, and how far it is."""
    known: dict[str, Any] = (
        {} if active.total is None else {"value": str(active.done), "max": str(active.total)}
    )
    return [
        html.Strong(words.job_title(active)),
        html.Progress(**known, **aria(label=words.job_title(active))),
        html.Span(words.job_progress(active, now), className="amount"),
        html.Span(active.doing, className="doing"),
    ]


def numbers(run: RunSummary, counted: RunTotals, selection: Selection) -> list[Any]:
    """The strip of figures above the charts; what is not known is a dash, never a guess."""
    share = counted.located_share
    if counted.peers is None:
        peers = _number(f"{counted.memberships:,}", words.MEMBERSHIPS)
    else:
        peers = _number(f"{counted.peers:,}", words.DISTINCT_PEERS)
    whole = selection == Selection()
    swarms = f"{run.swarms_done:,} / {run.swarms_total:,}" if whole else f"{counted.swarms:,}"
    return [
        peers,
        _estimated(counted.seeds, words.SEEDS),
        _estimated(counted.downloaders, words.DOWNLOADERS),
        _number(swarms, words.SWARMS_COUNTED if whole else words.SWARMS_WITH_PEERS),
        _number(f"{counted.countries:,}", words.COUNTRIES),
        _number(f"{counted.places:,}", words.PLACES),
        _number(words.NONE if share is None else words.percent(share), words.LOCATED),
        _number(
            words.NONE if counted.recall is None else words.percent(counted.recall),
            words.RECALL if counted.recall is not None else words.RECALL_UNKNOWN,
        ),
    ]


def _estimated(estimate: Estimate | None, label: str) -> html.Div:
    if estimate is None:
        return _number(words.NONE, label)
    return _number(f"{estimate.value:,.0f}", label, words.interval(estimate))


def _number(figure: str, label: str, interval: str = "") -> html.Div:
    between = [html.Small(interval)] if interval else []
    return html.Div([html.Strong(figure), *between, html.Span(label)], className="card number")


def countries(shown: ShownRun, colours: Colours, wish: Wish) -> html.Table:
    """The countries with their colours: the top, all others as one, the unknown, then each other.

    Countries that are not among the chosen stay in the table, so that they can be chosen.
    """
    table = shown.countries(replace(wish.address, countries=frozenset()).selection)
    key = _Key(colours.by_key(), wish.hidden, wish.address.countries)
    rows = {row["country"]: row for row in table.iter_rows(named=True)}
    named = [country for country in rows if country != UNKNOWN_COUNTRY]
    ranks = {country: rank for rank, country in enumerate(named, start=1)}
    top = [country for country in colours.top if country in rows]
    rest = [country for country in rows if country not in (*top, UNKNOWN_COUNTRY)]
    most = max((row["peers"] for row in rows.values()), default=1)
    body = [_country(rows[c], c, ranks[c], most, key, marked=True) for c in top]
    if rest:
        others = _sum_up([rows[country] for country in rest])
        body.append(_row(others, words.others(len(rest)), None, OTHER, most, key))
    if UNKNOWN_COUNTRY in rows:
        code = UNKNOWN_COUNTRY
        body.append(_country(rows[code], code, None, most, key, marked=True))
    body += [_country(rows[c], c, ranks[c], most, key) for c in rest]
    compared = html.Span(words.COMPARED, className="unseen")
    titles = ("#", words.COUNTRY, compared, words.PEERS, words.SHARE, words.MEDIAN)
    head = html.Thead(html.Tr([html.Th(title, scope="col") for title in titles]))
    return html.Table([head, html.Tbody(body)])


@dataclass(frozen=True, slots=True)
class _Key:
    """How the table is a key: colours, which of them are hidden, which countries are chosen."""

    colours: Mapping[str, str]
    hidden: frozenset[str]
    chosen: frozenset[str]


def _sum_up(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    peers, share = sum(row["peers"] for row in rows), sum(row["share"] for row in rows)
    return {"peers": peers, "share": share, "median_mb": None}


def _country(
    row: Mapping[str, Any],
    code: str,
    rank: int | None,
    most: int,
    key: _Key,
    *,
    marked: bool = False,
) -> html.Tr:
    """A country's row: its name narrows the page to it, its colour (if `marked`) hides it."""
    chosen = code in key.chosen
    said: dict[str, Any] = {"data-pick": "country", "data-value": code}
    name = html.Button(
        country_name(code),
        className="plain pick",
        type="button",
        **said,
        **aria(pressed="true" if chosen else "false"),
    )
    aside = bool(key.chosen) and not chosen
    return _row(row, name, rank, code if marked else None, most, key, aside=aside)


def _row(
    row: Mapping[str, Any],
    name: Any,
    rank: int | None,
    mark: str | None,
    most: int,
    key: _Key,
    *,
    aside: bool = False,
) -> html.Tr:
    """One row; with a `mark`, a button hides and shows what has that colour."""
    colour = key.colours[mark or OTHER]
    first: Any = html.Span("" if rank is None else f"{rank}", className="rank")
    if mark is not None:
        said: dict[str, Any] = {"data-country": mark}
        label = mark if mark == OTHER else country_name(mark)
        swatch = html.Span(className="swatch", style={"backgroundColor": colour})
        pressed = aria(
            pressed="false" if mark in key.hidden else "true", label=words.colour_of(label)
        )
        first = html.Button(
            [swatch, first], className="plain key", type="button", **said, **pressed
        )
    width = f"{100 * min(1.0, row['peers'] / most):.1f}%"
    bar = html.Div(
        html.Div(style={"width": width, "backgroundColor": colour}), className="share-bar"
    )
    median = words.NONE if row["median_mb"] is None else size_text(row["median_mb"])
    cells = (first, name, bar, f"{row['peers']:,}", words.percent(row["share"]), median)
    quiet = aside or mark in key.hidden
    return html.Tr([html.Td(cell) for cell in cells], className="quiet" if quiet else "")


def attribution(run: RunSummary, today: date) -> list[Any]:
    """Who placed the peers and when that database was built; stands under the figures."""
    return [*said_by(run.databases, today), html.Span(words.OUTLINES)]


def map_note(shown: ShownRun, address: AddressState, cell_deg: float | None) -> str:
    """What a marker stands for, and how many peers have none."""
    selection = address.selection
    level = shown.country_level(selection)
    memberships = shown.numbers(selection).memberships
    if memberships == 0:
        return words.NO_PEERS_YET
    if address.classic_map:
        markers = shown.markers(selection)
        note = words.MAP_NOTE_MERGED if markers["name"].null_count() else words.MAP_NOTE_CLASSIC
        return note + words.unplaced_note(memberships - int(markers["peers"].sum()))
    unknown = int(level.filter(pl.col("country") == UNKNOWN_COUNTRY)["peers"].sum())
    shaded = int(level["peers"].sum()) - unknown
    return words.map_note(cell_deg) + words.shaded_note(shaded) + words.unplaced_note(unknown)


def top_torrents(names: Sequence[str]) -> list[Any]:
    """Which torrents those under the pointer share most; names are hostile text."""
    if not names:
        return []
    shown = ", ".join(one_line(name)[:LONGEST_NAME] for name in names)
    return [html.Span(words.MOST_SHARED, className="lead-in"), shown]
