"""Two runs compared: what changed per country, place and torrent, and who came, stayed and went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import polars as pl
from dash import dcc, html

from analysis.countries import country_name
from dashboard import words
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.page import Page, Visit
from dashboard.tables import text_table
from observatory.archive import RunComparison
from swarm.text import one_line

_MOST_ROWS = 200
_MOST_QUERY_CHARACTERS = 400


def _layout(live: LiveView, visit: Visit) -> list[Any]:
    before, after = asked_for(visit.query)
    back = html.P(dcc.Link(words.TO_RUNS, href="/runs"))
    if not before or not after:
        return [page_head(words.COMPARE, words.COMPARE_WHICH), back]
    found = live.host.current.compare(before, after, wait=False)
    return [page_head(words.COMPARE, words.compared(found.before, found.after)), *told(found), back]


def asked_for(query: str) -> tuple[str, str]:
    """The ids of the two runs in a query string; empty where they are not named once each."""
    if len(query) > _MOST_QUERY_CHARACTERS:
        return "", ""
    given = parse_qs(query.removeprefix("?"), max_num_fields=20)
    first, second = (given.get(key, []) for key in ("a", "b"))
    return first[0] if len(first) == 1 else "", second[0] if len(second) == 1 else ""


def told(found: RunComparison) -> list[Any]:
    """The comparison in words and tables."""
    cautions = [*found.cautions, *([words.unlinked(found.unlinked)] if found.unlinked else [])]
    said = [html.P(caution, className="plan") for caution in cautions]
    both = words.torrents_compared(
        found.torrents_in_both, found.torrents_before_only, found.torrents_after_only
    )
    return [
        html.Section([html.P(both), *said], className="card fact"),
        html.Div(
            [
                _card(words.COUNTRIES, found.countries, _country),
                _card(words.PLACES, found.places, _place),
                _card(words.SWARMS, found.torrents, _torrent),
            ],
            className="facts compared",
        ),
    ]


def _card(
    title: str, table: pl.DataFrame, name: Callable[[Mapping[str, Any]], Any]
) -> html.Section:
    rows = [
        (
            name(row),
            *(_count(row, column) for column in words.COMPARED_BEFORE),
            words.difference(row["before"], row["after"]),
            *(_count(row, column) for column in words.COMPARED_CHURN),
        )
        for row in table.head(_MOST_ROWS).iter_rows(named=True)
    ]
    shown: list[Any] = [html.H2(title), text_table(words.compare_columns(title), rows, title)]
    if len(table) > _MOST_ROWS:
        shown.append(html.P(words.and_more(len(table) - _MOST_ROWS), className="plan"))
    return html.Section(shown, className="card fact")


def _country(row: Mapping[str, Any]) -> str:
    return country_name(row["country"])


def _place(row: Mapping[str, Any]) -> str:
    return ", ".join(word for word in (row["city"], country_name(row["country"])) if word)


def _torrent(row: Mapping[str, Any]) -> Any:
    name = one_line(row["name"] or row["infohash"] or row["torrent"])
    return dcc.Link(name, href=f"/swarms/{row['infohash']}") if row["infohash"] else name


def _count(row: Mapping[str, Any], column: str) -> str:
    """A figure, with the bounds that the row has of it."""
    value, low, high = (row.get(f"{column}{end}") for end in ("", "_low", "_high"))
    if value is None:
        return words.NONE
    return f"{value:,}" if low is None or high is None else words.bounded(value, low, high)


COMPARE = Page("/runs/compare", words.COMPARE, _layout, in_navigation=False)
