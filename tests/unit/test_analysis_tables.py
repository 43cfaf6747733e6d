"""Tables: what is counted, in which bins, and that nothing is dropped."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.tables import (
    OTHER,
    UNKNOWN_SIZE,
    Binning,
    SizeBins,
    countries_table,
    group_behind_top,
    histogram_table,
    key_numbers,
    places_table,
    top_countries,
    with_size_mb,
)
from swarm.columns import SIGHTING_COLUMNS, SWARM_COLUMNS, polars_schema
from tests import frames


def sized(*sizes_mb: float | None) -> pl.LazyFrame:
    """A swarm for each size."""
    swarms = frames.swarms(*(f"torrent {i}" for i in range(len(sizes_mb))))
    sizes = [None if mb is None else round(mb * 1e6) for mb in sizes_mb]
    return swarms.with_columns(size_bytes=pl.Series(sizes, dtype=pl.Int64)).lazy()


def located(*rows: dict[str, Any]) -> pl.LazyFrame:
    """Sightings with a place each; Paris unless the row says otherwise."""
    paris = {"country": "FR", "city": "Paris", "latitude": 48.86, "longitude": 2.35}
    full = [{"swarm": 0, "peer": i, "host": i, "source": "dht"} for i in range(len(rows))]
    merged = [a | paris | b for a, b in zip(full, rows, strict=True)]
    return pl.LazyFrame(merged, schema=polars_schema(SIGHTING_COLUMNS))


@pytest.mark.parametrize(
    ("size_mb", "label"),
    [
        (0.3, "0 - 99"),
        (99.999, "0 - 99"),
        (100, "100 - 199"),
        (350, "300 - 399"),
        (399.99, "300 - 399"),
        (12_345.6, "12300 - 12399"),
        (None, UNKNOWN_SIZE),
    ],
)
def test_classic_bins_are_those_of_the_classic_tool(size_mb: float | None, label: str) -> None:
    """int(MB) - int(MB) % 100, labelled by first and last MB; no size is a bin, too."""
    tallies = frames.tallies((0, "FR", "FR", 5)).lazy()
    assert histogram_table(tallies, sized(size_mb))["label"].to_list() == [label]


@pytest.mark.parametrize(
    ("size_mb", "label"),
    [(0.3, "0 - 1"), (1, "1 - 2"), (700, "512 - 1024"), (1024, "1024 - 2048")],
)
def test_log2_bins_are_doublings(size_mb: float, label: str) -> None:
    """A bin for each doubling of the megabytes, and one for all below one."""
    tallies = frames.tallies((0, "FR", "FR", 5)).lazy()
    assert histogram_table(tallies, sized(size_mb), Binning.LOG2)["label"].to_list() == [label]


def test_bins_come_in_the_order_of_sizes() -> None:
    """By size, not by label; the unknown size is last; empty bins are absent."""
    tallies = frames.tallies(*((i, "FR", "FR", 1) for i in range(5))).lazy()
    table = histogram_table(tallies, sized(None, 2000, 150, 900, 10))
    expected = ["0 - 99", "100 - 199", "900 - 999", "2000 - 2099", UNKNOWN_SIZE]
    assert table["label"].to_list() == expected


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["FR", "DE", "US", "ZZ"]), st.integers(0, 50)), max_size=30),
    st.sampled_from(Binning),
    st.integers(0, 4),
)
def test_no_peer_is_lost_on_the_way_to_a_bar(
    rows: list[tuple[str, int]], binning: Binning, top: int
) -> None:
    """Whatever the bins and the top: the bars sum up to the tallies, country by country."""
    sizes = (None, 0.5, 99, 5000)
    tallies = frames.tallies(*((i % 4, c, c, n) for i, (c, n) in enumerate(rows))).lazy()
    table = histogram_table(tallies, sized(*sizes), binning)
    for country in ("FR", "DE", "US", "ZZ"):
        expected = sum(n for c, n in rows if c == country)
        assert table.filter(pl.col("country") == country)["peers"].sum() == expected
    countries = countries_table(tallies, sized(*sizes))
    grouped = group_behind_top(table, top_countries(countries, top))
    assert grouped["peers"].sum() == sum(n for _, n in rows)
    assert countries["peers"].sum() == sum(n for _, n in rows)


def test_the_unknown_country_is_a_row_and_never_among_the_others() -> None:
    """ZZ is counted, stays itself behind any top, and is no top country."""
    tallies = frames.tallies((0, "Error 429", "ZZ", 9), (0, "FR", "FR", 3), (0, "DE", "DE", 1))
    countries = countries_table(tallies.lazy(), sized(100))
    assert countries["country"].to_list() == ["ZZ", "FR", "DE"]
    assert countries["share"].to_list() == pytest.approx([9 / 13, 3 / 13, 1 / 13])
    assert top_countries(countries, 1) == ["FR"]
    grouped = group_behind_top(histogram_table(tallies.lazy(), sized(100)), ["FR"])
    assert dict(grouped.select("country", "peers").iter_rows()) == {"FR": 3, "ZZ": 9, OTHER: 1}


def test_the_median_is_that_of_peers_not_of_swarms() -> None:
    """Nine peers in a small torrent outweigh one in a big one; unknown sizes have no say."""
    tallies = frames.tallies((0, "FR", "FR", 9), (1, "FR", "FR", 1), (2, "FR", "FR", 90))
    countries = countries_table(tallies.lazy(), sized(10, 5000, None))
    assert countries["median_mb"].to_list() == [10.0]


@pytest.mark.parametrize(
    ("recorded", "size_bytes", "size_mb"),
    [
        (350.5, 1, 350.5),
        (None, 350_500_000, 350.5),
        (-1.0, 2_000_000, 2.0),
        (float("nan"), 2_000_000, 2.0),
        (1e300, None, None),
        (None, None, None),
    ],
)
def test_the_recorded_size_comes_first_where_it_is_one(
    recorded: float | None, size_bytes: int | None, size_mb: float | None
) -> None:
    """Decimal megabytes; a recorded size that cannot be one gives way to the bytes."""
    row = {"swarm": 0, "name": "t", "size_bytes": size_bytes, "recorded_size_mb": recorded}
    swarms = pl.LazyFrame([row], schema=polars_schema(SWARM_COLUMNS))
    assert with_size_mb(swarms).collect()["size_mb"].to_list() == [size_mb]


def test_places_have_a_row_per_place_and_swarm_the_biggest_first() -> None:
    """Peers at one place are counted per torrent; small torrents come later, on top."""
    sightings = located({"swarm": 0}, {"swarm": 1}, {"swarm": 1}, {"swarm": 1, "city": "Sceaux"})
    table = places_table(sightings, sized(10, 5000))
    rows = table.select("name", "city", "peers", "size_mb").rows()
    assert rows == [
        ("torrent 1", "Paris", 2, 5000.0),
        ("torrent 1", "Sceaux", 1, 5000.0),
        ("torrent 0", "Paris", 1, 10.0),
    ]


def test_what_has_no_point_on_earth_is_on_no_map() -> None:
    """Null, NaN and impossible coordinates are left out; ZZ with coordinates is shown."""
    nowhere: tuple[dict[str, Any], ...] = (
        {"latitude": None},
        {"longitude": float("nan")},
        {"latitude": 91.0},
        {"country": "ZZ", "city": None},
    )
    table = places_table(located(*nowhere), sized(10))
    assert table.select("country", "peers").rows() == [("ZZ", 1)]


def test_a_vague_point_stands_for_its_country() -> None:
    """From a radius of 200 km on, the city that the database names is not believed."""
    table = places_table(located({"radius_km": 1000}, {"radius_km": 20}), sized(10))
    assert set(table["city"].to_list()) == {None, "Paris"}


def test_too_many_markers_become_one_a_place() -> None:
    """Over the limit a row stands for all torrents of a place, none of the peers is lost."""
    sightings = located({"swarm": 0}, {"swarm": 1}, {"swarm": 2})
    table = places_table(sightings, sized(10, 30, None), at_most=2)
    assert table.select("name", "size_mb", "peers", "swarms").rows() == [(None, 20.0, 3, 3)]


def test_key_numbers_tell_peers_from_memberships() -> None:
    """A peer in two swarms is one peer with two memberships; ZZ is no country."""
    sightings = frames.sightings((0, 1, "FR"), (1, 1, "FR"), (1, 2, "ZZ"))
    tallies = frames.tallies((0, "FR", "FR", 1), (1, "FR", "FR", 1), (1, "ZZ", "ZZ", 1))
    numbers = key_numbers(sightings.lazy(), tallies.lazy())
    assert (numbers.peers, numbers.memberships, numbers.countries) == (2, 3, 1)
    assert numbers.located_share == pytest.approx(2 / 3)


def test_an_empty_run_has_empty_tables() -> None:
    """A run before its first peer is drawn without an error, and its share is not 0 %."""
    sightings, tallies = frames.sightings().lazy(), frames.tallies().lazy()
    assert histogram_table(tallies, sized(10)).is_empty()
    assert countries_table(tallies, sized(10)).is_empty()
    assert places_table(sightings, sized(10)).is_empty()
    assert key_numbers(sightings, tallies).located_share is None


def test_bins_of_any_width() -> None:
    """250 MB wide: 100 and 249.9 MB share a bin, labelled by its ends."""
    counted = frames.tallies((0, "FR", "FR", 1), (1, "FR", "FR", 2), (2, "FR", "FR", 4)).lazy()
    table = histogram_table(counted, sized(100, 249.9, 250), SizeBins(250))
    assert table.select("order", "label", "peers").rows() == [
        (0, "0 - 249", 3),
        (1, "250 - 499", 4),
    ]
    with pytest.raises(ValueError, match="at least 1 MB"):
        SizeBins(0)
