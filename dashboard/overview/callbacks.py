"""What clicks and choices do. Jobs are only started here; they run in processes of their own."""

from __future__ import annotations

from functools import partial

from dash import Dash, Input, Output, State

from dashboard import ids, words
from dashboard.browser_side import in_browser
from dashboard.live import LiveView
from dashboard.orders import look_at_once, pressed, say, say_nothing
from dashboard.overview import charts
from observatory.host import Host
from observatory.job import JobKind
from swarm.errors import JobRefused, SwarmError

_CONTROLS = (ids.BINNING, ids.SHARES, ids.MAP_VIEW, ids.COUNTRY_PICKER, ids.CATEGORY_PICKER)


def register(app: Dash, live: LiveView) -> None:
    """Add all callbacks but the beat to the app."""
    _register_browser_side(app)
    _register_orders(app, live.host)
    _register_purge_question(app, live.host)
    charts.register(app, live)


def _register_browser_side(app: Dash) -> None:
    """What the assets answer without a request: page.js under `atlas`, overview.js under its name.

    See the functions of these names there.
    """

    browser = partial(in_browser, app)
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
    browser(
        "chart",
        Input(ids.RUN_KEY, "data"),
        State(ids.CHARTED, "data"),
        namespace="overview",
    )
    browser(
        "drawCountries",
        Output(ids.COUNTRIES_DRAWN, "data"),
        Input(ids.COUNTRY_ROWS, "data"),
        namespace="overview",
    )
    browser(
        "viewport",
        Output(ids.VIEWPORT, "data"),
        Input(ids.MAP, "relayoutData"),
        State(ids.VIEWPORT, "data"),
        initial=False,
        namespace="overview",
    )
    browser(
        "syncControls",
        *(Output(name, "value") for name in _CONTROLS),
        Input(ids.ADDRESS, "search"),
        *(Input(name, "value") for name in _CONTROLS),
        namespace="overview",
    )
    browser(
        "pick",
        Output(ids.MAP, "clickData"),
        Output(ids.HISTOGRAM, "clickData"),
        Input(ids.MAP, "clickData"),
        Input(ids.HISTOGRAM, "clickData"),
        State(ids.ADDRESS, "search"),
        initial=False,
        namespace="overview",
    )
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
