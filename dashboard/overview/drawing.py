"""The two charts as Dash wants them: whole the first time, then as changes of data only.

A new layout would throw away the reader's zoom (dash 4.4.1, see docs/adr/0007-the-page.md); hence a
`Patch` that replaces the traces and, when the theme changes, the few entries that carry colours.

Each chart leaves out what it is itself clicked for: the histogram shows all bins and fades those
that are not chosen, the map does the same with places, so that the reader sees what else there is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import plotly.graph_objects as go
import polars as pl
from dash import Patch

from analysis.cells import cell_deg_at, coarser
from analysis.figures import (
    bin_order,
    bin_ticks,
    histogram_layout,
    histogram_traces,
    map_layout,
    map_traces,
    theme_changes,
)
from analysis.map_style import OUTLINE_FILE
from analysis.palette import PALETTES, Palette, Scheme, colour_of
from analysis.place_map import country_traces, place_traces
from analysis.selection import Bounds, Selection
from analysis.tables import OTHER, group_behind_top, top_countries
from dashboard.address_state import AddressState
from dashboard.live import ShownRun
from swarm.place import UNKNOWN_COUNTRY

Traces = list[dict[str, Any]]
_ONE_COLUMN_PX = 1150  # as in assets/style.css
_WORLD_PX = 512 * 1.2  # MapLibre's world at zoom 0, with room: cards are flatter than the world
_FINER_BY = 2.5  # zoom levels: the page's markers may overlap a little, which shows density
_MOST_MARKERS = 2_000  # on one map: more are dear to draw, and nobody tells them apart
_NOBODY = "--"  # no country has this code
_POINTS_FROM_ZOOM = 7  # from here on each place has a marker of its own


@dataclass(frozen=True, slots=True)
class Wish:
    """How the reader wants to see a run."""

    scheme: Scheme
    top: int  # countries with a colour of their own
    hidden: frozenset[str]
    address: AddressState


@dataclass(frozen=True, slots=True)
class Viewport:
    """What of the world the map shows: a zoom, and a box once it shows little of it."""

    zoom: float
    bounds: Bounds | None = None

    @property
    def cell_deg(self) -> float | None:
        """The cells whose peers share a marker; None: each place has its own."""
        return None if self.zoom >= _POINTS_FROM_ZOOM else cell_deg_at(self.zoom + _FINER_BY)


@dataclass(frozen=True, slots=True)
class Colours:
    """Who has which colour in the charts and the table."""

    top: Sequence[str]
    slots: Mapping[str, int]
    palette: Palette

    def by_key(self) -> dict[str, str]:
        """A colour for each of the top, for `OTHER` and for the unknown."""
        keys = (*self.top, OTHER, UNKNOWN_COUNTRY)
        return {key: colour_of(key, self.slots, self.palette) for key in keys}


def choose_colours(shown: ShownRun | None, slots: Mapping[str, int], wish: Wish) -> Colours:
    """The wished number of the run's leading countries, in the colours that the run gave them.

    They are those of the whole run: a colour does not change its meaning with what is chosen.
    """
    top = [] if shown is None else top_countries(shown.countries(Selection()), wish.top)
    return Colours(top, {country: slots[country] for country in top}, PALETTES[wish.scheme])


def draw_histogram(shown: ShownRun | None, colours: Colours, wish: Wish, *, whole: bool) -> Any:
    """The histogram: a figure where it is wanted `whole`, else a Patch."""
    layout = histogram_layout(colours.palette, shares=wish.address.shares)
    traces: Traces = []
    order: list[str] = []
    if shown is not None:
        question = ("bars", wish, *colours.by_key().items())
        traces, order = shown.made(question, partial(_bars, shown, colours, wish))
    ticks = bin_ticks(order, wish.address.binning)
    if whole:
        layout.xaxis.update(categoryarray=order, **ticks)
        return _whole(traces, layout)
    norm = "percent" if wish.address.shares else ""
    changes: dict[tuple[str, ...], Any] = {
        ("xaxis", "categoryarray"): order,
        **{("xaxis", name): said for name, said in ticks.items()},
        ("barnorm",): norm,
        ("yaxis", "title", "text"): layout.yaxis.title.text,
        ("yaxis", "ticksuffix"): layout.yaxis.ticksuffix or "",
    }
    return _changed(traces, theme_changes(layout) | changes)


def _bars(shown: ShownRun, colours: Colours, wish: Wish) -> tuple[Traces, list[str]]:
    """The histogram's traces, and its bins in order."""
    seen = replace(wish.address, bin=None).selection
    bins = group_behind_top(shown.histogram(seen, wish.address.binning), list(colours.top))
    traces = histogram_traces(
        bins,
        colours.top,
        colours.slots,
        colours.palette,
        wish.hidden,
        chosen=wish.address.bin,
        shares=wish.address.shares,
    )
    return _plain(traces), bin_order(bins, wish.hidden, wish.address.binning)


def draw_map(
    shown: ShownRun | None,
    colours: Colours,
    wish: Wish,
    viewport: Viewport,
    assets_url: str,
    *,
    whole: bool,
) -> Any:
    """The map: a figure where it is wanted `whole`, else a Patch."""
    layout = map_layout(colours.palette, assets_url, viewport.zoom)
    traces: Traces = []
    if shown is not None:
        outlines = f"{assets_url}/{OUTLINE_FILE}"
        question = ("map", wish, viewport, outlines, *colours.by_key().items())
        draw = partial(_markers, shown, colours, wish, viewport, outlines)
        traces = shown.made(question, draw)
    # Without a trace plotly draws no map.
    traces = traces or [{"type": "scattermap", "lat": [], "lon": []}]
    return _whole(traces, layout) if whole else _changed(traces, theme_changes(layout))


def _markers(
    shown: ShownRun, colours: Colours, wish: Wish, viewport: Viewport, outlines_url: str
) -> Traces:
    """The map's traces."""
    if wish.address.classic_map:
        markers = shown.markers(wish.address.selection)
        return _plain(map_traces(markers, colours.slots, colours.palette, wish.hidden))
    countries = _shown_countries(shown, colours, wish)
    seen = replace(wish.address, place=None, countries=countries).selection
    places, _cell_deg = places_in_view(shown, seen, viewport)
    of_places = place_traces(places, colours.slots, colours.palette, chosen=wish.address.place)
    of_countries = country_traces(shown.country_level(seen), colours.palette, outlines_url)
    return [*of_places, *_plain(of_countries)]


def places_in_view(
    shown: ShownRun, selection: Selection, viewport: Viewport
) -> tuple[pl.DataFrame, float | None]:
    """The map's places, merged until they are few enough to draw, and the cells they merged in."""
    cell_deg = viewport.cell_deg
    places = shown.places(selection, cell_deg, viewport.bounds)
    while len(places) > _MOST_MARKERS and (next_deg := coarser(cell_deg)) is not None:
        cell_deg = next_deg
        places = shown.places(selection, cell_deg, viewport.bounds)
    return places, cell_deg


def _shown_countries(shown: ShownRun, colours: Colours, wish: Wish) -> frozenset[str]:
    """The chosen countries without the hidden ones, before cells are made: a cell may hold many."""
    chosen = wish.address.countries
    if not wish.hidden:
        return chosen
    named = {*colours.top, UNKNOWN_COUNTRY}
    everybody = shown.countries(Selection())["country"]
    seen = {code for code in everybody if (code if code in named else OTHER) not in wish.hidden}
    left = seen & chosen if chosen else seen
    return frozenset(left or {_NOBODY})


def map_zoom(window_px: int) -> float:
    """The zoom at which the world about fills its card: two thirds of a wide window."""
    card_px = window_px * (0.66 if window_px > _ONE_COLUMN_PX else 1)
    return min(2.0, max(0.0, math.log2(card_px / _WORLD_PX)))


def _plain(traces: Sequence[Any]) -> Traces:
    """As plain values: a go.Figure would add plotly's own template."""
    return [trace.to_plotly_json() for trace in traces]


def _whole(traces: Traces, layout: go.Layout) -> dict[str, Any]:
    return {"data": traces, "layout": layout.to_plotly_json()}


def _changed(traces: Traces, changes: Mapping[tuple[str, ...], Any]) -> Patch:
    patch = Patch()
    patch["data"] = traces
    for path, value in changes.items():
        at = patch["layout"]
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
    return patch
