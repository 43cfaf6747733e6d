"""The two charts as Dash wants them: whole the first time, then as changes of data only.

A new layout would throw away the reader's zoom (dash 4.4.1, see docs/adr/0007-the-page.md); hence a
`Patch` that replaces the traces and, when the theme changes, the few entries that carry colours.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go
from dash import Patch

from analysis.figures import (
    bin_order,
    histogram_layout,
    histogram_traces,
    map_traces,
    theme_changes,
)
from analysis.palette import PALETTES, Palette, Scheme, colour_of
from analysis.tables import OTHER, Binning, group_behind_top, top_countries
from dashboard.live import RunTables
from swarm.place import UNKNOWN_COUNTRY

_ONE_COLUMN_PX = 1150  # as in assets/style.css
_WORLD_PX = 512 * 1.2  # MapLibre's world at zoom 0, with room: cards are flatter than the world


@dataclass(frozen=True, slots=True)
class Wish:
    """How the reader wants to see a run."""

    scheme: Scheme
    top: int  # countries with a colour of their own
    binning: Binning
    hidden: frozenset[str]


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


def choose_colours(tables: RunTables, slots: Mapping[str, int], wish: Wish) -> Colours:
    """The wished number of leading countries, in the colours that the run gave them."""
    top = top_countries(tables.countries(), wish.top)
    return Colours(top, {country: slots[country] for country in top}, PALETTES[wish.scheme])


def draw_histogram(tables: RunTables, colours: Colours, wish: Wish, *, whole: bool) -> Any:
    """The histogram: a figure where it is wanted `whole`, else a Patch."""
    grouped = group_behind_top(tables.histogram(wish.binning), list(colours.top))
    traces = histogram_traces(grouped, colours.top, colours.slots, colours.palette, wish.hidden)
    layout = histogram_layout(colours.palette)
    order = bin_order(grouped, wish.hidden)
    if whole:
        layout.xaxis.categoryarray = order
        return _whole(traces, layout)
    changes: dict[tuple[str, ...], Any] = {("xaxis", "categoryarray"): order}
    return _changed(traces, theme_changes(layout) | changes)


def draw_map(
    tables: RunTables,
    colours: Colours,
    layout: go.Layout,
    hidden: Collection[str],
    *,
    whole: bool,
) -> Any:
    """The map: a figure where it is wanted `whole`, else a Patch."""
    traces = map_traces(tables.places(), colours.slots, colours.palette, hidden)
    return _whole(traces, layout) if whole else _changed(traces, theme_changes(layout))


def map_zoom(window_px: int) -> float:
    """The zoom at which the world about fills its card: two thirds of a wide window."""
    card_px = window_px * (0.66 if window_px > _ONE_COLUMN_PX else 1)
    return min(2.0, max(0.0, math.log2(card_px / _WORLD_PX)))


def _whole(traces: Sequence[Any], layout: go.Layout) -> dict[str, Any]:
    """As plain values: a go.Figure would add plotly's own template."""
    return {"data": [t.to_plotly_json() for t in traces], "layout": layout.to_plotly_json()}


def _changed(traces: Sequence[Any], changes: Mapping[tuple[str, ...], Any]) -> Patch:
    patch = Patch()
    patch["data"] = [trace.to_plotly_json() for trace in traces]
    for path, value in changes.items():
        at = patch["layout"]
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
    return patch
