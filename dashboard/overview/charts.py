"""The callbacks that draw: histogram and table, the map, and what is under the pointer."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, no_update

from analysis.palette import Scheme
from analysis.selection import Bounds
from dashboard import ids
from dashboard.address_state import AddressState, read_address
from dashboard.live import LiveView, RunKey
from dashboard.overview import parts
from dashboard.overview.drawing import (
    Viewport,
    Wish,
    choose_colours,
    draw_histogram,
    draw_map,
    map_zoom,
)

_LONGEST_KEY = 60  # of a place; ours are shorter


def register(app: Dash, live: LiveView) -> None:
    """Add them to the app."""
    _register_bars(app, live)
    _register_map(app, live)
    _register_place(app, live)


def _register_bars(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(ids.HISTOGRAM, "figure"),
        Output(ids.COUNTRIES, "children"),
        Output(ids.BARS_DRAWN, "data"),
        Input(ids.RUN_KEY, "data"),
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
            return (no_update,) * 3
        shown = live.shown(run)
        wish = Wish(Scheme(scheme), int(top), frozenset(hidden), address)
        colours = choose_colours(shown, live.slots(run), wish)
        table: Any = [] if shown is None else parts.countries(shown, colours, wish)
        return draw_histogram(shown, colours, wish, whole=drawn is None), table, scheme


def _register_map(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(ids.MAP, "figure"),
        Output(ids.MAP_NOTE, "children"),
        Output(ids.MAP_DRAWN, "data"),
        Input(ids.RUN_KEY, "data"),
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
            return (no_update,) * 3
        shown = live.shown(run)
        wish = Wish(Scheme(scheme), int(top), frozenset(hidden), address)
        viewport = read_viewport(seen, map_zoom(width))
        colours = choose_colours(shown, live.slots(run), wish)
        assets = app.get_asset_url("").rstrip("/")
        figure = draw_map(shown, colours, wish, viewport, assets, whole=drawn is None)
        note = "" if shown is None else parts.map_note(shown, wish.address, viewport.cell_deg)
        return figure, note, scheme


def _register_place(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(ids.PLACE, "children"),
        Input(ids.MAP, "hoverData"),
        State(ids.RUN_KEY, "data"),
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
