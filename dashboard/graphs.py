"""A chart's place on a page, set so that plotly asks no other server. Pure."""

from __future__ import annotations

from typing import Any

from dash import dcc

# Plotly offers to send charts to a cloud and to fetch outlines from a CDN: neither leaves here.
GRAPH_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "https://invalid.localhost/",
    "topojsonURL": "/assets/topojson/",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
# Shown for the moment until the first data: no axes, no colours.
BLANK_FIGURE: dict[str, Any] = {
    "data": [],
    "layout": {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    },
}


def graph(name: str, *, scroll_zoom: bool = False) -> dcc.Graph:
    """An empty chart that a callback fills."""
    config: Any = GRAPH_CONFIG | {"scrollZoom": scroll_zoom}
    return dcc.Graph(
        id=name, figure=BLANK_FIGURE, config=config, responsive=True, className="graph"
    )
