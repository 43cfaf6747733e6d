"""The map under the peers: a MapLibre style that needs nothing but two files of ours.

No tiles, no glyphs: without a `glyphs` key MapLibre draws labels in a font of the machine.
Outlines: Natural Earth, see scripts/build_world_outline.py.
"""

from __future__ import annotations

from typing import Any

from analysis.palette import Palette

OUTLINE_FILE = "world-outline.geojson"
LABELS_FILE = "world-labels.geojson"
BORDERS = "borders"  # the layer that a layer of countries goes under
_TOLERANCE_PX = 1.0  # of outlines, at each zoom; MapLibre's own is 0.375


def map_style(palette: Palette, assets_url: str) -> dict[str, Any]:
    """A MapLibre style in the palette's colours; `assets_url` is where the two files are served."""
    return {
        "version": 8,
        # MapLibre would fade for 300 ms whatever changes, and draw all of the map meanwhile.
        "transition": {"duration": 0, "delay": 0},
        "sources": {
            "countries": {
                "type": "geojson",
                "data": f"{assets_url}/{OUTLINE_FILE}",
                "tolerance": _TOLERANCE_PX,
            },
            "names": {"type": "geojson", "data": f"{assets_url}/{LABELS_FILE}"},
        },
        "layers": [
            {"id": "sea", "type": "background", "paint": {"background-color": palette.sea}},
            {
                "id": "land",
                "type": "fill",
                "source": "countries",
                # The borders are drawn over its edges: smooth ones would be drawn twice.
                "paint": {"fill-color": palette.land, "fill-antialias": False},
            },
            {
                "id": BORDERS,
                "type": "line",
                "source": "countries",
                "paint": {"line-color": palette.border, "line-width": 0.7},
            },
            _names(palette),
        ],
    }


def _names(palette: Palette) -> dict[str, Any]:
    """Country names, from zoom 2 on; where two collide, the larger country's is drawn."""
    return {
        "id": "names",
        "type": "symbol",
        "source": "names",
        "minzoom": 2,
        "layout": {
            "text-field": ["get", "name"],
            "text-size": 11,
            "text-max-width": 7,
            "symbol-sort-key": ["-", ["get", "area"]],
        },
        "paint": {
            "text-color": palette.quiet_text,
            "text-halo-color": palette.land,
            "text-halo-width": 1.2,
        },
    }
