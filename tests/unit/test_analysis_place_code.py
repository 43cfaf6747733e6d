"""analysis.place_code: a place as one number says what the columns say."""

from __future__ import annotations

import polars as pl

from analysis.place_code import decoded, known_place, place_code
from swarm.columns import SIGHTING_COLUMNS, polars_schema

PLACES = [
    {"country": "FR", "city": "Paris", "latitude": 48.8566, "longitude": 2.3522},
    {"country": "FJ", "city": "Suva", "latitude": -90.0, "longitude": 180.0},
    {"country": "AQ", "city": "Pole", "latitude": 90.0, "longitude": -180.0},
    {"country": "US", "city": None, "latitude": 37.751, "longitude": -97.822},
    {"country": "DE", "city": "Bonn", "latitude": 50.7, "longitude": 7.1, "radius_km": 200},
    {"country": "DE", "city": "Odd", "latitude": float("nan"), "longitude": 7.1},
    {"country": "ZZ", "city": None, "latitude": None, "longitude": None},
    {"country": "IT", "recorded_loc": "41.9,12.5", "latitude": 41.9, "longitude": 12.5},
]
NO_POINT = {"US", "DE", "ZZ"}


def sightings(*rows: dict[str, object]) -> pl.DataFrame:
    schema = polars_schema(SIGHTING_COLUMNS)
    return pl.DataFrame(list(rows), schema={name: schema[name] for name in schema}, strict=False)


def test_a_place_comes_back_from_its_number() -> None:
    """Country and point to 0.0001 degrees; a point that stands for a country is none."""
    coded = sightings(*PLACES).select(place=place_code())
    for place, row in zip(PLACES, decoded(coded).rows(named=True), strict=True):
        assert row["country"] == place["country"]
        if place["country"] in NO_POINT:
            assert (row["latitude"], row["longitude"]) == (None, None)
        else:
            assert row["latitude"] == place["latitude"]
            assert row["longitude"] == place["longitude"]


def test_older_rows_get_their_number_when_read() -> None:
    """Where the column is null it is made from the others; where it is not, it is taken."""
    frame = sightings(PLACES[0], {**PLACES[0], "place": 7}).with_columns(place=known_place())
    made = sightings(PLACES[0]).select(place_code()).item()
    assert frame["place"].to_list() == [made, 7]


def test_what_is_no_country_code_has_no_number() -> None:
    """A country that is not two letters is not squeezed into sixteen bits."""
    assert sightings({"country": "Error 429"}).select(place_code()).item() is None
