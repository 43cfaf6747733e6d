"""A crawl without sockets: recorded on a virtual clock, then replayed to time the engine alone.

`python -m benchmarks.recorded_crawl` plays one and prints its figures as JSON; `bench_replay`
starts it, with the compiled engine before the source on its path or without.

The simulated nodes answer the engine's own queries while it is recorded, which takes as long as it
takes. A fresh engine with the same entropy then asks the very same, so that it can be given
the recorded answers at once: what is timed is the engine's decisions and codec, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import resource
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from ipaddress import IPv4Address

from crawler import engine as engine_module
from crawler.addresses import BogonFilter
from crawler.engine import Datagram, Engine
from crawler.pacing import Pacing
from crawler.task import pack, unpack
from crawler.worker import rest_collector
from lab.holdings import Holdings
from lab.impairments import Impairments
from lab.nodes import Population
from lab.planted import PlantedSwarm, make_swarms
from lab.responder import Responder
from lab.traits import DhtTraits
from swarm.census import SwarmCensus
from swarm.infohash import InfoHash

SEED = 7
_PORT = 6881
_BOOTSTRAP = ("127.0.0.1", _PORT)
_ASKER = ("127.0.0.1", 9)
_STEP_S = 0.002  # what arrives within one step is taken in together, as a busy socket hands it out
_TICK_S = 0.1  # finished lookups are collected about so often, as a worker does
_REPEATS = 3


@dataclass(slots=True)
class Recording:
    """What an engine was given, step by step: the instant, and the datagrams that came until it."""

    steps: list[tuple[float, list[Datagram]]] = field(default_factory=list)
    sent: int = 0
    received: int = 0
    seconds: float = 0.0  # of the virtual clock
    recall: float = 0.0
    invented: int = 0


class VirtualDht:
    """The lab's nodes without a socket: datagrams in, datagrams out after their round trip."""

    def __init__(self, *, nodes: int, swarms: Iterable[PlantedSwarm]) -> None:
        traits = DhtTraits(loss=0.01, rtt_median_ms=80, holder_misses=0.1)
        population = Population(seed=SEED, live=nodes, dead_share=0.2, port=_PORT)
        holdings = Holdings(random.Random(f"{SEED}/samples"), holder_misses=traits.holder_misses)
        for swarm in swarms:
            holders = population.holders(swarm.key)
            holdings.plant(swarm.key, holders, swarm.peers, seeds=swarm.seeds)
        self._impairments = Impairments(traits, seed=SEED)
        self._responder = Responder(
            population, holdings, secret=b"s" * 16, on_announce=lambda _key, _peer: None
        )
        self._arrivals: list[tuple[float, int, Datagram]] = []
        self._sent = 0

    def send(self, datagrams: Iterable[Datagram], now: float) -> None:
        """Let the nodes have what the engine sends."""
        for datagram, (host, _port) in datagrams:
            self._sent += 1
            address = int(IPv4Address(host))
            answer = self._responder.answer(datagram, _ASKER, address, now)
            if answer is None:
                continue
            for delay_s, _origin, arriving in self._impairments.deliveries(answer, address):
                came = (arriving, (host, _PORT))
                heappush(self._arrivals, (now + delay_s, self._sent, came))

    def next_arrival(self) -> float:
        """When the next answer comes."""
        return self._arrivals[0][0] if self._arrivals else float("inf")

    def arrivals(self, now: float) -> list[Datagram]:
        """What has come until now."""
        came = []
        while self._arrivals and self._arrivals[0][0] <= now:
            came.append(heappop(self._arrivals)[2])
        return came


def make_engine(swarms: Sequence[PlantedSwarm], max_lookups: int) -> Engine:
    """An engine that draws the same numbers each time."""
    return Engine(
        [InfoHash(swarm.key) for swarm in swarms],
        [_BOOTSTRAP],
        pacing=Pacing(0),
        bogons=BogonFilter(allow_local=True),
        entropy=random.Random(SEED).randbytes,
        now=0.0,
        utc_offset_us=0,
        max_lookups=max_lookups,
        bootstrap_timeout_s=10.0,
    )


def record(swarms: Sequence[PlantedSwarm], nodes: int, max_lookups: int) -> Recording:
    """Crawl the simulated nodes on a virtual clock."""
    dht, engine = VirtualDht(nodes=nodes, swarms=swarms), make_engine(swarms, max_lookups)
    recording, now, came = Recording(), 0.0, list[Datagram]()
    censuses: list[SwarmCensus] = []
    while True:
        recording.steps.append((now, came))
        recording.received += len(came)
        dht.send(step(engine, now, came), now)
        censuses += engine.finished()
        if engine.done:
            break
        now = max(now + _STEP_S, min(engine.next_wakeup(now), dht.next_arrival()))
        came = dht.arrivals(now)
    recording.seconds = now
    recording.sent = engine.counters.sent
    _score(recording, swarms, censuses)
    return recording


def step(engine: Engine, now: float, came: Iterable[Datagram]) -> list[Datagram]:
    """One turn of a worker's loop: take in what came, hand out what is due."""
    for datagram, source in came:
        engine.receive(datagram, source, now)
    due: list[Datagram] = []
    while True:
        batch = engine.due(now)
        due += batch
        if len(batch) < engine_module.BATCH:
            return due


def replay(recording: Recording, engine: Engine) -> tuple[float, list[SwarmCensus]]:
    """Seconds of CPU that the engine takes for the recorded crawl; and what it found.

    Raises:
        AssertionError: it asked otherwise than when it was recorded.
    """
    censuses: list[SwarmCensus] = []
    collect_at = 0.0
    began = time.process_time()
    for now, came in recording.steps:
        step(engine, now, came)
        engine.next_wakeup(now)
        if now >= collect_at:
            collect_at = now + _TICK_S
            censuses += engine.finished()
    censuses += engine.finished()
    cpu_s = time.process_time() - began
    if not engine.done or engine.counters.sent != recording.sent:
        raise AssertionError("the replayed engine asked otherwise than the recorded one")
    return cpu_s, censuses


def reports_cpu_s(censuses: Sequence[SwarmCensus]) -> float:
    """Seconds of CPU to pickle what was found for the parent, and to unpickle it there."""
    began = time.process_time()
    unpickled = pickle.loads(pickle.dumps([pack(census) for census in censuses]))
    for packed in unpickled:
        unpack(packed)
    return time.process_time() - began


def _score(
    recording: Recording, swarms: Sequence[PlantedSwarm], censuses: Iterable[SwarmCensus]
) -> None:
    planted = {swarm.key: set(swarm.peers) for swarm in swarms}
    found = 0
    for census in censuses:
        addresses, ports = census.sightings.addresses, census.sightings.ports
        told = {
            addresses[16 * i + 12 : 16 * i + 16] + ports[2 * i : 2 * i + 2]
            for i in range(len(census.sightings))
        }
        found += len(told & planted[census.infohash.digest])
        recording.invented += len(told - planted[census.infohash.digest])
    recording.recall = found / sum(map(len, planted.values()))


def main() -> None:
    """Record, replay, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=100_000)
    parser.add_argument("--infohashes", type=int, default=4_000)
    parser.add_argument("--max-lookups", type=int, default=4_096)
    given = parser.parse_args()
    swarms = make_swarms(seed=SEED, count=given.infohashes)
    recording = record(swarms, given.nodes, given.max_lookups)
    rest_collector()
    played = [replay(recording, make_engine(swarms, given.max_lookups)) for _ in range(_REPEATS)]
    print(
        json.dumps(
            {
                "is_compiled": not engine_module.__file__.endswith(".py"),
                "sent": recording.sent,
                "received": recording.received,
                "recall": recording.recall,
                "invented": recording.invented,
                "virtual_s": recording.seconds,
                "engine_cpu_s": min(cpu_s for cpu_s, _ in played),
                "reports_cpu_s": min(reports_cpu_s(censuses) for _, censuses in played),
                "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
