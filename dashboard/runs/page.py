"""The archive of runs: all of them with size and state; opened, compared, exported, deleted."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from dashboard import ids, words
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.orders import look_at_once, pressed, say
from dashboard.page import Page, Visit
from dashboard.runs import exports
from dashboard.runs.compare import COMPARE
from dashboard.tables import text_table
from observatory.archive import ArchivedRun
from observatory.job import JobKind
from observatory.summaries import RunSummary
from storage.manifest import RunState
from swarm.errors import SwarmError

LIST, FIRST, SECOND, TO_COMPARE = "runs-list", "runs-first", "runs-second", "runs-compare"
CHOSEN, DELETE, ASK, ASKED = "runs-chosen", "runs-delete", "runs-ask", "runs-asked"
KEEP, CONFIRM = "runs-keep", "runs-confirm"
TAKEN_RUN, TAKEN, TAKE = "runs-taken-run", "runs-taken", "runs-take"
ORDERS = "runs-orders"
_MOST_ROWS = 500
_WIDE = 420  # px: a run's whole name
_COMPARED = ((FIRST, words.COMPARE_BEFORE), (SECOND, words.COMPARE_AFTER))


def _layout(live: LiveView, _visit: Visit) -> list[Any]:
    choices = _choices(live)
    ended = [run.id for run in live.host.current.runs() if run.state is not RunState.RUNNING]
    latest_two = ended[1::-1] if len(ended) > 1 else [None] * 2
    pickers = [
        dmc.Select(
            id=name, label=label, data=choices, value=run, searchable=True, size="sm", w=_WIDE
        )
        for (name, label), run in zip(_COMPARED, latest_two, strict=True)
    ]
    link = dcc.Link(words.COMPARE_THEM, id=TO_COMPARE, href=COMPARE.route, className="action")
    chosen = dmc.MultiSelect(
        id=CHOSEN, label=words.DELETE_WHICH, data=choices, searchable=True, size="sm", w=_WIDE
    )
    delete = dmc.Button(words.DELETE_RUNS, id=DELETE, color="red", variant="outline", size="sm")
    return [
        page_head(words.RUNS, words.RUNS_LEAD),
        html.Section(archive(live), id=LIST, className="card"),
        html.Div(
            [
                html.Section([*pickers, link], className="card order-row"),
                _take_along(choices, ended[0] if ended else None),
                html.Section([chosen, delete], className="card order-row"),
            ],
            id=ORDERS,
            className=_orders_class(choices),
        ),
        _question(),
    ]


def _orders_class(choices: list[dict[str, str]]) -> str:
    """What can be done with runs is shown where there are runs."""
    return "orders" if choices else "orders hidden"


def _take_along(choices: list[dict[str, str]], first: str | None) -> html.Section:
    run = dmc.Select(
        id=TAKEN_RUN, label=words.TAKE_RUN, data=choices, value=first, searchable=True, size="sm", w=_WIDE
    )
    what = dmc.Select(
        id=TAKEN,
        label=words.TAKE_WHAT,
        data=exports.choices(),
        value=exports.EVERYTHING,
        allowDeselect=False,
        searchable=True,
        size="sm",
        w=430,
    )
    href = exports.address_of(first, exports.EVERYTHING) if first else "/runs"
    link = html.A(words.TAKE, id=TAKE, href=href, className="action")
    note = html.P(words.TAKE_NOTE, className="plan")
    return html.Section([run, what, link, note], className="card order-row")


def _question() -> dmc.Modal:
    buttons = [
        dmc.Button(words.KEEP_THEM, id=KEEP, variant="default"),
        dmc.Button(words.DELETE, id=CONFIRM, color="red"),
    ]
    return dmc.Modal(
        [html.P(id=ASKED), html.Div(buttons, className="modal-buttons")],
        id=ASK,
        title=words.DELETE_RUNS,
        centered=True,
        closeButtonProps={"aria-label": "Close"},
    )


def _register(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(LIST, "children"),
        Output(FIRST, "data"),
        Output(SECOND, "data"),
        Output(CHOSEN, "data"),
        Output(TAKEN_RUN, "data"),
        Output(ORDERS, "className"),
        Input(ids.SEEN, "data"),
    )
    def refresh(seen: str | None) -> tuple[Any, ...]:
        if seen is None:
            return (no_update,) * 6
        choices = _choices(live)
        return archive(live), *[choices] * 4, _orders_class(choices)

    @app.callback(
        Output(TO_COMPARE, "href"), Input(FIRST, "value"), Input(SECOND, "value")
    )
    def aim(first: str | None, second: str | None) -> str:
        return f"{COMPARE.route}?a={first or ''}&b={second or ''}"

    @app.callback(Output(TAKE, "href"), Input(TAKEN_RUN, "value"), Input(TAKEN, "value"))
    def aim_take(run_id: str | None, name: str | None) -> str:
        return exports.address_of(run_id, name) if run_id and name else "/runs"

    exports.register(app.server, live)
    _register_delete(app, live)


def _register_delete(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(ASK, "opened"),
        Output(ASKED, "children"),
        Output(CONFIRM, "disabled"),
        Input(DELETE, "n_clicks"),
        Input(KEEP, "n_clicks"),
        Input(CONFIRM, "n_clicks"),
        State(CHOSEN, "value"),
        prevent_initial_call=True,
    )
    def ask(_delete: object, _keep: object, _confirm: object, chosen: list[str] | None) -> Any:
        if pressed() != DELETE:
            return False, no_update, no_update
        return True, delete_sentence(live, chosen or []), not chosen

    @app.callback(Input(CONFIRM, "n_clicks"), State(CHOSEN, "value"), prevent_initial_call=True)
    def delete(_clicks: object, chosen: list[str] | None) -> None:
        if pressed() is None or not chosen:
            return
        try:
            live.host.current.start(JobKind.DELETE, {"run_ids": list(chosen)})
            say(words.DELETE_STARTED, "done")
        except SwarmError as error:
            say(str(error))
        look_at_once()


def delete_sentence(live: LiveView, chosen: list[str]) -> str:
    """What deleting these runs takes away."""
    going = [run for run in live.host.current.archive() if run.run_id in chosen]
    peers = sum(run.summary.peers for run in going if run.summary is not None)
    return words.delete_sentence(len(going), peers, sum(run.size_bytes for run in going))


def archive(live: LiveView) -> list[Any]:
    """The table of all runs, the newest first."""
    runs = live.host.current.archive()
    if not runs:
        return [html.P(words.NO_RUNS, className="nothing")]
    table = text_table(words.RUN_COLUMNS, map(_row, runs[:_MOST_ROWS]), words.RUNS)
    cut = len(runs) - _MOST_ROWS
    return [table] if cut <= 0 else [table, html.P(words.and_more(cut), className="nothing")]


def _row(run: ArchivedRun) -> tuple[Any, ...]:
    size = words.bytes_text(run.size_bytes)
    if run.summary is None:
        broken = html.Span(run.broken or "", className="said")
        return run.run_id, words.BROKEN, words.NONE, words.NONE, size, f"{run.parts:,}", broken
    summary = run.summary
    return (
        dcc.Link(words.begun(summary.started_at), href=f"/?run={run.run_id}"),
        html.Span(summary.state.value, className=f"state {_kind(summary)}"),
        f"{summary.swarms_done:,} / {summary.swarms_total:,}",
        f"{summary.peers:,}",
        size,
        f"{run.parts:,}",
        html.Span(summary.message or words.NONE, className="said"),
    )


def _kind(summary: RunSummary) -> str:
    return {"complete": "done", "failed": "failed"}.get(summary.state.value, "")


def _choices(live: LiveView) -> list[dict[str, str]]:
    runs = live.host.current.runs()[:_MOST_ROWS]
    return [{"value": run.id, "label": words.run_choice(run)} for run in runs]


RUNS = Page("/runs", words.RUNS, _layout, _register)
