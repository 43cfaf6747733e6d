"""What a page or an export is narrowed to: countries, categories, a size bin, a place, a swarm.

Pure values; hostile ones find nothing and break nothing. A place's key is made here and read here:
`point:488566:23522` is 48.8566 N, 2.3522 E, `cell:1:138000182` a cell of `analysis.cells`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from analysis.cells import cell_number
from analysis.tables import Binning

_POINT = re.compile(r"point:(-?\d{1,6}):(-?\d{1,7})")
_CELL = re.compile(r"cell:(\d{1,2}(?:\.\d{1,2})?):(\d{1,12})")
_PER_DEGREE = 10_000  # points are told apart to 0.0001 degrees, about 11 m
_SOUTH_POLE, _DATE_LINE = 90 * _PER_DEGREE, 180 * _PER_DEGREE
_ROUND = 2**22  # more than there are longitudes


@dataclass(frozen=True, slots=True)
class Selection:
    """Who is counted: those to whom all that is set here applies. Empty: everybody."""

    countries: frozenset[str] = frozenset()  # ISO 3166-1 alpha-2, "ZZ" the unknown; any of them
    categories: frozenset[str] = frozenset()  # of torrents, any of them; "" where none is known
    size_bin: tuple[Binning, int] | None = None  # of the histogram, by its `order`
    place: str | None = None  # a key that `RunView.places` gave
    swarm: int | None = None  # its number within the run


@dataclass(frozen=True, slots=True)
class Bounds:
    """A box on the map, in degrees. `west` beyond `east`: it spans the antimeridian."""

    west: float
    south: float
    east: float
    north: float

    def holds(self) -> pl.Expr:
        """Whether `latitude` and `longitude` are inside."""
        longitude = pl.col("longitude")
        if self.west <= self.east:
            across = longitude.is_between(self.west, self.east)
        else:
            across = (longitude >= self.west) | (longitude <= self.east)
        return across & pl.col("latitude").is_between(self.south, self.north)


def point_key() -> pl.Expr:
    """The key of the point at `latitude` and `longitude`."""
    return pl.format("point:{}:{}", _whole("latitude"), _whole("longitude"))


def spot_number(cell_deg: float | None) -> pl.Expr:
    """A number for the point at `latitude` and `longitude`, or for the cell that it is in.

    Raises:
        ValueError: no grid has cells of `cell_deg` degrees, see `analysis.cells.cell_number`.
    """
    if cell_deg is not None:
        return cell_number(cell_deg)
    north, east = _whole("latitude").cast(pl.Int64), _whole("longitude").cast(pl.Int64)
    return (north + _SOUTH_POLE) * _ROUND + east + _DATE_LINE


def spot_key(cell_deg: float | None) -> pl.Expr:
    """The key of the place that is numbered `spot`; see `spot_number`."""
    spot = pl.col("spot")
    if cell_deg is not None:
        return pl.format(f"cell:{cell_deg:g}:{{}}", spot)
    return pl.format("point:{}:{}", spot // _ROUND - _SOUTH_POLE, spot % _ROUND - _DATE_LINE)


def at_place(key: str) -> pl.Expr:
    """Whether the point at `latitude` and `longitude` is of the place with this key.

    Nothing is at a key that is none of ours.
    """
    if match := _POINT.fullmatch(key):
        return (_whole("latitude") == int(match[1])) & (_whole("longitude") == int(match[2]))
    if match := _CELL.fullmatch(key):
        try:
            return cell_number(float(match[1])) == int(match[2])
        except ValueError:
            return pl.lit(False)
    return pl.lit(False)


def _whole(name: str) -> pl.Expr:
    return (pl.col(name).cast(pl.Float64) * _PER_DEGREE).round().cast(pl.Int32)
