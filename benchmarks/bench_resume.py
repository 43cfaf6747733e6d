"""A crawl that is killed ten times beside an undisturbed one, through the real command line.

`python -m benchmarks.bench_resume` (or `make bench-resume`); `--smoke` proves in seconds that it
still runs. Both crawls ask the same lab for the same infohashes and keep raw addresses; what is
compared is the set of (infohash, peer). So that the sets can be compared exactly, nothing in this
lab is a matter of luck: no packet is lost, no node is dead, every holder knows all of its swarm,
and no swarm is beyond the hundred peers that fit one reply.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence, Sized
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from benchmarks.tables import Verdict, machine, print_table, print_verdicts
from lab.dht import SimulatedDht
from lab.planted import PlantedSwarm, make_swarms, plant
from storage.runs import RunReader, list_runs

SEED = 7
_ROOT = Path(__file__).parents[1]
_LARGEST = 90  # peers; a reply holds a hundred
_POLL_S = 0.01
_ATTEMPT_DEADLINE_S = 300.0

Pair = tuple[str, str]
"""An infohash and a peer, `address:port`."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    nodes: int
    infohashes: int
    kills: int
    max_packets_per_s: int  # so that a crawl is long beside the second between two writes


FULL = Sizes(nodes=20_000, infohashes=5_000, kills=10, max_packets_per_s=2_000)
SMOKE = Sizes(nodes=2_000, infohashes=150, kills=2, max_packets_per_s=500)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process of the killed crawl, and what stood on disk when it was gone."""

    packets: int  # that reached the lab
    seconds: float
    finished: int  # infohashes with an outcome
    peers: int  # rows of sightings


@dataclass(frozen=True, slots=True)
class Kept:
    """What a run kept."""

    outcomes: Counter[str]  # by infohash
    pairs: Counter[Pair]


class _Crawl:
    """One workspace, and crawls of the same infohashes in it, one after the other."""

    def __init__(self, folder: Path, listing: Path, dht: SimulatedDht, sizes: Sizes) -> None:
        folder.mkdir()
        (folder / "config.txt").write_text("allow_local_peers=yes\nignore_environment=yes\n")
        self._folder = folder
        self._dht = dht
        self._command = [
            sys.executable, str(_ROOT / "main.py"), "crawl", str(listing), "--json",
            "--raw-addresses", "--workspace", str(folder), "--bootstrap", dht.bootstrap,
            "--processes", "2", "--max-packets-per-s", str(sizes.max_packets_per_s),
        ]  # fmt: skip

    def until_killed(self, packets: int) -> Attempt:
        """Start it, and kill -9 it when so many of its packets have reached the lab."""
        before, started = self._dht.counters().datagrams, time.monotonic()
        process = self._start()
        while process.poll() is None and self._dht.counters().datagrams - before < packets:
            if time.monotonic() - started > _ATTEMPT_DEADLINE_S:
                break
            time.sleep(_POLL_S)
        process.kill()
        output, _ = process.communicate()
        if output:
            raise SystemExit(f"the crawl ended before it could be killed: {output[-300:]}")
        return self._attempt(before, started)

    def to_the_end(self) -> Attempt:
        """Start it, and let it finish."""
        before, started = self._dht.counters().datagrams, time.monotonic()
        process = self._start()
        output, complaint = process.communicate(timeout=_ATTEMPT_DEADLINE_S)
        if process.returncode != 0 or json.loads(output.splitlines()[-1])["state"] != "done":
            raise SystemExit(f"the crawl failed: {output[-300:]} {complaint[-300:]}")
        return self._attempt(before, started)

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def _attempt(self, packets_before: int, started: float) -> Attempt:
        kept = self.kept()
        return Attempt(
            self._dht.counters().datagrams - packets_before,
            time.monotonic() - started,
            kept.outcomes.total(),
            kept.pairs.total(),
        )

    def finished(self) -> set[bytes]:
        """The keys that have an outcome on disk."""
        return {bytes.fromhex(infohash) for infohash in self.kept().outcomes}

    def runs(self) -> list[RunReader]:
        """All that stand in the workspace."""
        return list(list_runs(self._folder / "runs"))

    def kept(self) -> Kept:
        """The union of what all its runs have on disk."""
        outcomes: Counter[str] = Counter()
        pairs: Counter[Pair] = Counter()
        for run in self.runs():
            swarms = run.swarms().select("swarm", "infohash")
            ended = run.outcomes().join(swarms, on="swarm").select("infohash").collect()
            outcomes.update(ended["infohash"])
            seen = run.sightings().join(swarms, on="swarm").select("infohash", "address", "port")
            pairs.update((key, f"{host}:{port}") for key, host, port in seen.collect().iter_rows())
        return Kept(outcomes, pairs)


def main() -> None:
    """Measure and print."""
    sizes = _sizes()
    print(
        f"{machine()}; lab of {sizes.nodes:,} nodes, {sizes.infohashes:,} infohashes, "
        f"{sizes.max_packets_per_s:,} packets/s\n"
    )
    with (
        tempfile.TemporaryDirectory(prefix="swarm-atlas-resume-") as scratch,
        SimulatedDht(seed=SEED, nodes=sizes.nodes, dead_share=0.0) as dht,
    ):
        swarms = make_swarms(seed=SEED, count=sizes.infohashes, largest=_LARGEST)
        plant(dht, swarms)
        listing = Path(scratch) / "infohashes.txt"
        listing.write_text("".join(f"{swarm.key.hex()}\n" for swarm in swarms))
        calm = _Crawl(Path(scratch) / "calm", listing, dht, sizes)
        whole = calm.to_the_end()
        killed = _Crawl(Path(scratch) / "killed", listing, dht, sizes)
        attempts, asked_again = _kill_and_resume(killed, dht, whole.packets, sizes.kills)
        _print_attempts(whole, attempts)
        print_verdicts(_verdicts(calm, killed, swarms, attempts, asked_again))


def _sizes() -> Sizes:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, a few seconds")
    return SMOKE if parser.parse_args().smoke else FULL


def _kill_and_resume(
    crawl: _Crawl, dht: SimulatedDht, packets: int, kills: int
) -> tuple[list[Attempt], int]:
    """All attempts, the last to the end; and how many finished infohashes were asked for again.

    The instants are drawn from the seed as shares of an undisturbed crawl's packets: they sum up
    to less than one crawl, so no attempt can come to its end before it is killed.
    """
    rng = random.Random(f"{SEED}/kills")
    instants = sorted(rng.random() for _ in range(kills))
    attempts, asked_again = [], 0
    for last, instant in itertools.pairwise([0.0, *instants, 1.0]):
        finished, asked_before = crawl.finished(), dht.asked()
        if instant < 1:
            attempts.append(crawl.until_killed(max(1, round((instant - last) * packets))))
        else:
            attempts.append(crawl.to_the_end())
        asked = dht.asked()
        asked_again += sum(asked[key] > asked_before[key] for key in finished)
    return attempts, asked_again


def _print_attempts(whole: Attempt, attempts: Sequence[Attempt]) -> None:
    named = [("undisturbed", whole)]
    named += [(f"killed {i}", attempt) for i, attempt in enumerate(attempts[:-1], start=1)]
    named += [("to its end", attempts[-1])]
    print_table(
        ("crawl", "packets", "seconds", "infohashes on disk", "peers on disk"),
        [
            (name, f"{a.packets:,}", f"{a.seconds:.1f}", f"{a.finished:,}", f"{a.peers:,}")
            for name, a in named
        ],
    )


def _verdicts(
    calm: _Crawl,
    killed: _Crawl,
    swarms: Sequence[PlantedSwarm],
    attempts: Sequence[Attempt],
    asked_again: int,
) -> list[Verdict]:
    undisturbed, union = calm.kept(), killed.kept()
    planted = {
        (swarm.key.hex(), f"{IPv4Address(peer[:4])}:{int.from_bytes(peer[4:])}")
        for swarm in swarms
        for peer in swarm.peers
    }
    keys = {swarm.key.hex() for swarm in swarms}
    return [
        _none("peers of the undisturbed crawl that are lost", undisturbed.pairs - union.pairs),
        _none("peers that the undisturbed crawl does not have", union.pairs - undisturbed.pairs),
        _none("planted peers that the undisturbed crawl lacks", planted - undisturbed.pairs.keys()),
        _none("peers kept twice", union.pairs - Counter(union.pairs.keys())),
        _none("infohashes lost", keys - union.outcomes.keys()),
        _none("infohashes kept twice", union.outcomes - Counter(union.outcomes.keys())),
        _none("finished infohashes asked again", range(asked_again)),
        Verdict("runs after all kills", "1", str(len(killed.runs())), len(killed.runs()) == 1),
        _none("kills after which less was on disk than before", _setbacks(attempts)),
    ]


def _setbacks(attempts: Sequence[Attempt]) -> list[Attempt]:
    """Those that left fewer infohashes or peers than stood there before."""
    return [
        after
        for before, after in itertools.pairwise(attempts)
        if after.finished < before.finished or after.peers < before.peers
    ]


def _none(figure: str, found: Sized) -> Verdict:
    return Verdict(figure, "0", f"{len(found):,}", not found)


if __name__ == "__main__":
    main()
