"""analysis.cells: an equal-area grid, and no claim finer than the database's."""

from __future__ import annotations

from math import radians, sin
from typing import Any

import polars as pl
import pytest

from analysis.cells import (
    at_city_level,
    cell_corners,
    cell_deg_at,
    cell_number,
    cells_table,
    country_level_table,
)
from swarm.columns import SIGHTING_COLUMNS, polars_schema


def placed(*rows: dict[str, Any]) -> pl.LazyFrame:
    schema = polars_schema(SIGHTING_COLUMNS)
    full = [
        {"swarm": 0, "peer": i, "country": "FR", "city": "Lyon"} | r for i, r in enumerate(rows)
    ]
    return pl.LazyFrame(full, schema=schema)


def numbers(points: list[tuple[float, float]], cell_deg: float) -> list[int]:
    frame = pl.DataFrame(points, schema=["latitude", "longitude"], orient="row")
    return frame.select(cell_number(cell_deg))[:, 0].to_list()


@pytest.mark.parametrize("cell_deg", [10.0, 2.5, 1.0, 0.1])
def test_every_point_is_inside_its_cell(cell_deg: float) -> None:
    """The number of a point leads back to corners around it, at the edges too."""
    points = [
        (la, lo) for la in (-90, -89.99, -45.5, 0, 48.86, 90) for lo in (-180, -0.1, 2.3, 180)
    ]
    for (latitude, longitude), number in zip(points, numbers(points, cell_deg), strict=True):
        cell = cell_corners(number, cell_deg)
        assert cell.south - 1e-9 <= latitude <= cell.north + 1e-9
        assert cell.west - 1e-9 <= longitude <= cell.east + 1e-9
        assert -180 <= cell.west < cell.east <= 180 + 1e-9


def test_cells_have_the_same_area() -> None:
    """At 1 degree: within 1.5 % up to 85 degrees, within 5 % at the poles."""
    points = [(south + 0.5, 0.1) for south in range(-90, 90)]
    areas = {}
    for (latitude, _), number in zip(points, numbers(points, 1.0), strict=True):
        cell = cell_corners(number, 1.0)
        band = sin(radians(cell.north)) - sin(radians(cell.south))
        areas[latitude] = band * radians(cell.east - cell.west) / radians(1.0) ** 2
    assert max(abs(area - 1) for at, area in areas.items() if abs(at) < 85) < 0.015
    assert max(abs(area - 1) for area in areas.values()) < 0.05


def test_cells_count_everybody_who_is_in_a_city() -> None:
    """A cell has the mean position of its peers, and the country of most of them."""
    table = cells_table(
        placed(
            {"latitude": 48.2, "longitude": 7.2},
            {"latitude": 48.6, "longitude": 7.6},
            {"latitude": 48.6, "longitude": 7.8, "country": "DE", "city": "Kehl"},
            {"latitude": -33.5, "longitude": 151.5, "country": "AU", "city": "Sydney"},
        ),
        1.0,
    )
    assert table["peers"].to_list() == [3, 1]
    first = table.row(0, named=True)
    assert (first["country"], first["countries"]) == ("FR", 2)
    assert (first["latitude"], first["longitude"]) == pytest.approx((48.4667, 7.5333), abs=1e-4)


def test_what_is_known_by_country_alone_is_in_no_cell() -> None:
    """No city, a radius of 200 km, no point or one off the globe: counted at the country level."""
    rows = placed(
        {"latitude": 48.0, "longitude": 2.0},
        {"latitude": 48.0, "longitude": 2.0, "city": None},
        {"latitude": 48.0, "longitude": 2.0, "radius_km": 200},
        {"latitude": 48.0, "longitude": 2.0, "radius_km": 199},
        {"latitude": None, "longitude": None},
        {"latitude": 95.0, "longitude": 2.0},
        {"latitude": 48.0, "longitude": 2.0, "city": None, "recorded_loc": "48.0,2.0"},
    )
    assert cells_table(rows)["peers"].sum() == 3
    assert country_level_table(rows).rows() == [("FR", 4)]
    assert rows.select(at_city_level()).collect()[:, 0].null_count() == 0


def test_cells_shrink_as_the_map_is_zoomed_in() -> None:
    """Coarse for the whole world, fine for a city, never beyond either end."""
    sizes = [cell_deg_at(zoom) for zoom in range(12)]
    assert sizes == sorted(sizes, reverse=True)
    assert (cell_deg_at(-1), cell_deg_at(4), cell_deg_at(20)) == (10.0, 1.0, 0.05)


@pytest.mark.parametrize("cell_deg", [0.0, -1.0, 0.01, 0.7, 180.0])
def test_a_grid_that_does_not_fit_is_refused(cell_deg: float) -> None:
    """Rows must fit from pole to pole."""
    with pytest.raises(ValueError, match="do not fit"):
        cell_number(cell_deg)
