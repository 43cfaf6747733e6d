"""Where a row of a table lies, as a GeoJSON geometry (RFC 7946, WGS 84, longitude first)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

import polars as pl

from analysis.cells import cell_corners
from analysis.countries import countries

_DIGITS = 5  # of a degree: about a metre; more would only pretend

Geometry = Mapping[str, object] | None


class Shape(Enum):
    """What places a row of a table."""

    POINT = "point"  # columns `lat` and `lon`
    CELL = "cell"  # `key` of a cell, as `analysis.selection.spot_key` makes it
    COUNTRY = "country"  # the point that the country is labelled at


def geometries(table: pl.DataFrame, shape: Shape) -> Iterator[Geometry]:
    """A geometry per row; None for the unknown country, which is nowhere."""
    for row in table.iter_rows(named=True):
        match shape:
            case Shape.POINT:
                yield _point(row["lon"], row["lat"])
            case Shape.CELL:
                yield _cell(row["key"])
            case Shape.COUNTRY:
                yield _country(row["country"])


def _point(longitude: float, latitude: float) -> Geometry:
    return {"type": "Point", "coordinates": [round(longitude, _DIGITS), round(latitude, _DIGITS)]}


def _cell(key: str) -> Geometry:
    _, cell_deg, number = key.split(":")
    cell = cell_corners(int(number), float(cell_deg))
    # 3.1.6: the ring is closed, and counterclockwise.
    corners: list[tuple[Any, Any]] = [
        (cell.west, cell.south),
        (cell.east, cell.south),
        (cell.east, cell.north),
        (cell.west, cell.north),
        (cell.west, cell.south),
    ]
    ring = [[round(lon, _DIGITS), round(lat, _DIGITS)] for lon, lat in corners]
    return {"type": "Polygon", "coordinates": [ring]}


def _country(iso2: str) -> Geometry:
    known = countries().get(iso2)
    return None if known is None else _point(known.centroid.longitude, known.centroid.latitude)
