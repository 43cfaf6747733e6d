"""Figures of a run to take along: complete in themselves, in the page's light colours.

The map is drawn on plain axes (equirectangular), not by WebGL as on the page: so it is the same in
HTML, PNG and SVG, on machines without a GPU too, and lines stay lines. Counts go through the same
suppression as tables. What the databases' licences demand stands in the figure itself, so that it
goes wherever the figure goes.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import sqrt
from pathlib import Path
from types import MappingProxyType
from typing import Any

import plotly.graph_objects as go
import plotly.io
import polars as pl

from analysis.attribution import source_lines
from analysis.countries import country_name
from analysis.figures import (
    bin_order,
    histogram_layout,
    histogram_traces,
    inert_text,
    shared_layout,
)
from analysis.map_style import OUTLINE_FILE
from analysis.palette import LIGHT, SLOTS, assign_slots, colour_of
from analysis.suppression import SuppressedTable, hidden_sentence, suppress
from analysis.tables import Binning, group_behind_top, top_countries
from observatory.export_tables import CELL_DEG, TABLES, Subject
from storage.manifest import Manifest
from swarm.errors import StorageError
from swarm.text import one_line

WIDTH_PX, HEIGHT_PX = 1280, 720
_FOOT_PX = 60
_BIGGEST_PX = 42.0
FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "histogram": "peers by size of torrent and country",
        "map": "peers by cells of equal area, 1 degree high",
    }
)

# No button of it may send anything anywhere.
_CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "https://invalid.localhost/",
    "scrollZoom": True,
    "responsive": True,
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as plain `data` and `layout`, and what of its counts was hidden."""

    figure: Mapping[str, Any]
    hidden: SuppressedTable


def draw(
    name: str,
    subject: Subject,
    manifest: Manifest,
    *,
    min_cell: int,
    outlines: Path,
    binning: Binning = Binning.LOG2,
) -> Drawing:
    """One of FIGURES.

    Args:
        name: which.
        subject: the run.
        manifest: of the same run; it goes into the foot.
        min_cell: the fewest peers that a bar or a marker may stand for.
        outlines: the folder with the countries' outlines (`analysis.map_style`).
        binning: of the histogram.

    Raises:
        StorageError: the outlines do not read.
    """
    top = top_countries(subject.view.countries(), SLOTS)
    slots = assign_slots({}, top)
    if name == "map":
        traces, layout, counts = _map(subject, slots, min_cell, outlines)
    else:
        traces, layout, counts = _histogram(subject, top, slots, min_cell, binning)
    layout.update(
        paper_bgcolor=LIGHT.card,
        title={"text": f"{FIGURES[name].capitalize()}, run {manifest.run_id}", "x": 0.01},
        margin={"l": 60, "r": 20, "t": 60, "b": _FOOT_PX + 50},
        annotations=[_foot(manifest, counts)],
    )
    # Plain values: a go.Figure would add plotly's own template.
    plain = {"data": [t.to_plotly_json() for t in traces], "layout": layout.to_plotly_json()}
    return Drawing(plain, counts)


def page_of(figure: Mapping[str, Any], title: str) -> str:
    """A whole HTML page with the figure and all that it needs: opening it makes no request."""
    drawing = plotly.io.to_html(
        figure,
        validate=False,
        config=_CONFIG,
        include_plotlyjs=True,
        full_html=False,
        div_id="figure",
        default_height="100vh",
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>body{{margin:0}}</style></head>\n"
        f"<body>{drawing}</body></html>\n"
    )


def _histogram(
    subject: Subject, top: list[str], slots: Mapping[str, int], min_cell: int, binning: Binning
) -> tuple[list[go.Bar], go.Layout, SuppressedTable]:
    grouped = group_behind_top(subject.view.histogram(subject.selection, binning), top)
    found = suppress(grouped, TABLES["histogram"].disclosure, min_cell)
    shown = found.table.drop_nulls("peers")
    layout = histogram_layout(LIGHT)
    layout.xaxis.categoryarray = bin_order(shown, binning=binning)
    layout.xaxis.title = {"text": "Size of the torrent, MB"}
    layout.showlegend = True
    return histogram_traces(shown, top, slots, LIGHT), layout, found


def _map(
    subject: Subject, slots: Mapping[str, int], min_cell: int, outlines: Path
) -> tuple[list[go.Scatter], go.Layout, SuppressedTable]:
    places = subject.view.places(subject.selection, cell_deg=CELL_DEG)
    found = suppress(places, TABLES["cells"].disclosure, min_cell)
    axis = {"showgrid": False, "zeroline": False, "visible": False}
    layout = go.Layout(
        **shared_layout(LIGHT) | {"plot_bgcolor": LIGHT.sea},
        hovermode="closest",
        dragmode="pan",
        showlegend=False,
        xaxis={**axis, "range": [-180, 180], "constrain": "domain"},
        # A degree of latitude is as long as one of longitude at the equator.
        yaxis={**axis, "range": [-60, 85], "scaleanchor": "x", "constrain": "domain"},
    )
    return [_land(outlines / OUTLINE_FILE), _markers(found.table, slots)], layout, found


def _land(outline: Path) -> go.Scatter:
    """The outlines of all countries as one line with gaps."""
    longitudes: list[float | None] = []
    latitudes: list[float | None] = []
    for ring in _rings(outline):
        # A tenth of a degree is less than a pixel here; points that fall together are one.
        points = list(dict.fromkeys((round(lon, 1), round(lat, 1)) for lon, lat in ring))
        if len(points) > 2:
            longitudes += [*(lon for lon, _ in points), points[0][0], None]
            latitudes += [*(lat for _, lat in points), points[0][1], None]
    return go.Scatter(
        x=longitudes,
        y=latitudes,
        mode="lines",
        line={"color": LIGHT.border, "width": 0.7},
        fill="toself",
        fillcolor=LIGHT.land,
        hoverinfo="skip",
        showlegend=False,
    )


def _rings(outline: Path) -> Iterator[list[list[float]]]:
    """The outer rings of all polygons of a GeoJSON FeatureCollection."""
    try:
        features = json.loads(outline.read_bytes())["features"]
    except (OSError, ValueError, KeyError) as error:
        raise StorageError(f"cannot draw the map without {outline}: {error}") from None
    for feature in features:
        shape = feature["geometry"]
        polygons = shape["coordinates"]
        for polygon in [polygons] if shape["type"] == "Polygon" else polygons:
            yield polygon[0]


def _markers(cells: pl.DataFrame, slots: Mapping[str, int]) -> go.Scatter:
    """One marker a cell; its area, not its width, is as its peers."""
    biggest = cells.select(pl.col("peers").max().fill_null(1)).item()
    return go.Scatter(
        x=cells["lon"].to_list(),
        y=cells["lat"].to_list(),
        mode="markers",
        marker={
            "size": [max(_BIGGEST_PX * sqrt(peers / biggest), 2.0) for peers in cells["peers"]],
            "color": [colour_of(country, slots, LIGHT) for country in cells["country"]],
            "opacity": 0.75,
            "line": {"width": 0.5, "color": LIGHT.card},
        },
        text=[_label(row) for row in cells.iter_rows(named=True)],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _label(row: Mapping[str, Any]) -> str:
    place = f"{inert_text(row['label'])}, " if row["label"] else ""
    return f"{place}{country_name(row['country'])}<br>{row['peers']:,} peers"


def _foot(manifest: Manifest, counts: SuppressedTable) -> dict[str, Any]:
    """What stands below the figure: who placed the peers, with the link that is owed."""
    lines = source_lines(manifest.databases, date.today())
    said = " ".join(html.escape(one_line(line.sentence)) for line in lines)
    for words, url in dict.fromkeys((line.attribution, line.attribution_url) for line in lines):
        if words:
            shown = html.escape(one_line(words))
            said += f' <a href="{html.escape(url)}">{shown}</a>.' if url else f" {shown}."
    hidden = hidden_sentence(counts.small, counts.complementary)
    return {
        "text": f"{said}<br>Swarm Atlas, {manifest.started_at:%Y-%m-%d}.{hidden}",
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 0,
        "yshift": -_FOOT_PX,
        "yanchor": "top",
        "align": "left",
        "showarrow": False,
        "font": {"size": 11, "color": LIGHT.quiet_text},
    }
