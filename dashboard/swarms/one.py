"""A swarm's own page: what the shown run knows of it, where its peers are, and its history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from dash import dcc, html

from analysis.countries import country_name
from analysis.figures import size_text
from analysis.selection import Selection
from dashboard import words
from dashboard.address_state import read_address
from dashboard.live import LiveView, ShownRun
from dashboard.markup import page_head
from dashboard.page import Page, Visit
from dashboard.tables import facts, text_table
from swarm.text import one_line

_MOST_ROWS = 50
_MOST_RUNS = 50


def _layout(live: LiveView, visit: Visit) -> list[Any]:
    infohash = visit.variables["infohash"].lower()
    address = read_address(visit.query)
    desk = live.host.current
    shown = live.shown(live.key(desk, live.shown_run(desk, address.run)))
    row = None if shown is None else _row_of(shown, infohash)
    if shown is None or row is None:
        return [page_head(words.SWARM, words.no_such_swarm(one_line(infohash)[:80])), _back()]
    return [
        page_head(one_line(row["name"]), words.SWARM_LEAD),
        html.Div(
            [_about(row), *_whereabouts(shown, row), _history(live, infohash)], className="facts"
        ),
        _back(),
    ]


def _back() -> html.P:
    return html.P(dcc.Link(words.TO_SWARMS, href="/swarms"))


def _row_of(shown: ShownRun, infohash: str) -> dict[str, Any] | None:
    page, _ = shown.view.swarms(Selection(), search=infohash, limit=2)
    found = page.filter(pl.col("infohash") == infohash)
    return found.row(0, named=True) if len(found) else None


def _about(row: Mapping[str, Any]) -> html.Section:
    magnet = f"magnet:?xt=urn:btih:{row['infohash']}" if len(row["infohash"]) == 40 else ""
    pairs = [
        (words.COLUMN_CATEGORY, one_line(row["category"] or words.NONE)),
        (words.COLUMN_SIZE, size_text(row["size_mb"])),
        (words.PEERS, f"{row['peers']:,}"),
        (words.COLUMN_ESTIMATE, words.between(row["estimate"], row["low"], row["high"])),
        (words.COLUMN_SEEDS, words.between(row["seeds"], row["seeds_low"], row["seeds_high"])),
        (
            words.DOWNLOADERS,
            words.between(row["downloaders"], row["downloaders_low"], row["downloaders_high"]),
        ),
        (words.COLUMN_STATE, row["state"] or words.BEING_ASKED),
        (words.INFOHASH, html.Code(row["infohash"])),
        (words.MAGNET, html.A(words.MAGNET_LINK, href=magnet) if magnet else words.NONE),
    ]
    return html.Section([html.H2(words.ABOUT), facts(pairs)], className="card fact")


def _whereabouts(shown: ShownRun, row: Mapping[str, Any]) -> list[html.Section]:
    """Countries, networks and sources of its peers."""
    here = Selection(swarm=row["swarm"])
    countries = shown.view.countries(here).head(_MOST_ROWS).iter_rows(named=True)
    by_country = [
        (country_name(one["country"]), f"{one['peers']:,}", words.percent(one["share"]))
        for one in countries
    ]
    networks = shown.view.networks(here).head(_MOST_ROWS).iter_rows(named=True)
    by_network = [
        (
            one_line(one["as_name"] or words.UNKNOWN_NETWORK),
            words.HOSTING[one["hosting"]],
            f"{one['peers']:,}",
        )
        for one in networks
    ]
    sources = shown.view.sources(here).iter_rows(named=True)
    by_source = [(one["source"], f"{one['peers']:,}", f"{one['alone']:,}") for one in sources]
    return [
        _card(words.COUNTRIES, words.BY_COUNTRY, by_country),
        _card(words.NETWORKS, words.BY_NETWORK, by_network),
        _card(words.SOURCES, words.BY_SOURCE, by_source),
    ]


def _history(live: LiveView, infohash: str) -> html.Section:
    """Its peers in each of the newest runs that asked for it."""
    desk = live.host.current
    rows = []
    for summary in desk.runs()[:_MOST_RUNS]:
        run = desk.open_run(summary.id)
        swarms = run.swarms().filter(pl.col("infohash") == infohash).select("swarm")
        found = run.outcomes().join(swarms, on="swarm").collect()
        if len(found):
            row = found.row(0, named=True)
            link = dcc.Link(
                words.moment(summary.started_at), href=f"/swarms/{infohash}?run={summary.id}"
            )
            estimate = words.between(row["estimate"], row["low"], row["high"])
            rows.append((link, f"{row['unique_peers']:,}", estimate))
    return _card(words.HISTORY, words.BY_RUN, rows)


def _card(title: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> html.Section:
    table = text_table(columns, rows, title) if rows else html.P(words.NOTHING_KNOWN)
    return html.Section([html.H2(title), table], className="card fact")


SWARM = Page("/swarms/<infohash>", words.SWARM, _layout, in_navigation=False)
