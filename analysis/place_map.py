"""The map of places: a marker per place, its area by peers, over a layer of whole countries.

Pure: tables of `observatory.run_view.RunView` in, plotly traces out. Names are hostile text and go
through `inert_text`. The map's layout is that of `analysis.figures`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go
import polars as pl

from analysis.countries import country_name, is_country
from analysis.figures import inert_text
from analysis.map_style import BORDERS
from analysis.palette import Palette, colour_of

LARGEST_MARKER_PX = 46
SMALLEST_MARKER_PX = 3
FADED = 0.2  # what is not chosen


def place_traces(
    places: pl.DataFrame,
    slots: Mapping[str, int],
    palette: Palette,
    *,
    chosen: str | None = None,
) -> list[dict[str, Any]]:
    """One trace with a marker per row of `places` (`key`, `lat`, `lon`, `label`, `country`,
    `peers`, `places`), the largest first; nothing where there is none.

    A marker's `customdata` is its key. All but the `chosen` place are faded.
    """
    if places.is_empty():
        return []
    shown = places.sort("peers", descending=True)
    most = int(shown["peers"][0])
    opacity: Any = 0.75
    if chosen is not None:
        opacity = [0.9 if key == chosen else FADED for key in shown["key"]]
    # A dict: plotly's own class looks at each of two thousand values, which takes longer than this.
    return [
        {
            "type": "scattermap",
            "lat": shown["lat"].round(3).to_list(),
            "lon": shown["lon"].round(3).to_list(),
            "mode": "markers",
            "marker": {
                "size": shown["peers"].to_list(),
                "sizemode": "area",
                "sizeref": 2 * most / LARGEST_MARKER_PX**2,
                "sizemin": SMALLEST_MARKER_PX,
                "color": [colour_of(code, slots, palette) for code in shown["country"]],
                "opacity": opacity,
            },
            "customdata": shown["key"].to_list(),
            "text": [place_text(row) for row in shown.iter_rows(named=True)],
            "hovertemplate": "%{text}<extra></extra>",
        }
    ]


def place_text(row: Mapping[str, Any]) -> str:
    """Where, and how many: `Paris, France`, `120 peers`; a cell says of how many places."""
    country = country_name(row["country"])
    name = f"{inert_text(row['label'])}, {country}" if row["label"] else f"in {country}"
    if row["places"] > 1:
        name = f"around {name} ({row['places']:,} places)"
    return f"<b>{name}</b><br>{_peers(row['peers'])}"


def country_traces(
    known: pl.DataFrame, palette: Palette, outlines_url: str
) -> list[go.Choroplethmap]:
    """One layer of the countries whose peers have no place within them; nothing without any.

    `known` is a `country_level`: `country`, `peers`. The colour goes by the logarithm, since few
    countries have most. The unknown has no outline and is left out.
    """
    drawn = [(c, n) for c, n in known.iter_rows() if is_country(c)]
    if not drawn:
        return []
    codes, peers = [code for code, _ in drawn], [count for _, count in drawn]
    return [
        go.Choroplethmap(
            geojson=outlines_url,
            featureidkey="properties.iso2",
            below=BORDERS,
            locations=codes,
            z=[math.log10(count) + 1 for count in peers],
            zmin=0,
            zmax=math.log10(max(peers)) + 1,
            colorscale=[[0, palette.land], [1, palette.other]],
            showscale=False,
            marker={"opacity": 0.55, "line": {"width": 0}},
            customdata=codes,
            text=[
                f"<b>somewhere in {country_name(code)}</b><br>{_peers(count)}"
                for code, count in drawn
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    ]


def _peers(count: int) -> str:
    return f"{count:,} peer{'' if count == 1 else 's'}"
