"""The crawl in a DHT that is dead, full of junk, or lies; its caps; its codec; its estimates.

`python -m benchmarks.bench_hostile` (or `make bench-hostile`); `--smoke` proves in seconds that all
of it still runs. What was sent is what the lab's own counter says, with the kernel's times.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from benchmarks.coverage import Coverage, measure_coverage, measure_crawled_coverage
from benchmarks.fuzzing import fuzz_codec
from benchmarks.measuring import Measured, measure_crawl
from benchmarks.tables import Verdict, machine, print_table, print_verdicts
from lab.dht import SimulatedDht
from lab.planted import PlantedSwarm, make_swarms, plant
from lab.responder import Counters
from lab.traits import DhtTraits
from swarm.bloom import bloom_estimate, bloom_of

SEED = 7
_CONTROL_SHARE = 0.1  # keys that nobody announced, beside the swarms
_ADDRESS_BURST = 4.0  # the cap per address: one packet a second after so many at once
_LEAST_HELD, _MOST_HELD = 0.92, 0.98
_SWARMS = (5, 50, 500, 5000)  # peers; for these intervals are tried
_BEP33_VECTOR = 1224.9308  # of 256 IPv4 and 1,000 IPv6 addresses


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    nodes: int
    infohashes: int
    largest: int  # swarm, in peers
    rtt_median_ms: float
    capped_s: float
    fuzzed: int
    runs: int


FULL = Sizes(20_000, 2_000, 2_000, 80, 20, 1_000_000, 400)
SMOKE = Sizes(1_000, 20, 200, 5, 2, 20_000, 20)


@dataclass(frozen=True, slots=True)
class World:
    """A hostile DHT, and what the crawl must reach in it."""

    name: str
    traits: DhtTraits
    least_recall: float
    dead_share: float = 0.2
    sybils_per_key: int = 0


def worlds(rtt_median_ms: float) -> tuple[World, ...]:
    """All worlds of this benchmark."""

    def traits(**faults: float) -> DhtTraits:
        return DhtTraits(loss=0.01, rtt_median_ms=rtt_median_ms, holder_misses=0.1, **faults)

    damaged = traits(
        malformed_share=0.02, wrong_transaction_share=0.02, oversized_share=0.02, spoofed_share=0.1
    )
    return (
        World("50 % dead", traits(), 0.95, dead_share=0.5),
        World("80 % junk contacts", traits(junk_share=0.8), 0.90),
        World("10 % liars", traits(liar_share=0.1), 0.95),
        World("20 % rate-limited nodes", traits(rate_limited_share=0.2), 0.95),
        World("damaged and spoofed answers", damaged, 0.95),
        World("16 sybils around each tenth key", traits(), 0.85, sybils_per_key=16),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, a few seconds")
    sizes = SMOKE if parser.parse_args().smoke else FULL
    print(f"{machine()}; lab of {sizes.nodes:,} nodes, RTT median {sizes.rtt_median_ms:g} ms\n")
    crawls: list[Measured] = []
    verdicts: list[Verdict] = []
    announces = 0
    for world in worlds(sizes.rtt_median_ms):
        crawl, counters = _crawl(world, sizes)
        crawls.append(crawl)
        verdicts += _judge(world, crawl)
        announces += counters.announce_attempts
    caps, counters = _caps(sizes)
    announces += counters.announce_attempts
    _print_crawls(crawls)
    print_verdicts(
        [
            *verdicts,
            *caps,
            Verdict("announces sent, all crawls", "0", str(announces), announces == 0),
            *_codec(sizes.fuzzed),
            _vector(),
            *map(_held, measure_coverage(seed=SEED, runs=sizes.runs, sizes=_SWARMS)),
            *map(_held, measure_crawled_coverage(seed=SEED, runs=sizes.runs, sizes=_SWARMS)),
        ]
    )


def _crawl(world: World, sizes: Sizes) -> tuple[Measured, Counters]:
    with SimulatedDht(
        seed=SEED, nodes=sizes.nodes, dead_share=world.dead_share, traits=world.traits
    ) as dht:
        swarms = _plant(dht, sizes)
        if world.sybils_per_key:
            dht.sybils({swarm.key: world.sybils_per_key for swarm in swarms[::10]})
        rng = random.Random(f"{SEED}/controls")
        controls = [rng.randbytes(20) for _ in range(int(_CONTROL_SHARE * len(swarms)))]
        crawl = measure_crawl(dht, swarms, controls=controls, name=world.name)
        return crawl, dht.counters()


def _plant(dht: SimulatedDht, sizes: Sizes) -> tuple[PlantedSwarm, ...]:
    swarms = make_swarms(seed=SEED, count=sizes.infohashes, largest=sizes.largest)
    plant(dht, swarms)
    return swarms


def _judge(world: World, crawl: Measured) -> Iterator[Verdict]:
    yield Verdict(
        f"recall, {world.name}",
        f">= {world.least_recall:.0%}",
        f"{crawl.recall:.2%}",
        crawl.recall >= world.least_recall,
    )
    yield Verdict(f"invented peers, {world.name}", "0", str(crawl.invented), crawl.invented == 0)


def _caps(sizes: Sizes) -> tuple[list[Verdict], Counters]:
    """A crawl at the default cap, until its deadline."""
    cap = 250
    traits = DhtTraits(loss=0.01, rtt_median_ms=sizes.rtt_median_ms)
    with SimulatedDht(seed=SEED, nodes=sizes.nodes, traits=traits) as dht:
        swarms = _plant(dht, sizes)
        measure_crawl(dht, swarms, processes=2, max_packets_per_s=cap, deadline_s=sizes.capped_s)
        counters = dht.counters()
    return [
        Verdict(
            "packets in the busiest second, cap 250, 2 processes",
            f"<= {cap}",
            str(counters.busiest_second),
            counters.busiest_second <= cap,
        ),
        Verdict(
            "burst to one address beyond one a second",
            f"<= {_ADDRESS_BURST:g}",
            f"{counters.address_burst:.2f}",
            counters.address_burst < _ADDRESS_BURST + 0.05,  # packets are late by milliseconds
        ),
    ], counters


def _codec(packets: int) -> Iterator[Verdict]:
    fuzzed = fuzz_codec(seed=SEED, packets=packets)
    escaped = sum(fuzzed.escaped.values())
    yield Verdict(
        f"exceptions but MalformedMessage, {fuzzed.packets:,} fuzzed packets",
        "0",
        f"{escaped} {' '.join(fuzzed.escaped)}".strip(),
        escaped == 0,
    )
    yield Verdict(
        "memory grown meanwhile", "<= 2 MB", f"{fuzzed.grown_mb:.1f} MB", fuzzed.grown_mb <= 2
    )


def _vector() -> Verdict:
    addresses = [IPv4Address(f"192.0.2.{last}").packed for last in range(256)]
    prefix = bytes.fromhex("20010db8000000000000000000000000")[:14]
    addresses += [prefix + number.to_bytes(2) for number in range(0x3E8)]
    estimate = bloom_estimate(bloom_of(addresses))
    return Verdict(
        "BEP 33's test vector",
        f"{_BEP33_VECTOR}",
        f"{estimate:.6f}",
        abs(estimate - _BEP33_VECTOR) < 1e-4,
    )


def _held(coverage: Coverage) -> Verdict:
    return Verdict(
        f"95 % intervals that hold, {coverage.estimate}, {coverage.peers:,} peers, "
        f"{coverage.runs} runs",
        f"{_LEAST_HELD:.0%} to {_MOST_HELD:.0%}",
        f"{coverage.held:.1%}",
        _LEAST_HELD <= coverage.held <= _MOST_HELD,
    )


def _print_crawls(crawls: list[Measured]) -> None:
    print_table(
        ("world", "infohashes", "infohashes/s", "packets each", "recall", "invented"),
        [
            (
                crawl.name, f"{crawl.infohashes:,}", f"{crawl.rate:,.0f}",
                f"{crawl.packets_each:.1f}", f"{crawl.recall:.2%}", str(crawl.invented),
            )
            for crawl in crawls
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
