"""The charts of a swarm's own page: the map of its peers, and its life over the runs."""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, Patch, State, html, no_update

from analysis.figures import theme_changes
from analysis.life_figure import life_layout, life_traces
from analysis.palette import PALETTES, SLOTS, Scheme
from dashboard import ids, words
from dashboard.address_state import AddressState
from dashboard.browser_side import in_browser
from dashboard.graphs import graph
from dashboard.live import LiveView
from dashboard.overview.charts import read_viewport
from dashboard.overview.drawing import Wish, choose_colours, draw_map, map_zoom, places_in_view
from dashboard.overview.parts import map_note
from dashboard.swarms.known import KnownSwarm, find_swarm, infohash_of

MAP, NOTE, VIEWPORT, LIFE = "swarm-map", "swarm-map-note", "swarm-viewport", "swarm-life"
_WIDER = 1.5  # than the map of the Overview: this one spans the window
MAP_DRAWN, LIFE_DRAWN = "swarm-map-drawn", "swarm-life-drawn"


def map_card() -> html.Section:
    """The map's place."""
    title = html.Div([html.H2(words.WHERE_PEERS_ARE), html.Small(id=NOTE)], className="title")
    head = html.Div(title, className="head")
    return html.Section([head, graph(MAP, scroll_zoom=True)], className="card map-card swarm-map")


def life_chart() -> html.Div:
    """The place of the curve."""
    return html.Div(graph(LIFE), className="life-chart")


def register(app: Dash, live: LiveView) -> None:
    """Have both drawn whole once, then only their data changed: the reader's zoom stays."""
    in_browser(
        app,
        "viewport",
        Output(VIEWPORT, "data"),
        Input(MAP, "relayoutData"),
        State(VIEWPORT, "data"),
        initial=False,
        namespace="overview",
    )

    @app.callback(
        Output(MAP, "figure"),
        Output(NOTE, "children"),
        Output(MAP_DRAWN, "data"),
        Input(ids.SEEN, "data"),
        Input(ids.SCHEME, "data"),
        Input(VIEWPORT, "data"),
        State(ids.ADDRESS, "pathname"),
        State(ids.ADDRESS, "search"),
        State(MAP_DRAWN, "data"),
        State(ids.WINDOW_WIDTH, "data"),
    )
    def draw(
        _seen: object,
        scheme: str | None,
        moved: dict[str, Any] | None,
        path: str | None,
        query: str | None,
        drawn: str | None,
        width: int | None,
    ) -> tuple[Any, ...]:
        known = _known(live, path, query)
        if known is None or known.shown is None or known.row is None or scheme is None:
            return (no_update,) * 3
        address = AddressState(swarm=known.row["swarm"])
        wish = Wish(Scheme(scheme), SLOTS, frozenset(), address)
        viewport = read_viewport(moved, map_zoom(round((width or 1440) * _WIDER)))
        colours = choose_colours(known.shown, live.slots(known.run), wish)
        assets = app.get_asset_url("").rstrip("/")
        figure = draw_map(known.shown, colours, wish, viewport, assets, whole=drawn is None)
        _places, cell_deg = places_in_view(known.shown, address.selection, viewport)
        return figure, map_note(known.shown, address, cell_deg), scheme

    @app.callback(
        Output(LIFE, "figure"),
        Output(LIFE_DRAWN, "data"),
        Input(ids.SEEN, "data"),
        Input(ids.SCHEME, "data"),
        State(ids.ADDRESS, "pathname"),
        State(ids.ADDRESS, "search"),
        State(LIFE_DRAWN, "data"),
    )
    def draw_life(
        _seen: object, scheme: str | None, path: str | None, query: str | None, drawn: str | None
    ) -> tuple[Any, ...]:
        known = _known(live, path, query)
        if known is None or scheme is None:
            return no_update, no_update
        palette = PALETTES[Scheme(scheme)]
        traces = [trace.to_plotly_json() for trace in life_traces(known.life, palette)]
        layout = life_layout(palette)
        if drawn is None:
            return {"data": traces, "layout": layout.to_plotly_json()}, scheme
        patch = Patch()
        patch["data"] = traces
        for (*path_to, last), value in theme_changes(layout).items():
            at = patch["layout"]
            for key in path_to:
                at = at[key]
            at[last] = value
        return patch, scheme


def _known(live: LiveView, path: str | None, query: str | None) -> KnownSwarm | None:
    infohash = infohash_of(path)
    return None if infohash is None else find_swarm(live, infohash, query)
