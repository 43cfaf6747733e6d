"""analysis.raw_tables: what two columns say is what grouping by all of them counts."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
import pytest

from analysis.place_code import place_code
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
    """Many places and countries, mixed swarms; rows of an unknown swarm, and of no place."""
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
