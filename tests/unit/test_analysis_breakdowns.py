"""analysis.breakdowns, seeding, concentration, overlap: nothing is left out of any sum."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from analysis.breakdowns import (
    categories_table,
    hosting_table,
    networks_table,
    sources_table,
    swarms_table,
)
from analysis.concentration import concentration, gini, top_share
from analysis.overlap import OVERLAP_SCHEMA, overlap_table
from analysis.seeding import seeding_by_category, seeding_table
from swarm.columns import OUTCOME_COLUMNS, SIGHTING_COLUMNS, polars_schema
from tests.frames import NOON, sightings, swarms, tallies


def networked(*rows: tuple[int | None, bool | None, int]) -> pl.LazyFrame:
    """Sightings of (asn, hosting, sources)."""
    full = [
        {"swarm": 0, "peer": i, "country": "FR", "asn": asn, "hosting": hosting, "sources": bits}
        | {"as_name": None if asn is None else f"Network {asn}"}
        for i, (asn, hosting, bits) in enumerate(rows)
    ]
    return pl.LazyFrame(full, schema=polars_schema(SIGHTING_COLUMNS))


def filtered(*rows: tuple[float, float, float | None, float, float, float | None]) -> pl.LazyFrame:
    """Outcomes of (seeds, low, high, downloaders, low, high)."""
    names = ("seeds", "seeds_low", "seeds_high")
    names += ("downloaders", "downloaders_low", "downloaders_high")
    full = [
        {"swarm": i, "state": "complete", "queries": 1, "unique_peers": 1, "ended_at": NOON}
        | dict(zip(names, row, strict=True))
        for i, row in enumerate(rows)
    ]
    return pl.LazyFrame(full, schema=polars_schema(OUTCOME_COLUMNS))


ROWS = ((7, True, 1), (7, True, 3), (9, False, 1), (None, None, 4))


def test_networks() -> None:
    """Every peer is in one row; the unknown network is a row too."""
    table = networks_table(networked(*ROWS))
    assert table.rows() == [
        (7, "Network 7", True, 2, 0.5),
        (9, "Network 9", False, 1, 0.25),
        (None, None, None, 1, 0.25),
    ]


def test_hosting() -> None:
    """Likely, not, and unknown."""
    assert dict(hosting_table(networked(*ROWS)).select("hosting", "peers").iter_rows()) == {
        True: 2,
        False: 1,
        None: 1,
    }


def test_sources() -> None:
    """Who named how many, and how many nobody else named."""
    assert sources_table(networked(*ROWS)).rows() == [
        ("dht", 3, 2),
        ("tracker", 1, 0),
        ("pex", 1, 1),
    ]


def test_categories() -> None:
    """A category without peers and the unknown one stand too; ZZ is no country."""
    named = swarms("a", "b", "c").with_columns(category=pl.Series(["TV", None, "Books"])).lazy()
    counted = tallies((0, "FR", "FR", 3), (0, "?", "ZZ", 1), (1, "DE", "DE", 4)).lazy()
    assert categories_table(counted, named).rows() == [
        ("TV", 1, 4, 0.5, 1),
        (None, 1, 4, 0.5, 1),
        ("Books", 1, 0, 0.0, 0),
    ]


def test_swarms_carry_their_intervals() -> None:
    """Estimates with both ends; a swarm that is not finished is a row without them."""
    counted = tallies((1, "FR", "FR", 3), (1, "?", "ZZ", 1)).lazy()
    ended = filtered((1, 1, 2, 5, 4, None)).with_columns(estimate=9.0, low=8.0, high=None)
    table = swarms_table(counted, swarms("a", "b").lazy(), ended)
    assert table.select("name", "peers", "countries", "state").rows() == [
        ("b", 4, 1, None),
        ("a", 0, 0, "complete"),
    ]
    ends = table.row(1, named=True)
    assert (ends["estimate"], ends["estimate_low"], ends["estimate_high"]) == (9.0, 8.0, None)
    assert (ends["seeds_high"], ends["downloaders_high"]) == (2.0, None)


def test_share_of_seeds_with_its_interval() -> None:
    """What both intervals leave possible; an open end leaves all above it possible."""
    table = seeding_table(
        filtered((20, 18, 22, 80, 70, 90), (5, 4, None, 5, 4, 6), (0, 0, 0, 0, 0, 0)),
        swarms("a", "b", "c").lazy(),
    )
    shares = table.sort("swarm").select("seed_share", "seed_share_low", "seed_share_high").rows()
    assert shares[0] == pytest.approx((0.2, 18 / 108, 22 / 92))
    assert shares[1] == pytest.approx((0.5, 0.4, 1.0))
    assert shares[2] == (None, 0.0, 1.0)


def test_one_open_end_opens_the_sum() -> None:
    """A category's sum is bounded only if each of its swarms is."""
    ended = filtered((20, 18, 22, 80, 70, 90), (5, 4, None, 5, 4, 6))
    row = seeding_by_category(ended, swarms("a", "b").lazy()).row(0, named=True)
    assert (row["swarms"], row["seeds"], row["seeds_low"], row["seeds_high"]) == (2, 25, 22, None)
    assert (row["downloaders_low"], row["downloaders_high"]) == (74, 96)
    assert row["seed_share_high"] == 1.0


@pytest.mark.parametrize(
    ("counts", "expected"),
    [([5, 5, 5, 5], 0.0), ([0, 0, 0, 12], 0.75), ([1, 2, 3, 4], 0.25), ([9], 0.0)],
)
def test_gini(counts: list[int], expected: float) -> None:
    """Alike 0; one of n has all (n - 1) / n; 1, 2, 3, 4 have 1/4."""
    assert gini(pl.Series(counts)) == pytest.approx(expected)


def test_concentration_of_nothing() -> None:
    """No peers, no coefficient."""
    nobody = pl.Series([0, 0])
    assert (gini(nobody), top_share(nobody, 1), concentration(nobody)) == (None, None, None)


def test_concentration() -> None:
    """Members are those that have anybody; the tops are shares of the whole."""
    found = concentration(pl.Series([0, *range(1, 101)]))
    assert found is not None
    assert (found.members, found.peers) == (100, 5050)
    assert found.top_1_share == pytest.approx(100 / 5050)
    assert found.top_10_share == pytest.approx(sum(range(91, 101)) / 5050)
    assert found.top_1_percent_share == found.top_1_share


def test_overlap_is_what_sets_say() -> None:
    """Against Python's sets, on seeded swarms that share a pool of peers."""
    random = np.random.default_rng(2)
    members = [set(random.integers(0, 300, size).tolist()) for size in random.integers(5, 120, 12)]
    table = overlap_table(
        sightings(*((s, p, "FR") for s, peers in enumerate(members) for p in peers)).lazy(),
        top=1000,
        least_shared=1,
    )
    found = {frozenset(row[:2]): row[4:6] for row in table.iter_rows()}
    expected = {
        frozenset((a, b)): (len(members[a] & members[b]), pytest.approx(jaccard(members, a, b)))
        for a, b in combinations(range(12), 2)
        if members[a] & members[b]
    }
    assert found == expected
    assert table["jaccard"].is_sorted(descending=True)
    assert (table["peers_a"] >= table["peers_b"]).all()


def jaccard(members: list[set[int]], a: int, b: int) -> float:
    return len(members[a] & members[b]) / len(members[a] | members[b])


def test_overlap_in_slices_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little is held at once, the pairs are the same."""
    random = np.random.default_rng(4)
    rows = {(int(s), int(p)) for s, p in random.integers(0, (9, 40), (200, 2))}
    frame = sightings(*((s, p, "FR") for s, p in sorted(rows))).lazy()
    whole = overlap_table(frame)
    monkeypatch.setattr("analysis.overlap._ROWS_AT_ONCE", 17)
    monkeypatch.setattr("analysis.overlap._PAIRS_AT_ONCE", 3)
    assert overlap_table(frame).equals(whole)
    assert len(whole) > 10


def test_overlap_of_one_swarm() -> None:
    """Nothing to compare: no rows, the same columns."""
    assert overlap_table(sightings((0, 1, "FR")).lazy()).schema == OVERLAP_SCHEMA
