"""The life of one swarm as a plotly figure: its size over the runs, with intervals. Opens nothing.

Made apart as traces and layout, since a live page must replace traces only; see
`analysis.figures`.
"""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from analysis.figures import shared_axis, shared_layout
from analysis.palette import Palette

_ESTIMATED, _SEEDS = 0, 1  # slots of the palette


def life_traces(life: pl.DataFrame, palette: Palette) -> list[go.Scatter]:
    """Estimated size and seeds with 95 % intervals, and the peers that were found.

    `life` is a `life_table` of one torrent. A run that did not finish it has no point: a gap, and
    not nobody.
    """
    return [
        _with_interval(life, ("estimate", "low", "high"), "Estimated", palette, _ESTIMATED),
        _with_interval(life, ("seeds", "seeds_low", "seeds_high"), "Seeds", palette, _SEEDS),
        go.Scatter(
            name="Found",
            x=life["taken_at"].to_list(),
            y=life["peers"].to_list(),
            mode="markers",
            marker={"symbol": "line-ew-open", "size": 13, "color": palette.text},
            hovertemplate="%{y:,} found<extra></extra>",
        ),
    ]


def _with_interval(
    life: pl.DataFrame, columns: tuple[str, str, str], name: str, palette: Palette, slot: int
) -> go.Scatter:
    value, low, high = columns
    colour = palette.countries[slot]
    # An end that nothing bounds has no whisker; the label says "or more".
    ends = life.select(
        up=(pl.col(high) - pl.col(value)).fill_null(0).clip(lower_bound=0),
        down=(pl.col(value) - pl.col(low)).fill_null(0).clip(lower_bound=0),
    )
    said = life.select(
        pl.when(pl.col(value).is_null())
        .then(pl.lit(""))
        .when(pl.col(high).is_null())
        .then(pl.format("{} ({} or more)", _whole(value), _whole(low)))
        .otherwise(pl.format("{} ({} to {})", _whole(value), _whole(low), _whole(high)))
    ).to_series()
    return go.Scatter(
        name=name,
        x=life["taken_at"].to_list(),
        y=life[value].to_list(),
        mode="lines+markers",
        connectgaps=False,
        line={"color": colour, "width": 1.5, "dash": "solid" if slot == _ESTIMATED else "dot"},
        marker={"color": colour, "size": 7, "symbol": "circle" if slot == _ESTIMATED else "square"},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": ends["up"].to_list(),
            "arrayminus": ends["down"].to_list(),
            "color": colour,
            "thickness": 1.2,
            "width": 4,
        },
        text=said.to_list(),
        hovertemplate=f"{name} %{{text}}<extra></extra>",
    )


def _whole(column: str) -> pl.Expr:
    return pl.col(column).round(0).cast(pl.Int64)


def life_layout(palette: Palette) -> go.Layout:
    """The layout that goes with `life_traces`."""
    axis = shared_axis(palette)
    return go.Layout(
        **shared_layout(palette),
        hovermode="x unified",
        dragmode="zoom",
        margin={"l": 8, "r": 12, "t": 8, "b": 8},
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={**axis, "type": "date", "showgrid": False},
        yaxis={
            **axis,
            "rangemode": "tozero",
            "fixedrange": True,
            "title": {
                "text": "Peers",
                "font": {"color": palette.quiet_text, "size": 12},
                "standoff": 8,
            },
        },
    )
