"""The crawl beside libtorrent's `dht_get_peers` and btdht, upon one lab, in one run.

`python -m benchmarks.bench_crawl` (or `make bench-crawl`); `--smoke` proves in seconds that all of
it still runs. All figures are of this run and this machine; compare ratios, not times.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measuring import SMALL_SWARM, Measured, measure_crawl
from benchmarks.rivals import QUIET_S, LeftOut, btdht_python, measure_btdht, measure_libtorrent
from benchmarks.tables import Verdict, machine, print_table, print_verdicts
from crawler.allocation import huge_pages
from lab.dht import SimulatedDht
from lab.planted import PlantedSwarm, make_swarms, plant
from lab.traits import DhtTraits

SEED = 7
_PARITY = 0.99  # at this recall rates are compared
_BTDHT_AT_ONCE = 200
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    nodes: int
    dead_share: float
    rtt_median_ms: float
    infohashes: int
    growth: tuple[int, ...]  # numbers of infohashes among which the cost is compared
    libtorrent: tuple[tuple[int, int], ...]  # concurrency, infohashes
    libtorrent_most_s: float
    btdht: int  # infohashes; 0 leaves it out
    nodes_known: int


FULL = Sizes(
    nodes=100_000,
    dead_share=0.2,
    rtt_median_ms=80,
    infohashes=20_000,
    growth=(1_000, 10_000, 100_000),
    libtorrent=((500, 1_500), (1_000, 3_000), (1_500, 4_500)),
    libtorrent_most_s=8.0,
    btdht=400,
    nodes_known=1_000_000,
)
SMOKE = Sizes(
    nodes=2_000,
    dead_share=0.0,  # libtorrent waits 15 s for its first dead ones
    rtt_median_ms=10,
    infohashes=200,
    growth=(50, 200),
    libtorrent=((20, 20),),
    libtorrent_most_s=1.0,
    btdht=0,
    nodes_known=20_000,
)


def main() -> None:
    """Measure and print."""
    sizes = _sizes()
    print(f"{machine()}; lab of {sizes.nodes:,} nodes, RTT median {sizes.rtt_median_ms:g} ms\n")
    traits = DhtTraits(loss=0.01, rtt_median_ms=sizes.rtt_median_ms, holder_misses=0.1)
    with SimulatedDht(
        seed=SEED, nodes=sizes.nodes, dead_share=sizes.dead_share, traits=traits
    ) as dht:
        swarms = _plant(dht, max(sizes.infohashes, *sizes.growth))
        one = measure_crawl(dht, swarms[: sizes.infohashes], name="Swarm Atlas, 1 process")
        plain = measure_crawl(
            dht, swarms[: sizes.infohashes], name="the same, not compiled", use_compiled=False
        )
        libtorrent = _libtorrent(dht, swarms, sizes)
        patient = _libtorrent(dht, swarms, sizes, quiet_s=None)
        btdht, why = _btdht(dht, swarms, sizes.btdht)
        again = measure_crawl(dht, swarms[: sizes.infohashes], name="Swarm Atlas, 1 process, again")
        two = measure_crawl(
            dht, swarms[: sizes.infohashes], processes=2, name="Swarm Atlas, 2 processes"
        )
        growth = [
            measure_crawl(dht, swarms[:count], name=f"Swarm Atlas, {count:,} infohashes")
            for count in sizes.growth
        ]
    memory = _memory(sizes.nodes_known)
    _print_crawls([one, plain, *libtorrent, *patient, *btdht, again, two, *growth])
    if why:
        print(f"btdht is left out: {why}\n")
    print_verdicts(
        [
            *_against_libtorrent(one, libtorrent, patient),
            *(_against_btdht(one, measured) for measured in btdht),
            _at_most("packets per infohash", 14, one.packets_each, "{:.1f}"),
            Verdict("recall, all peers", ">= 99 %", f"{one.recall:.2%}", one.recall >= _PARITY),
            _scaling(again, two),
            _at_most(
                f"memory, {memory['known']:,.0f} nodes known", 300, memory["after_mb"], "{:.0f} MB"
            ),
            _growth(growth),
        ]
    )


def _sizes() -> Sizes:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, a few seconds")
    parser.add_argument("--nodes", type=int, help="live nodes of the lab")
    parser.add_argument("--infohashes", type=int, help="for our engine")
    parser.add_argument("--no-btdht", action="store_true", help="do not build and measure btdht")
    given = parser.parse_args()
    sizes = SMOKE if given.smoke else FULL
    return replace(
        sizes,
        nodes=given.nodes or sizes.nodes,
        infohashes=given.infohashes or sizes.infohashes,
        btdht=0 if given.no_btdht else sizes.btdht,
    )


def _plant(dht: SimulatedDht, count: int) -> list[PlantedSwarm]:
    """Plant so many swarms; in an order in which any beginning is a fair sample of them."""
    swarms = list(make_swarms(seed=SEED, count=count))
    plant(dht, swarms)
    random.Random(SEED).shuffle(swarms)
    return swarms


def _libtorrent(
    dht: SimulatedDht,
    swarms: Sequence[PlantedSwarm],
    sizes: Sizes,
    quiet_s: float | None = QUIET_S,
) -> list[Measured]:
    """libtorrent's crawl at each number of lookups at once."""
    return [
        measure_libtorrent(
            dht, swarms[:count], swarms[count : count + concurrency],
            concurrency=concurrency, most_s=sizes.libtorrent_most_s, quiet_s=quiet_s,
        )
        for concurrency, count in sizes.libtorrent
    ]  # fmt: skip


def _btdht(
    dht: SimulatedDht, swarms: Sequence[PlantedSwarm], count: int
) -> tuple[list[Measured], str]:
    """btdht's crawl, or none and the reason."""
    if not count:
        return [], "not asked for"
    try:
        with btdht_python() as python:
            warm_up = swarms[count : count + _BTDHT_AT_ONCE]
            measured = measure_btdht(
                python, dht, swarms[:count], warm_up, concurrency=_BTDHT_AT_ONCE
            )
    except LeftOut as reason:
        return [], str(reason)
    return [measured], ""


def _memory(nodes: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.node_memory", str(nodes)]
    environment = {**os.environ, **huge_pages(os.environ)}  # as a worker process has it
    done = subprocess.run(
        command, check=True, capture_output=True, cwd=_ROOT, timeout=300, env=environment
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _print_crawls(crawls: Sequence[Measured]) -> None:
    print_table(
        (
            "client", "infohashes", "infohashes/s", "packets each", "recall",
            f"up to {SMALL_SWARM} peers", "CPU ms each", "lab's CPU",
        ),
        [
            (
                crawl.name, f"{crawl.infohashes:,}", f"{crawl.rate:,.0f}",
                f"{crawl.packets_each:.1f}", f"{crawl.recall:.2%}", f"{crawl.recall_small:.2%}",
                f"{crawl.cpu_ms_each:.2f}", f"{crawl.lab_cpu_s / crawl.seconds:.0%}",
            )
            for crawl in crawls
        ],
    )  # fmt: skip


def _against_libtorrent(
    ours: Measured, theirs: Sequence[Measured], patient: Sequence[Measured]
) -> list[Verdict]:
    """Beside its fastest crawl that finds the small swarms; it never gets all of the big ones.

    And beside the fastest that gives each lookup all its time, as the first measurements did.
    """
    best, best_patient = _fastest(theirs), _fastest(patient)
    cpu_share = ours.cpu_ms_each / best.cpu_ms_each
    return [
        _at_least(f"infohashes/s over {best.name}", 10, ours.rate / best.rate),
        _at_least(f"infohashes/s over {best_patient.name}", 10, ours.rate / best_patient.rate),
        Verdict(
            "CPU per infohash",
            "<= 0.35 ms, or a quarter of libtorrent's",
            f"{ours.cpu_ms_each:.2f} ms, {cpu_share:.2f} of libtorrent's",
            ours.cpu_ms_each <= 0.35 or cpu_share <= 0.25,
        ),
    ]


def _fastest(crawls: Sequence[Measured]) -> Measured:
    """The fastest that finds the small swarms; where none does, the fastest."""
    able = [crawl for crawl in crawls if crawl.recall_small >= _PARITY]
    return max(able or crawls, key=lambda crawl: crawl.rate)


def _against_btdht(ours: Measured, theirs: Measured) -> Verdict:
    return _at_least(f"infohashes/s over {theirs.name}", 100, ours.rate / theirs.rate)


def _scaling(one: Measured, two: Measured) -> Verdict:
    """What a second process brings, with the lab off the account.

    On two cores the lab takes time from two crawling processes, and hardly from one. So the
    engine's work per second of its own CPU is compared: two processes do twice what one does,
    less what the division costs.
    """
    speed_up = 2 * one.cpu_ms_each / two.cpu_ms_each
    return Verdict(
        "2 processes over 1, by their own CPU",
        ">= 1.7 x",
        f"{speed_up:.2f} x (by the clock, with the lab on the same cores: "
        f"{two.rate / one.rate:.2f} x)",
        speed_up >= 1.7,
    )


def _growth(crawls: Sequence[Measured]) -> Verdict:
    first, last = crawls[0], crawls[-1]
    packets = last.packets_each / first.packets_each
    cpu = last.cpu_ms_each / first.cpu_ms_each
    return Verdict(
        f"cost per infohash, {last.infohashes:,} over {first.infohashes:,}",
        "<= 1.1 x",
        f"packets {packets:.2f} x, CPU {cpu:.2f} x",
        max(packets, cpu) <= 1.1,
    )


def _at_least(figure: str, wanted: float, reached: float) -> Verdict:
    return Verdict(figure, f">= {wanted:g} x", f"{reached:.1f} x", reached >= wanted)


def _at_most(figure: str, wanted: float, reached: float, form: str) -> Verdict:
    return Verdict(figure, f"<= {form.format(wanted)}", form.format(reached), reached <= wanted)


if __name__ == "__main__":
    main()
