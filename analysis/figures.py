"""From tables to plotly figures: the stacked histogram and the map. Opens nothing.

A live page must replace traces only: a new layout would throw away the reader's zoom (measured with
dash 4.4.1). So traces and layouts are made apart, and `theme_changes` names the few entries of a
layout that differ between light and dark.

Names of torrents are hostile text, and plotly reads a subset of HTML in what it shows: every name
goes through `inert_text`.
"""

from __future__ import annotations

import html
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from analysis.countries import country_name
from analysis.map_style import map_style
from analysis.palette import Palette, colour_of
from analysis.tables import OTHER, UNKNOWN_SIZE, Binning, log2_labels
from swarm.place import UNKNOWN_COUNTRY
from swarm.text import one_line

LONGEST_NAME = 80
MAP_CENTER = {"lat": 30.0, "lon": 12.0}
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif"
_CLEAR = "rgba(0,0,0,0)"
_DOUBLED_TO_GB = 1024  # the doubling of a MB that is called a GB
_FADED = 0.25  # bins that are not chosen


def inert_text(text: str) -> str:
    """`text` for a plotly label: one line, no control or direction marks, markup escaped."""
    shown = one_line(text)
    if len(shown) > LONGEST_NAME:
        shown = shown[: LONGEST_NAME - 1] + "…"
    return html.escape(shown)


def marker_px(size_mb: float | None) -> float:
    """The diameter of a torrent's marker: log2 of its megabytes, at least 1 px."""
    return 1.0 if size_mb is None or size_mb <= 2 else math.log2(size_mb)


def size_text(size_mb: float | None) -> str:
    """A size for people, decimal: `640 kB`, `350 MB`, `1.41 GB`, `2.05 TB`."""
    if size_mb is None:
        return "size unknown"
    if size_mb < 1:
        return f"{size_mb * 1000:.0f} kB"
    for unit in ("MB", "GB", "TB", "PB"):
        if size_mb < 1000 or unit == "PB":
            break
        size_mb /= 1000
    return f"{size_mb:.0f} {unit}" if unit == "MB" or size_mb >= 100 else f"{size_mb:.3g} {unit}"


def group_name(country: str) -> str:
    """What a country, the group of the others, or the unknown is called."""
    if country == OTHER:
        return "Other countries"
    return "Unknown country" if country == UNKNOWN_COUNTRY else country_name(country)


# --- the histogram ------------------------------------------------------------------------------


def histogram_traces(
    histogram: pl.DataFrame,
    top: Sequence[str],
    slots: Mapping[str, int],
    palette: Palette,
    hidden: Collection[str] = (),
    *,
    chosen: int | None = None,
    shares: bool = False,
) -> list[go.Bar]:
    """One bar trace a country of `top`, then the others, then the unknown, in stacking order.

    `histogram` is a `histogram_table` after `group_behind_top`. Bins of countries that are
    `hidden` stay away; all bins but the `chosen` one (its order) are faded. A bar's `customdata`
    is its bin's order. `shares`: what the pointer reads is percent.
    """
    figure = "%{y:.1f} %" if shares else "%{y:,}"
    traces = []
    for country in (*top, OTHER, UNKNOWN_COUNTRY):
        bins = histogram.filter(pl.col("country") == country).sort("order")
        if bins.is_empty() or country in hidden:
            continue
        pattern = {"shape": "/", "size": 5, "fillmode": "overlay", "fgopacity": 0.45}
        traces.append(
            go.Bar(
                name=group_name(country),
                x=bins["label"].to_list(),
                y=bins["peers"].to_list(),
                marker={
                    "color": colour_of(country, slots, palette),
                    "opacity": 1
                    if chosen is None
                    else [1 if order == chosen else _FADED for order in bins["order"]],
                    "line": {"width": 0},
                    "pattern": pattern if country == UNKNOWN_COUNTRY else {"shape": ""},
                },
                customdata=bins["order"].to_list(),
                hovertemplate=f"{figure} <extra>%{{fullData.name}}</extra>",
            )
        )
    return traces


def bin_order(
    histogram: pl.DataFrame, hidden: Collection[str] = (), binning: Binning = Binning.CLASSIC
) -> list[str]:
    """The labels of the bins that hold somebody shown, in the order of the axis.

    Of doublings also those between that hold nobody: their axis is a scale, and has no jumps.
    """
    shown = histogram.filter(~pl.col("country").is_in(list(hidden)))
    held = shown.unique("order").sort("order")
    known = held.filter(pl.col("label") != UNKNOWN_SIZE)["order"]
    if binning is not Binning.LOG2 or known.is_empty():
        return held["label"].to_list()
    unknown = held.filter(pl.col("label") == UNKNOWN_SIZE)["label"]
    return [*log2_labels(known[0], known[-1]), *unknown]


def bin_ticks(order: Sequence[str], binning: Binning) -> dict[str, Any]:
    """What the axis says below the bins of `order`: of doublings a short form, which fits below."""
    if binning is not Binning.LOG2:
        return {"tickmode": "auto", "tickvals": None, "ticktext": None}
    return {
        "tickmode": "array",
        "tickvals": list(order),
        "ticktext": [_short(label) for label in order],
    }


def _short(label: str) -> str:
    """`64 - 128` is `64-128`, and `1024 - 2048` is `1-2 GB`; what is not a bin stays."""
    low, dash, high = label.partition(" - ")
    if not dash:
        return label
    if int(low) < _DOUBLED_TO_GB:
        return f"{low}-{high}"
    return f"{int(low) // _DOUBLED_TO_GB}-{int(high) // _DOUBLED_TO_GB} GB"


def histogram_layout(palette: Palette, *, shares: bool = False) -> go.Layout:
    """The histogram's layout; set `xaxis.categoryarray` to `bin_order` beside each new data.

    `shares`: each bin is 100 %, so that its countries compare.
    """
    axis = shared_axis(palette)
    return go.Layout(
        **shared_layout(palette),
        barmode="stack",
        barnorm="percent" if shares else "",
        bargap=0.08,
        hovermode="x unified",
        dragmode="zoom",
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        showlegend=False,
        xaxis={
            **axis,
            "type": "category",
            "categoryorder": "array",
            "categoryarray": [],
            "showgrid": False,
        },
        yaxis={
            **axis,
            "rangemode": "tozero",
            "fixedrange": True,
            "tickformat": "~s",
            "ticksuffix": " %" if shares else "",
            "title": {
                "text": "Share of the bin's peers" if shares else "Peers",
                "font": {"color": palette.quiet_text, "size": 12},
                "standoff": 8,
            },
        },
    )


# --- the map ------------------------------------------------------------------------------------


def map_traces(
    places: pl.DataFrame,
    slots: Mapping[str, int],
    palette: Palette,
    hidden: Collection[str] = (),
) -> list[go.Scattermap]:
    """One trace, a marker per row of a `places_table`, whose order (big first) is kept.

    Of `hidden`, `OTHER` stands for every country without a slot.
    """
    group = pl.col("country").replace_strict(
        {c: c for c in (*slots, UNKNOWN_COUNTRY)}, default=OTHER
    )
    shown = places.filter(~group.is_in(list(hidden)))
    return [
        go.Scattermap(
            lat=shown["latitude"].to_list(),
            lon=shown["longitude"].to_list(),
            mode="markers",
            marker={
                "size": [marker_px(mb) for mb in shown["size_mb"]],
                "color": [colour_of(c, slots, palette) for c in shown["country"]],
                "opacity": 0.75,
            },
            text=[_hover(row) for row in shown.iter_rows(named=True)],
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _hover(row: Mapping[str, Any]) -> str:
    """Torrent, size, place, peers; built here, since only escaped text may reach plotly."""
    size = size_text(row["size_mb"])
    if row["name"] is None:
        torrent, size = f"{row['swarms']:,} torrents", f"median {size}"
    else:
        torrent = inert_text(row["name"])
    country = (
        "Unknown country" if row["country"] == UNKNOWN_COUNTRY else country_name(row["country"])
    )
    place = f"{inert_text(row['city'])}, {country}" if row["city"] else f"somewhere in {country}"
    peers = f"{row['peers']:,} peer{'' if row['peers'] == 1 else 's'}"
    return f"<b>{torrent}</b><br>{size}<br>{place}<br>{peers}"


def map_layout(palette: Palette, assets_url: str, zoom: float) -> go.Layout:
    """The map's layout. Centre and zoom are explicit: plotly 7 fits them to the data otherwise."""
    return go.Layout(
        **shared_layout(palette),
        hovermode="closest",
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        showlegend=False,
        map={
            "style": map_style(palette, assets_url),
            "center": dict(MAP_CENTER),
            "zoom": zoom,
        },
    )


# --- both ---------------------------------------------------------------------------------------


def shared_axis(palette: Palette) -> dict[str, Any]:
    """What the axes of all charts have in common."""
    return {
        "gridcolor": palette.grid,
        "zerolinecolor": palette.grid,
        "tickfont": {"color": palette.quiet_text, "size": 11},
        "automargin": True,
    }


def shared_layout(palette: Palette) -> dict[str, Any]:
    """What all our figures have in common: fonts, colours, labels under the pointer."""
    return {
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "font": {"color": palette.text, "family": _FONT, "size": 12},
        "hoverlabel": {
            "bgcolor": palette.card,
            "bordercolor": palette.border,
            "font": {"color": palette.text, "family": _FONT, "size": 12},
            "align": "left",
            "namelength": -1,
        },
    }


def theme_changes(layout: go.Layout) -> dict[tuple[str, ...], Any]:
    """The entries of a layout that carry colours, by their path; the rest is the reader's."""
    paths: list[tuple[str, ...]] = [
        ("font", "color"),
        ("hoverlabel", "bgcolor"),
        ("hoverlabel", "bordercolor"),
        ("hoverlabel", "font", "color"),
    ]
    plain = layout.to_plotly_json()
    if "map" in plain:
        paths.append(("map", "style"))
    for axis in ("xaxis", "yaxis"):
        if axis in plain:
            paths += [(axis, "gridcolor"), (axis, "zerolinecolor"), (axis, "tickfont", "color")]
    if "yaxis" in plain:
        paths.append(("yaxis", "title", "font", "color"))
    return {path: _at(plain, path) for path in paths}


def _at(tree: Mapping[str, Any], path: Sequence[str]) -> Any:
    for key in path:
        tree = tree[key]
    return tree
