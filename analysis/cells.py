"""Where peers are, as density: cells of a grid whose cells all have about the same area.

Rows of one height in degrees; each row is cut into as many columns as its area asks for, beginning
at the antimeridian, in the manner of the reduced grids of weather models (Hortal and Simmons 1991).
Columns are whole, so areas differ: at 1 degree by less than 1.5 %, beyond 85 degrees by up to 5 %.
docs/adr/0015 says why not H3.
A claim of a geolocation database is never drawn as finer than it is: whom it knows by country alone
is in `country_level_table`, not in a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, pi, radians, sin

import polars as pl

from analysis.tables import COUNTRY_LEVEL_RADIUS_KM

_ROW_STRIDE = 1_000_000  # a cell's number is its row times this, and its column
_FINEST_DEG = 0.05
_WORLD_PX = 512  # the width of the world at zoom 0, as MapLibre draws it
_CELL_PX = 24  # about a thumb's width between two markers
# At most this fine at its zoom. Each divides 180, so that rows fit from pole to pole.
_LADDER_DEG = (10.0, 5.0, 2.5, 1.0, 0.5, 0.25, 0.1, _FINEST_DEG)


@dataclass(frozen=True, slots=True)
class Cell:
    """The corners of one cell in degrees; no cell crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


def cell_deg_at(zoom: float) -> float:
    """The height of cells, in degrees, that suits a map at this zoom (MapLibre's scale)."""
    wanted = _CELL_PX * 360 / _WORLD_PX / 2 ** max(zoom, 0.0)
    return min(_LADDER_DEG, key=lambda deg: abs(log2(deg / wanted)))


def coarser(cell_deg: float | None) -> float | None:
    """The next larger cells; the finest for single points (None); None where there are none."""
    if cell_deg is None:
        return _FINEST_DEG
    return next((deg for deg in reversed(_LADDER_DEG) if deg > cell_deg), None)


def cell_number(cell_deg: float) -> pl.Expr:
    """The number of the cell that `latitude` and `longitude` (degrees) are in, as Int64.

    Raises:
        ValueError: `cell_deg` is not between 0.05 and 90, or does not divide 180.
    """
    rows = _rows(cell_deg)
    latitude = pl.col("latitude").cast(pl.Float64)
    longitude = pl.col("longitude").cast(pl.Float64)
    row = ((latitude + 90) / cell_deg).floor().clip(0, rows - 1)
    south = row * cell_deg - 90
    band = (south + cell_deg).radians().sin() - south.radians().sin()
    columns = (2 * pi * band / radians(cell_deg) ** 2).round().clip(lower_bound=1)
    column = ((longitude + 180) / 360 * columns).floor().clip(0, columns - 1)
    return (row * _ROW_STRIDE + column).cast(pl.Int64)


def cell_corners(number: int, cell_deg: float) -> Cell:
    """Where a cell lies, by its number."""
    _rows(cell_deg)
    row, column = divmod(number, _ROW_STRIDE)
    south = row * cell_deg - 90
    north = south + cell_deg
    band = sin(radians(north)) - sin(radians(south))
    columns = max(round(2 * pi * band / radians(cell_deg) ** 2), 1)
    width = 360 / columns
    return Cell(column * width - 180, south, (column + 1) * width - 180, north)


def cells_table(sightings: pl.LazyFrame, cell_deg: float = 1.0) -> pl.DataFrame:
    """Peers per cell, most first; those alone whom the database places in a city.

    Columns: `cell` (number), `latitude`, `longitude` (mean position of its peers), `country` (of
    most of them), `countries` (how many), `peers` (a peer in two swarms counts in each).
    """
    per_place = (
        sightings.filter(at_city_level())
        .group_by("latitude", "longitude", "country")
        .agg(peers=pl.len().cast(pl.Int64))
        .with_columns(cell=cell_number(cell_deg))
    )
    weight = pl.col("peers")
    by_country = per_place.group_by("cell", "country").agg(
        _latitude=(pl.col("latitude").cast(pl.Float64) * weight).sum(),
        _longitude=(pl.col("longitude").cast(pl.Float64) * weight).sum(),
        peers=weight.sum(),
    )
    return (
        by_country.sort(["peers", "country"], descending=[True, False])
        .group_by("cell", maintain_order=True)
        .agg(
            latitude=pl.col("_latitude").sum() / weight.sum(),
            longitude=pl.col("_longitude").sum() / weight.sum(),
            country=pl.col("country").first(),
            countries=pl.col("country").n_unique().cast(pl.Int64),
            peers=weight.sum(),
        )
        .sort(["peers", "cell"], descending=[True, False])
        .collect(engine="streaming")
    )


def country_level_table(sightings: pl.LazyFrame) -> pl.DataFrame:
    """Peers that are placed no better than by country: `country`, `peers`; most first."""
    return (
        sightings.filter(~at_city_level())
        .group_by("country")
        .agg(peers=pl.len().cast(pl.Int64))
        .sort(["peers", "country"], descending=[True, False])
        .collect(engine="streaming")
    )


def at_city_level() -> pl.Expr:
    """Whether a sighting has a point that stands for a city; never null.

    A point without a city, or with a radius of 200 km and more, stands for a country. The points
    of an imported record have no city by name and are taken at the record's word.
    """
    on_earth = pl.col("latitude").is_between(-90, 90) & pl.col("longitude").is_between(-180, 180)
    named = pl.col("city").is_not_null() | pl.col("recorded_loc").is_not_null()
    sharp = pl.col("radius_km").fill_null(0) < COUNTRY_LEVEL_RADIUS_KM
    return on_earth.fill_null(False) & named & sharp


def _rows(cell_deg: float) -> int:
    rows = round(180 / cell_deg) if cell_deg > 0 else 0
    if not _FINEST_DEG <= cell_deg <= 90 or abs(rows * cell_deg - 180) > 1e-9:
        raise ValueError(f"cells of {cell_deg} degrees do not fit: choose one of {_LADDER_DEG}")
    return rows
