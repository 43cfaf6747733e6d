"""analysis.comparison: who was there before and after, by torrent, country and place."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl

from analysis.churn import churn_table
from analysis.comparison import compare_countries, compare_places, compare_torrents
from analysis.snapshot import Snapshot
from tests import frames

POINTS = {"FR": (48.86, 2.35, "Paris"), "DE": (52.52, 13.4, "Berlin"), "US": (None, None, None)}


def snapshot(
    names: str, rows: list[tuple[int, int, str]], *, finished: int | None = None, days: int = 0
) -> Snapshot:
    """Swarms of these names with (swarm, peer, country); infohash by name, whatever its number."""
    swarms = frames.swarms(*names).with_columns(
        infohash=pl.col("name").map_elements(lambda n: f"{ord(n):040x}", return_dtype=pl.String)
    )
    ended = range(len(names) if finished is None else finished)
    sightings = frames.sightings(*rows).with_columns(
        pl.col("country").replace_strict({c: p[0] for c, p in POINTS.items()}).alias("latitude"),
        pl.col("country").replace_strict({c: p[1] for c, p in POINTS.items()}).alias("longitude"),
        pl.col("country").replace_strict({c: p[2] for c, p in POINTS.items()}).alias("city"),
    )
    tallies = sightings.group_by("swarm", "country").agg(peers=pl.len().cast(pl.Int64))
    return Snapshot(
        run_id="x",
        taken_at=frames.NOON + timedelta(days=days),
        swarms=swarms.lazy(),
        sightings=sightings.lazy(),
        outcomes=frames.outcomes(*((n, 0) for n in ended)).lazy(),
        tallies=tallies.lazy(),
    )


# Torrent b has number 1 before and 0 after; a and c were asked for in one run only.
BEFORE = snapshot("ab", [(0, 1, "FR"), (1, 1, "FR"), (1, 2, "DE"), (1, 3, "US")])
AFTER = snapshot("bc", [(0, 2, "DE"), (0, 3, "FR"), (0, 4, "FR"), (1, 1, "FR")], days=1)


def rows(table: pl.DataFrame, *names: str) -> list[tuple[object, ...]]:
    return sorted(table.select(names).rows(), key=str)


def test_torrents_of_one_run_are_not_called_gone() -> None:
    """A torrent that only one run asked for has one count, and nothing is said of its churn."""
    table = compare_torrents(BEFORE, AFTER, linked=True)
    assert rows(table, "name", "before", "after", "new", "stayed", "gone") == [
        ("a", 1, None, None, None, None),
        ("b", 3, 3, 1, 2, 1),
        ("c", None, 1, None, None, None),
    ]


def test_torrents_have_the_bounds_of_churn() -> None:
    """A peer that looks gone may have been missed: each torrent carries how many that may be."""
    found = {"unique_peers": 20, "low": 20.0, "high": 25.0, "state": "complete"}
    peers = [(0, peer, "FR") for peer in range(30)]
    sides = [
        replace(one, outcomes=one.outcomes.with_columns(**{k: pl.lit(v) for k, v in found.items()}))
        for one in (snapshot("b", peers[:20]), snapshot("b", peers[10:], days=1))
    ]
    table = compare_torrents(*sides, linked=True)
    bounds = [f"{name}_{end}" for name in ("new", "gone") for end in ("low", "high")]
    assert table.select("stayed", "new", "gone").row(0) == (10, 10, 10)
    assert table.select(bounds).rows() == churn_table(*sides).select(bounds).rows()
    assert table["gone_low"].item() < table["gone_high"].item() == 10
    unlinked = compare_torrents(*sides, linked=False)
    assert unlinked.select(bounds).row(0) == (None, None, None, None)
    assert unlinked.columns == table.columns


def test_groups_are_sums_of_sets() -> None:
    """Per country and per place: before is stayed and gone, after is stayed and new."""
    countries = compare_countries(BEFORE, AFTER, linked=True)
    assert rows(countries, "country", "before", "after", "new", "stayed", "gone") == [
        ("DE", 1, 1, 0, 1, 0),
        ("FR", 1, 2, 2, 0, 1),  # peer 3 was in the US by the other database
        ("US", 1, 0, 0, 0, 1),
    ]
    places = compare_places(BEFORE, AFTER, linked=True)
    assert rows(places, "country", "city", "before", "after", "new", "stayed", "gone") == [
        ("DE", "Berlin", 1, 1, 0, 1, 0),
        ("FR", "Paris", 1, 2, 2, 0, 1),
    ]
    assert places["key"].to_list() == ["point:488600:23500", "point:525200:134000"]
    for table in (countries, places):
        assert (table["before"] == table["stayed"] + table["gone"]).all()
        assert (table["after"] == table["stayed"] + table["new"]).all()


def test_unlinked_runs_are_counted_and_not_matched() -> None:
    """With pseudonyms of two keys the counts stand, and who stayed is unknown, not zero."""
    for table in (
        compare_torrents(BEFORE, AFTER, linked=False),
        compare_countries(BEFORE, AFTER, linked=False),
        compare_places(BEFORE, AFTER, linked=False),
    ):
        assert table.select("new", "stayed", "gone").null_count().row(0) == (len(table),) * 3
        assert table["before"].sum() > 0


def test_lookup_without_an_end_is_no_absence() -> None:
    """Peers of a swarm that the second run did not ask to the end are not gone."""
    after = snapshot("b", [(0, 2, "DE")], finished=0)
    assert compare_countries(BEFORE, after, linked=True).is_empty()
    assert compare_torrents(BEFORE, after, linked=True)["gone"].to_list() == [None, None]


def test_empty_runs_compare() -> None:
    """Nothing beside nothing is a table without rows."""
    nobody = snapshot("", [])
    for compare in (compare_torrents, compare_countries, compare_places):
        assert compare(nobody, nobody, linked=True).is_empty()
