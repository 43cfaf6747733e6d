"""One beat of the page: asks how the world stands, and answers nothing where nothing changed.

What changed is told to the pages by the store `ids.SEEN`: each takes it as an Input, and reads
afresh what it shows.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from dash import Dash, Input, Output, State, ctx, html, no_update

from dashboard import ids, words
from dashboard.address_state import read_address
from dashboard.browser_side import in_browser
from dashboard.live import LiveView
from dashboard.markup import icon
from dashboard.orders import look_at_once
from dashboard.page import Page
from dashboard.shell import nav_id
from observatory.desk import Observatory
from swarm.errors import SwarmError

_MOST_PICKED_RUNS = 200  # the newest; older ones are opened from the archive
_OUTPUTS = {
    "seen": Output(ids.SEEN, "data"),
    "world": Output(ids.WORLD, "children"),
    "world_class": Output(ids.WORLD, "className"),
    "leave_lab": Output(ids.LEAVE_LAB, "className"),
    "runs": Output(ids.RUN_PICKER, "data"),
    "notice": Output(ids.NOTICE, "className", allow_duplicate=True),
    "notice_text": Output(ids.NOTICE_TEXT, "children", allow_duplicate=True),
}
_NOTHING = dict.fromkeys(_OUTPUTS, no_update)


def register(app: Dash, live: LiveView, pages: tuple[Page, ...]) -> None:
    """Add what the shell does: the beat, the picker, the theme, pause."""
    _register_browser_side(app, pages)

    @app.callback(
        output=_OUTPUTS,
        inputs={
            "_tick": Input(ids.TICK, "data"),
            "_nudge": Input(ids.NUDGE, "data"),
            "query": Input(ids.ADDRESS, "search"),
            "seen": State(ids.SEEN, "data"),
        },
        prevent_initial_call=True,  # the frame comes with the first state
    )
    def pulse(_tick: object, _nudge: object, query: str | None, seen: str | None) -> dict[str, Any]:
        try:
            stamp = stamp_of_view(live, query, at_once=ctx.triggered_id == ids.NUDGE)
            if stamp == seen:
                return _NOTHING
            if seen is not None and _is_of_same_shell(live, query, seen):
                return _NOTHING | {"seen": stamp}
            shell = live.said(("shell", query), partial(state_of_shell, live, query))
            return _NOTHING | {"seen": stamp} | shell
        except SwarmError as error:
            return _unreadable(str(error), seen)

    @app.callback(
        Input(ids.LEAVE_LAB, "n_clicks"),
        prevent_initial_call=True,
    )
    def leave_lab(_clicks: int) -> None:
        live.host.leave_lab()
        look_at_once()


def first_state(live: LiveView, query: str) -> dict[str, Any]:
    """What the frame holds when it is opened; a reason, where the world does not read."""
    try:
        # The stamp first: what changes in between is told by the next beat.
        stamp = stamp_of_view(live, query)
        chosen = read_address(query).run or words.LATEST_VALUE
        return {"seen": stamp, "run": chosen, **state_of_shell(live, query)}
    except SwarmError as error:
        return {
            "seen": str(error),
            "notice": "message failed",
            "notice_text": str(error),
        }


def stamp_of_view(live: LiveView, query: str | None, *, at_once: bool = False) -> str:
    """Changes whenever anything does that a page with this query shows; see `LiveView.stamp`.

    Raises:
        SwarmError: the world does not read.
    """
    return f"{live.stamp(at_once=at_once)}|{query or ''}"


def _is_of_same_shell(live: LiveView, query: str | None, seen: str) -> bool:
    """Whether only what the page shows has changed since this was seen, and not what is around."""
    world, _, before = seen.rpartition("|")
    if world != live.stamp():
        return False
    now, then = read_address(query), read_address(before)
    return (now.run, now.refused) == (then.run, then.refused)


def _unreadable(reason: str, seen: str | None) -> dict[str, Any]:
    """The world itself does not read: say so once, not at every beat."""
    if reason == seen:
        return _NOTHING
    return _NOTHING | {
        "seen": reason,
        "notice": "message failed",
        "notice_text": reason,
    }


def state_of_shell(live: LiveView, query: str | None) -> dict[str, Any]:
    """Everything that a beat may change around the page, as it should be now.

    Raises:
        SwarmError: the world does not read.
    """
    desk = live.host.current
    state = read_address(query)
    shell = {
        "world": world(desk),
        "world_class": "world in-lab" if desk.is_lab else "world",
        "leave_lab": "" if desk.is_lab else "hidden",
        "runs": run_choices(desk, state.run),
    }
    if state.refused:
        said = words.address_refused(state.refused)
        shell |= {"notice": "message odd", "notice_text": said}
    return shell


def world(desk: Observatory) -> list[Any]:
    """Which world is shown."""
    name = "The lab" if desk.is_lab else desk.name
    return [
        icon("lab" if desk.is_lab else "globe"),
        html.Strong(name),
        html.Span(desk.description, className="description"),
    ]


def run_choices(desk: Observatory, wanted: str | None) -> list[dict[str, str]]:
    """What the run picker offers: the latest, the newest of the archive, and what is shown."""
    runs = desk.runs()
    latest = {"value": words.LATEST_VALUE, "label": words.latest_run(runs[0] if runs else None)}
    choices = [latest]
    choices += [
        {"value": run.id, "label": words.run_choice(run)} for run in runs[:_MOST_PICKED_RUNS]
    ]
    if wanted is not None and all(choice["value"] != wanted for choice in choices):
        older = next((run for run in runs if run.id == wanted), None)
        label = words.no_such_run(wanted) if older is None else words.run_choice(older)
        choices.append({"value": wanted, "label": label})
    return choices


def _register_browser_side(app: Dash, pages: tuple[Page, ...]) -> None:
    """What assets/page.js answers without a request; see the functions of these names there."""

    browser = partial(in_browser, app)
    browser(
        "tick",
        Output(ids.TICK, "data"),
        Input(ids.CLOCK, "n_intervals"),
        State(ids.PAUSED, "data"),
        initial=False,
    )
    browser(
        "togglePause",
        Output(ids.PAUSED, "data"),
        Input(ids.PAUSE, "n_clicks"),
        State(ids.PAUSED, "data"),
        initial=False,
    )
    browser(
        "showPause",
        Output(ids.PAUSE, "children"),
        Output(ids.LIVE, "children"),
        Output(ids.LIVE, "className"),
        Input(ids.PAUSED, "data"),
    )
    browser(
        "chooseScheme",
        Output(ids.PROVIDER, "forceColorScheme"),
        Output(ids.SCHEME, "data"),
        Output(ids.WINDOW_WIDTH, "data"),
        Input(ids.THEME, "value"),
        Input(ids.SYSTEM_SCHEME, "data"),
    )
    browser(
        "pickRun",
        Output(ids.ADDRESS, "search"),
        Output(ids.RUN_PICKER, "value"),
        Input(ids.ADDRESS, "search"),
        Input(ids.RUN_PICKER, "value"),
    )
    linked = [page for page in pages if page.in_navigation]
    browser(
        "keepRunInLinks",
        *(Output(nav_id(page), "href") for page in linked),
        Input(ids.ADDRESS, "search"),
    )
    browser(
        "arrive",
        Output(ids.ARRIVED, "children"),
        Input(ids.TITLE, "data"),  # the first one comes with the frame
    )
    browser(
        "dismissNotice",
        Output(ids.NOTICE, "className", allow_duplicate=True),
        Input(ids.NOTICE_DISMISS, "n_clicks"),
        initial=False,
    )
