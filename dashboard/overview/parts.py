"""What callbacks put into the page's frame: numbers, table, job, attribution. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
from dash import html

from analysis.countries import country_name
from analysis.figures import size_text
from analysis.tables import OTHER, KeyNumbers
from dashboard import words
from dashboard.markup import aria
from observatory.jobs import Job
from observatory.summaries import RunSummary
from swarm.place import UNKNOWN_COUNTRY, DatabaseBuild


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


def numbers(torrents: int, run: RunSummary, counted: KeyNumbers) -> list[Any]:
    """The strip of figures above the charts."""
    share = counted.located_share
    clock, ended = words.run_time(run)
    return [
        _number(f"{counted.peers:,}", "Distinct peers"),
        _number(f"{torrents:,}", "Torrents collected"),
        _number(f"{run.swarms_done:,} / {run.swarms_total:,}", "Swarms counted"),
        _number(f"{counted.countries:,}", "Countries"),
        _number(words.NONE if share is None else words.percent(share), "Peers located"),
        _number(clock, ended),
    ]


def _number(figure: str, label: str) -> html.Div:
    return html.Div([html.Strong(figure), html.Span(label)], className="card number")


def countries(
    table: pl.DataFrame,
    top: Sequence[str],
    colours: Mapping[str, str],
    hidden: Collection[str],
) -> html.Table:
    """The countries with their colours: the top, all others as one, the unknown, then each other.

    `table` is a `countries_table`; `colours` names a colour for the top, `OTHER` and the unknown.
    """
    rows = {row["country"]: row for row in table.iter_rows(named=True)}
    rest = [country for country in rows if country not in (*top, UNKNOWN_COUNTRY)]
    most = max((row["peers"] for row in rows.values()), default=1)
    body = [_country(rows[c], c, country_name(c), colours[c], most, hidden) for c in top]
    if rest:
        others = _sum_up([rows[country] for country in rest])
        name = f"Other ({len(rest)})"
        body.append(_country(others, OTHER, name, colours[OTHER], most, hidden))
    if UNKNOWN_COUNTRY in rows:
        row, colour = rows[UNKNOWN_COUNTRY], colours[UNKNOWN_COUNTRY]
        body.append(_country(row, UNKNOWN_COUNTRY, "Unknown", colour, most, hidden))
    body += [_country(rows[c], None, country_name(c), colours[OTHER], most, hidden) for c in rest]
    compared = html.Span("Compared", className="unseen")
    titles = ("Country", compared, "Peers", "Share", "Median")
    head = html.Thead(html.Tr([html.Th(title, scope="col") for title in titles]))
    return html.Table([head, html.Tbody(body)])


def _sum_up(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    peers, share = sum(row["peers"] for row in rows), sum(row["share"] for row in rows)
    return {"peers": peers, "share": share, "median_mb": None}


def _country(
    row: Mapping[str, Any],
    key: str | None,
    name: str,
    colour: str,
    most: int,
    hidden: Collection[str],
) -> html.Tr:
    """One row; with a `key`, its name is the button that hides and shows the colour."""
    swatch = html.Span(className="swatch", style={"backgroundColor": colour})
    shown = key is not None and key not in hidden
    label: Any = html.Span(name, className="indent")
    if key is not None:
        state: dict[str, Any] = {"data-country": key, "aria-pressed": "true" if shown else "false"}
        label = html.Button([swatch, name], className="plain", type="button", **state)
    width = f"{100 * min(1.0, row['peers'] / most):.1f}%"
    bar = html.Div(
        html.Div(style={"width": width, "backgroundColor": colour}), className="share-bar"
    )
    median = words.NONE if row["median_mb"] is None else size_text(row["median_mb"])
    kind = "" if shown else "quiet"
    cells = (label, bar, f"{row['peers']:,}", words.percent(row["share"]), median)
    return html.Tr([html.Td(cell) for cell in cells], className=kind)


def attribution(run: RunSummary, today: date) -> list[Any]:
    """Who placed the peers and when that database was built; stands under the figures."""
    line = words.database_line(run.database, today)
    link = [] if run.database is None else _link(run.database)
    return [*link, html.Span(line), html.Span(words.OUTLINES)]


def _link(build: DatabaseBuild) -> list[Any]:
    if not build.attribution:
        return []
    if build.attribution_url and build.attribution_url.startswith("https://"):
        return [html.A(build.attribution, href=build.attribution_url, rel="noreferrer")]
    return [html.Span(build.attribution)]


def map_note(places: pl.DataFrame, counted: KeyNumbers) -> str:
    """What a marker stands for, and how many peers have none."""
    if counted.memberships == 0:
        return words.NO_PEERS_YET
    merged = places["name"].null_count() > 0
    on_map = int(places["peers"].sum())
    note = words.MAP_NOTE_MERGED if merged else words.MAP_NOTE
    return note + words.unplaced_note(counted.memberships, on_map)
