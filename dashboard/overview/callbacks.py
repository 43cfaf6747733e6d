"""What clicks and choices do. Jobs are only started here; they run in processes of their own."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, no_update

from analysis.figures import map_layout
from analysis.palette import Scheme
from analysis.tables import Binning
from dashboard import ids, words
from dashboard.live import LiveView, RunKey
from dashboard.orders import look_at_once, pressed, say, say_nothing
from dashboard.overview import parts
from dashboard.overview.drawing import Wish, choose_colours, draw_histogram, draw_map, map_zoom
from observatory.host import Host
from observatory.jobs import JobKind
from swarm.errors import JobRefused, SwarmError


def register(app: Dash, live: LiveView) -> None:
    """Add all callbacks but the beat to the app."""
    _register_browser_side(app)
    _register_orders(app, live.host)
    _register_purge_question(app, live.host)
    _register_drawing(app, live)


def _register_browser_side(app: Dash) -> None:
    """What assets/page.js answers without a request; see the functions of these names there."""

    def browser(name: str, *wires: Any, initial: bool = True) -> None:
        where = ClientsideFunction("atlas", name)
        app.clientside_callback(  # type: ignore[no-untyped-call]  # dash gives it no types
            where, *wires, prevent_initial_call=not initial
        )

    browser(
        "showResult",
        Output(ids.RESULT, "className"),
        Input(ids.RESULT_KEY, "data"),
        Input(ids.DISMISSED, "data"),
    )
    browser(
        "dismissResult",
        Output(ids.DISMISSED, "data"),
        Input(ids.RESULT_DISMISS, "n_clicks"),
        State(ids.RESULT_KEY, "data"),
        initial=False,
    )
    browser("keepFocus", Input(ids.COUNTRIES, "children"), initial=False)
    browser(
        "closePurge",
        Output(ids.PURGE_MODAL, "opened", allow_duplicate=True),
        Input(ids.PURGE_KEEP, "n_clicks"),
        Input(ids.PURGE_CONFIRM, "n_clicks"),
        initial=False,
    )


def _register_orders(app: Dash, host: Host) -> None:
    @app.callback(
        Input(ids.SCRAPE, "n_clicks"),
        Input(ids.FETCH, "n_clicks"),
        Input(ids.PURGE_CONFIRM, "n_clicks"),
        Input(ids.CANCEL, "n_clicks"),
        Input(ids.TRY_LAB, "n_clicks"),
        State(ids.PER_CATEGORY, "value"),
        prevent_initial_call=True,
    )
    def order(*arguments: object) -> None:
        button = pressed()
        if button is None:
            return
        try:
            obey(host, button, arguments[-1])
            say_nothing()
        except SwarmError as error:
            say(str(error))
        look_at_once()


def obey(host: Host, button: str, per_category: object) -> None:
    """Do what a button says.

    Raises:
        SwarmError: it cannot be done now; says why.
    """
    desk = host.current
    if button == ids.SCRAPE:
        if not words.is_per_category(per_category):
            raise JobRefused(words.HOW_MANY)
        desk.start(JobKind.SCRAPE, {"per_category": per_category})
    elif button == ids.FETCH:
        desk.start(JobKind.FETCH, {})
    elif button == ids.PURGE_CONFIRM:
        desk.start(JobKind.PURGE, {})
    elif button == ids.CANCEL:
        active = desk.active_job()
        if active is not None:
            desk.cancel(active.id)
    elif button == ids.TRY_LAB:
        host.start_lab()


def _register_purge_question(app: Dash, host: Host) -> None:
    @app.callback(
        Output(ids.PURGE_MODAL, "opened"),
        Output(ids.PURGE_SENTENCE, "children"),
        Output(ids.PURGE_CONFIRM, "children"),
        Output(ids.PURGE_CONFIRM, "disabled"),
        Input(ids.PURGE, "n_clicks"),
        prevent_initial_call=True,
    )
    def ask(_clicks: int) -> tuple[bool, str, str, bool]:
        preview = host.current.purge_preview()
        return True, words.purge_sentence(preview), words.purge_button(preview), preview.runs == 0


def _register_drawing(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(ids.MAP, "figure"),
        Output(ids.HISTOGRAM, "figure"),
        Output(ids.COUNTRIES, "children"),
        Output(ids.MAP_NOTE, "children"),
        Output(ids.DRAWN, "data"),
        Input(ids.RUN_KEY, "data"),
        Input(ids.SCHEME, "data"),
        Input(ids.TOP, "value"),
        Input(ids.BINNING, "value"),
        Input(ids.HIDDEN, "data"),
        State(ids.DRAWN, "data"),
        State(ids.WINDOW_WIDTH, "data"),
    )
    def draw(
        key: dict[str, str] | None,
        scheme: str | None,
        top: str,
        binning: str,
        hidden: list[str],
        drawn: str | None,
        width: int,
    ) -> tuple[Any, ...]:
        """The charts and the table that is their key; whole only the first time."""
        if key is None or scheme is None:
            return (no_update,) * 5
        run = RunKey(**key)
        if run.world != live.host.current.name:
            return (no_update,) * 5  # another tab has changed the world: the next beat brings it
        wish = Wish(Scheme(scheme), int(top), Binning(binning), frozenset(hidden))
        tables, whole = live.tables(run), drawn is None
        colours = choose_colours(tables, live.slots(run), wish)
        layout = map_layout(colours.palette, app.get_asset_url("").rstrip("/"), map_zoom(width))
        return (
            draw_map(tables, colours, layout, hidden, whole=whole),
            draw_histogram(tables, colours, wish, whole=whole),
            parts.countries(tables.countries(), colours.top, colours.by_key(), hidden),
            parts.map_note(tables.places(), tables.numbers()),
            scheme,
        )
