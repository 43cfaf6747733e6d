"""What callbacks put into the page's frame: numbers, job, attribution. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from dash import html

from analysis.estimate import Estimate
from analysis.figures import LONGEST_NAME
from analysis.selection import Selection
from analysis.totals import RunTotals
from dashboard import words
from dashboard.address_state import AddressState
from dashboard.live import ShownRun
from dashboard.markup import aria, said_by
from observatory.job import Job
from observatory.summaries import RunSummary
from storage.manifest import RunState
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
    found = words.RECALL_SO_FAR if run.state is RunState.RUNNING else words.RECALL
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
            found if counted.recall is not None else words.RECALL_UNKNOWN,
        ),
    ]


def _estimated(estimate: Estimate | None, label: str) -> html.Div:
    if estimate is None:
        return _number(words.NONE, label)
    return _number(f"{estimate.value:,.0f}", label, words.interval(estimate))


def _number(figure: str, label: str, interval: str = "") -> html.Div:
    between = [html.Small(words.within(interval))] if interval else []
    return html.Div([html.Strong(figure), html.Span(label), *between], className="card number")


def attribution(run: RunSummary, today: date) -> list[Any]:
    """Who placed the peers and when that database was built; stands under the figures."""
    return [*said_by(run.databases, today), html.Span(words.OUTLINES)]


def map_note(shown: ShownRun, address: AddressState, cell_deg: float | None) -> str:
    """What a marker stands for, and how many peers have none."""
    selection = address.selection
    level = shown.country_level(selection)
    memberships = int(shown.countries(selection)["peers"].sum())
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
