"""analysis.raw_tables and place_numbers: what arrays count is what grouping row by row counts."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest

from analysis.place_code import place_code
from analysis.place_numbers import PlaceNumbers
from analysis.raw_tables import raw_tables
from analysis.tables import Binning, histogram_table
from swarm.columns import SIGHTING_COLUMNS, polars_schema
from tests import frames

PAIRS = ["".join(pair) for pair in product("ABCDEFGHIJKLMNOPQR", repeat=2)]  # 324


def sightings(rows: int, points: int, swarms: int, random: np.random.Generator) -> pl.DataFrame:
    """Rows in any order; a hundredth of them in no country."""
    at = random.integers(0, points, rows)
    columns = {
        "swarm": random.integers(0, swarms, rows),
        "country": pl.Series([*PAIRS, "?"]).gather(
            np.where(random.random(rows) < 0.01, len(PAIRS), at % len(PAIRS))
        ),
        "city": ["somewhere"] * rows,
        "latitude": at % 1_000 / 100,
        "longitude": at // 1_000 / 100,
    }
    schema = polars_schema(SIGHTING_COLUMNS)
    frame = frames.sightings().clear(rows).with_columns(pl.DataFrame(columns)).cast(schema)
    return frame.with_columns(place=place_code())


@pytest.mark.parametrize("binning", Binning)
def test_tables_are_what_grouping_counts(binning: Binning) -> None:
    """More places and countries than the counters begin with; rows of no swarm, and of no place."""
    random = np.random.default_rng(5)
    rows = sightings(300_000, 90_000, 41, random)
    swarms = frames.swarms(*(f"torrent {number}" for number in range(40)))
    swarms = swarms.with_columns(size_bytes=pl.col("swarm").cast(pl.Int64) % 7 * 300_000_000)
    histogram, places = raw_tables(rows.lazy(), swarms, binning)
    named = pl.when(pl.col("country") != "?").then("country")
    counted = rows.group_by("swarm", named).agg(peers=pl.len().cast(pl.Int64)).lazy()
    expected = histogram_table(counted, swarms.lazy(), binning)
    assert expected["country"].null_count() > 0
    assert histogram.rows() == expected.rows()
    by_place = rows.group_by("place").agg(pl.len()).rows()
    assert dict(by_place) == dict(places.select("place", "peers").rows())
    assert len(by_place) == len(places) > 80_000


def test_a_run_without_sightings_has_empty_tables() -> None:
    """With the columns of any other."""
    swarms = frames.swarms("one")
    for empty, full in zip(
        raw_tables(frames.sightings().lazy(), swarms),
        raw_tables(frames.sightings((0, 1, "DE")).lazy(), swarms),
        strict=True,
    ):
        assert empty.is_empty()
        assert empty.schema == full.schema


def test_numbers_stay_when_places_come() -> None:
    """Each place has a number of its own, the same each time, through collisions and growth."""
    numbers = PlaceNumbers(1_000)
    # The table's slot is the upper bits of the place times an odd number; its inverse undoes it.
    inverse = pow(0x9E3779B97F4A7C15, -1, 2**64)
    colliding = [(number * inverse) % 2**64 for number in range(1, 500)]
    others = np.random.default_rng(3).permutation(2**59 // 7 * np.arange(1, 7, dtype=np.uint64))
    spread = np.arange(150_000, dtype=np.uint64) * np.uint64(2**40 + 1)
    places = np.unique(np.concatenate([np.array(colliding, np.uint64), others, spread]))
    given = np.empty(len(places), np.int64)
    for again in range(2):
        for start in range(0, len(places), 1_000):
            here = slice(start, start + 1_000)
            numbers.write(places[here], given[here])
        assert sorted(given.tolist()) == list(range(1, len(places) + 1)), again
        assert np.array_equal(numbers.places[given], places)
    assert len(numbers) == len(places) + 1
