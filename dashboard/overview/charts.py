"""The callbacks that draw: histogram and table, the map, and what is under the pointer."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from dash import Dash, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from analysis.palette import Scheme
from analysis.selection import Bounds
from dashboard import ids
from dashboard.address_state import AddressState, read_address
from dashboard.live import LiveView, RunKey, ShownRun
from dashboard.overview import parts
from dashboard.overview.country_table import country_rows
from dashboard.overview.drawing import (
    Colours,
    Viewport,
    Wish,
    choose_colours,
    draw_histogram,
    draw_map,
    map_zoom,
    places_in_view,
)
from dashboard.page import Visit

_BARS = (
    Output(ids.HISTOGRAM, "figure"),
    Output(ids.COUNTRY_ROWS, "data"),
    Output(ids.BARS_DRAWN, "data"),
)
_MAP = (
    Output(ids.MAP, "figure"),
    Output(ids.MAP_NOTE, "children"),
    Output(ids.MAP_DRAWN, "data"),
)
_ASSETS_URL = "/assets"
_LONGEST_KEY = 60  # of a place; ours are shorter


def register(app: Dash, live: LiveView) -> None:
    """Add them to the app."""
    _register_bars(app, live)
    _register_map(app, live)
    _register_place(app, live)


def _register_bars(app: Dash, live: LiveView) -> None:
    @app.callback(
        *_BARS,
        Input(ids.CHARTED, "data"),
        Input(ids.ADDRESS, "search"),
        Input(ids.SCHEME, "data"),
        Input(ids.TOP, "value"),
        Input(ids.HIDDEN, "data"),
        State(ids.BARS_DRAWN, "data"),
    )
    def draw_bars(
        key: dict[str, str] | None,
        query: str | None,
        scheme: str | None,
        top: str,
        hidden: list[str],
        drawn: str | None,
    ) -> tuple[Any, ...]:
        """The histogram and the table that is the colour key of both charts."""
        address = read_address(query)
        run = _run(live, key, address)
        if run is None or scheme is None:
            raise PreventUpdate
        return _bars(live, run, Wish(Scheme(scheme), int(top), frozenset(hidden), address), drawn)


def _register_map(app: Dash, live: LiveView) -> None:
    @app.callback(
        *_MAP,
        Input(ids.CHARTED, "data"),
        Input(ids.ADDRESS, "search"),
        Input(ids.SCHEME, "data"),
        Input(ids.TOP, "value"),
        Input(ids.HIDDEN, "data"),
        Input(ids.VIEWPORT, "data"),
        State(ids.MAP_DRAWN, "data"),
        State(ids.WINDOW_WIDTH, "data"),
    )
    def draw(
        key: dict[str, str] | None,
        query: str | None,
        scheme: str | None,
        top: str,
        hidden: list[str],
        seen: dict[str, Any] | None,
        drawn: str | None,
        width: int,
    ) -> tuple[Any, ...]:
        """The map; its note says what a marker stands for."""
        address = read_address(query)
        run = _run(live, key, address)
        if run is None or scheme is None:
            raise PreventUpdate
        wish = Wish(Scheme(scheme), int(top), frozenset(hidden), address)
        return _map(live, run, wish, read_viewport(seen, map_zoom(width)), drawn)


def _register_place(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(ids.PLACE, "children"),
        Input(ids.MAP, "hoverData"),
        State(ids.CHARTED, "data"),
        State(ids.ADDRESS, "search"),
        prevent_initial_call=True,
    )
    def tell(hovered: Any, key: dict[str, str] | None, query: str | None) -> Any:
        """Which torrents those under the pointer share most."""
        place = _place_key(hovered)
        run = _run(live, key, read_address(query))
        shown = None if run is None else live.shown(run)
        if shown is None or place is None:
            return no_update
        return parts.top_torrents(shown.top_torrents(place))


def first_values(live: LiveView, visit: Visit) -> dict[Output, Any]:
    """Both charts whole, the table and the note, as a visitor's window wants them.

    Raises:
        SwarmError: the world does not read.
    """
    address, look = read_address(visit.query), visit.look
    desk = live.host.current
    run = live.key(desk, live.shown_run(desk, address.run))
    wish = Wish(look.scheme, look.top, frozenset(), address)
    viewport = Viewport(map_zoom(look.width_px))
    bars = _bars(live, run, wish, None)
    map_ = _map(live, run, wish, viewport, None)
    values = dict(zip((*_BARS, *_MAP), (*bars, *map_), strict=True))
    return values | {Output(ids.CHARTED, "data"): asdict(run)}


def _bars(live: LiveView, run: RunKey, wish: Wish, drawn: str | None) -> tuple[Any, ...]:
    """What _BARS is to be.

    Raises:
        PreventUpdate: it was `drawn` of just that.
    """
    stamp = f"{run} {wish}"
    shown, colours = _drawn_from(live, run, wish, is_drawn=stamp == drawn)
    table: Any = []
    if shown is not None:
        question = ("table", wish, *colours.by_key().items())
        table = shown.made(question, partial(country_rows, shown, colours, wish))
    return draw_histogram(shown, colours, wish, whole=drawn is None), table, stamp


def _map(
    live: LiveView, run: RunKey, wish: Wish, viewport: Viewport, drawn: str | None
) -> tuple[Any, ...]:
    """What _MAP is to be.

    Raises:
        PreventUpdate: it was `drawn` of just that.
    """
    stamp = f"{run} {wish} {viewport}"
    shown, colours = _drawn_from(live, run, wish, is_drawn=stamp == drawn)
    figure = draw_map(shown, colours, wish, viewport, _ASSETS_URL, whole=drawn is None)
    note = ""
    if shown is not None:
        _places, cell_deg = places_in_view(shown, wish.address.selection, viewport)
        note = parts.map_note(shown, wish.address, cell_deg)
    return figure, note, stamp


def _drawn_from(
    live: LiveView, run: RunKey, wish: Wish, *, is_drawn: bool
) -> tuple[ShownRun | None, Colours]:
    """The figures of a run and their colours, for a chart.

    Raises:
        PreventUpdate: it is drawn of just that.
    """
    if is_drawn:
        raise PreventUpdate
    shown = live.shown(run)
    return shown, choose_colours(shown, live.slots(run), wish)


def read_viewport(seen: Any, zoom: float) -> Viewport:
    """What assets/overview.js says of the map; `zoom` where it has said nothing yet."""
    match seen:
        case {"zoom": int(step), "bounds": [*corners]} if (
            all(isinstance(corner, int | float) for corner in corners) and len(corners) == 4
        ):
            return Viewport(float(step), Bounds(*(float(corner) for corner in corners)))
        case {"zoom": int(step)}:
            return Viewport(float(step))
        case _:
            return Viewport(zoom)


def _run(live: LiveView, key: dict[str, str] | None, address: AddressState) -> RunKey | None:
    """The run to draw; None until the next beat has brought the one that the address names."""
    if key is None:
        return None
    run = RunKey(**key)
    if run.world != live.host.current.name:
        return None  # another tab has changed the world
    if address.run is not None and address.run != run.run_id:
        return None
    return run


def _place_key(hovered: Any) -> str | None:
    match hovered:
        case {"points": [{"customdata": str(key)}, *_]} if len(key) <= _LONGEST_KEY:
            return key
        case _:
            return None
