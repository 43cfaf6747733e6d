"""How often the 95 % intervals hold the truth: many simulated swarms, heard from their holders."""

from __future__ import annotations

import random
from dataclasses import dataclass

from analysis.estimate import Estimate, bloom_size, chapman, swarm_size
from benchmarks.measuring import run_census
from lab.dht import SimulatedDht
from lab.holdings import Holdings
from lab.planted import make_peers
from lab.traits import DhtTraits
from swarm.bloom import bloom_of
from swarm.census import SwarmCensus

_HOLDER_MISSES = 0.3
_CRAWLED_MISSES = 0.6  # so much that even eight holders together miss some
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


def measure_crawled_coverage(*, seed: int, runs: int, sizes: tuple[int, ...]) -> list[Coverage]:
    """The same of a whole crawl: so many swarms of each size, each at holders of its own."""
    rng = random.Random(f"{seed}/crawled")
    peers_by_key = {rng.randbytes(20): make_peers(rng, size) for size in sizes for _ in range(runs)}
    traits = DhtTraits(holder_misses=_CRAWLED_MISSES)
    with SimulatedDht(seed=seed, nodes=20_000, traits=traits) as dht:
        dht.plant(peers_by_key)
        censuses, _ = run_census(dht, list(peers_by_key))
    held = dict.fromkeys(sizes, 0)
    for census in censuses:
        size = len(peers_by_key[census.infohash.digest])
        held[size] += _holds(_estimate_of(census), size)
    return [Coverage("a crawl's", size, runs, held[size] / runs) for size in sizes]


def _estimate_of(census: SwarmCensus) -> Estimate:
    captures = census.captures
    return swarm_size(len(census.sightings), captures.first, captures.second, captures.both)


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
