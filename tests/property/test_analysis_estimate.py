"""analysis.estimate: the intervals hold the truth as often as they say."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.estimate import Estimate, bloom_size, chapman, dht_size, swarm_size
from swarm.bloom import EMPTY, FILTER_BYTES, bloom_of

RUNS = 400


def holds(estimate: Estimate | None, truth: float) -> bool:
    assert estimate is not None
    return estimate.low <= truth and (estimate.high is None or truth <= estimate.high)


def caught(rng: random.Random, size: int, chance: float) -> tuple[int, int, int]:
    """Two independent catches of a population: sizes, and how many are in both."""
    return caught_apart(rng, size, chance, chance)


def caught_apart(rng: random.Random, size: int, one: float, other: float) -> tuple[int, int, int]:
    """The same, with a chance for each catch."""
    first = [rng.random() < one for _ in range(size)]
    second = [rng.random() < other for _ in range(size)]
    return sum(first), sum(second), sum(a and b for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("chance", [0.7, 0.8, 0.9])
@pytest.mark.parametrize("size", [5, 20, 50, 500, 5000])
def test_swarm_sizes_are_held_in_92_to_98_of_100_runs(size: int, chance: float) -> None:
    """Of 400 seeded runs 92 to 98 % of the capture-recapture intervals hold the truth."""
    rng = random.Random(f"{size} {chance}")
    held = sum(holds(chapman(*caught(rng, size, chance)), size) for _ in range(RUNS))
    assert 0.92 <= held / RUNS <= 0.98


@pytest.mark.parametrize("chances", [(0.95, 0.4), (0.8, 0.2), (0.6, 0.5), (0.3, 0.3)])
@pytest.mark.parametrize("size", [50, 500, 5000])
def test_sizes_between_sources_are_held_in_92_to_98_of_100_runs(
    size: int, chances: tuple[float, float]
) -> None:
    """The DHT may know nearly all and a tracker name few: 92 to 98 % of 400 intervals hold."""
    rng = random.Random(f"{size} {chances}")
    held = sum(holds(chapman(*caught_apart(rng, size, *chances)), size) for _ in range(RUNS))
    assert 0.92 <= held / RUNS <= 0.98


@pytest.mark.parametrize("size", [50, 500, 3000, 5000])
def test_filter_sizes_are_held_in_92_to_98_of_100_runs(size: int) -> None:
    """Of 400 filters of random addresses 92 to 98 % of the intervals hold their number."""
    rng = random.Random(size)
    blooms = [bloom_of([rng.randbytes(4) for _ in range(size)]) for _ in range(RUNS)]
    assert 0.92 <= sum(holds(bloom_size(bloom), size) for bloom in blooms) / RUNS <= 0.98


@pytest.mark.parametrize("size", [1, 5, 8, 20])
def test_filters_of_a_few_addresses_are_held_always(size: int) -> None:
    """Five addresses set ten bits in 97.8 % of all filters: an interval of those holds the five."""
    rng = random.Random(size)
    blooms = [bloom_of([rng.randbytes(4) for _ in range(size)]) for _ in range(RUNS)]
    assert sum(holds(bloom_size(bloom), size) for bloom in blooms) >= 0.99 * RUNS


@pytest.mark.parametrize("set_bits", [0, 1, 9, 10, 199, 1500, 2047])
def test_no_filter_has_an_empty_interval(set_bits: int) -> None:
    """Odd numbers of bits, which two hashes seldom set, have an interval around the value too."""
    bloom = ((1 << set_bits) - 1).to_bytes(FILTER_BYTES)
    estimate = bloom_size(bloom)
    assert estimate.high is not None
    assert set_bits / 2 <= estimate.low <= estimate.value <= estimate.high


@pytest.mark.parametrize("keys", [1, 16, 100])
def test_dht_sizes_are_held_in_92_to_98_of_100_runs(keys: int) -> None:
    """Of 400 seeded DHTs of 10,000 nodes 92 to 98 % of the intervals hold their size."""
    rng = random.Random(keys)
    nodes = 10_000
    held = 0
    for _ in range(RUNS):
        # The k-th of N random points of [0, 1) is beta-distributed.
        reaches = [rng.betavariate(8, nodes - 7) for _ in range(keys)]
        held += holds(dht_size(reaches), nodes)
    assert 0.92 <= held / RUNS <= 0.98


@given(st.integers(0, 300), st.integers(0, 300), st.data())
def test_an_interval_holds_its_estimate_and_what_was_seen(
    first: int, second: int, data: st.DataObject
) -> None:
    """Whatever was counted: seen <= low <= value <= high, and nothing raises."""
    both = data.draw(st.integers(0, min(first, second)))
    seen = first + second - both
    estimate = swarm_size(seen, first, second, both)
    assert seen <= estimate.low <= estimate.value
    assert estimate.high is None or estimate.value <= estimate.high


@given(st.binary(min_size=FILTER_BYTES, max_size=FILTER_BYTES))
def test_any_filter_has_an_estimate(bloom: bytes) -> None:
    """Whatever a node sends as a filter, low <= value <= high."""
    estimate = bloom_size(bloom)
    assert 0 <= estimate.low <= estimate.value
    assert estimate.high is None or estimate.value <= estimate.high


def test_where_all_is_known_there_is_no_doubt() -> None:
    """An empty swarm is empty, one that both halves know is that big, one half bounds nothing."""
    assert swarm_size(0, 0, 0, 0) == Estimate(0.0, 0.0, 0.0)
    assert swarm_size(30, 30, 30, 30) == Estimate(30.0, 30.0, 30.0)
    assert swarm_size(7, 7, 0, 0) == Estimate(7.0, 7.0, None)
    assert bloom_size(EMPTY) == Estimate(0.0, 0.0, 0.0)
    assert dht_size([]) is None
