"""How often the 95 % intervals hold the truth: many simulated swarms, heard from their holders."""

from __future__ import annotations

import random
from dataclasses import dataclass

from analysis.estimate import Estimate, bloom_size, chapman
from lab.holdings import Holdings
from lab.planted import make_peers
from swarm.bloom import bloom_of

_HOLDER_MISSES = 0.3
_REPLY_PEERS = 100
_KEY = bytes(20)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one estimate for swarms of one size: the share of intervals that held the truth."""

    estimate: str
    peers: int
    runs: int
    held: float


def measure_coverage(*, seed: int, runs: int, sizes: tuple[int, ...]) -> list[Coverage]:
    """Capture-recapture from two holders, and BEP 33's filter; so many seeded runs of each."""
    coverages = []
    for size in sizes:
        caught = counted = 0
        for run in range(runs):
            rng = random.Random(f"{seed}/{size}/{run}")
            peers = make_peers(rng, size)
            caught += _holds(_capture_recapture(rng, peers), size)
            addresses = {peer[:4] for peer in peers}
            counted += _holds(bloom_size(bloom_of(addresses)), len(addresses))
        coverages.append(Coverage("capture-recapture", size, runs, caught / runs))
        coverages.append(Coverage("BEP 33 filter", size, runs, counted / runs))
    return coverages


def _capture_recapture(rng: random.Random, peers: tuple[bytes, ...]) -> Estimate:
    """Two holders, each of which misses a part and tells a hundred at a time."""
    holdings = Holdings(rng)
    catches: list[set[bytes]] = []
    for node in (1, 2):
        known = [peer for peer in peers if rng.random() >= _HOLDER_MISSES]
        holdings.plant(_KEY, [node], known)
        told: set[bytes] = set()
        for _ in range(1 + len(peers) // _REPLY_PEERS):
            told.update(holdings.sample(node, _KEY, 0.0))
        catches.append(told)
    first, second = catches
    return chapman(len(first), len(second), len(first & second))


def _holds(estimate: Estimate, truth: int) -> bool:
    return estimate.low <= truth and (estimate.high is None or truth <= estimate.high)
