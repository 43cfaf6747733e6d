"""How a crawl is measured: what it found against what was planted, what it sent, what it used.

The same for our engine and for its rivals; packets are counted by the lab, on its side.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from crawler.census import CensusPlan, take_census
from lab.dht import SimulatedDht
from lab.planted import PlantedSwarm
from lab.responder import Counters
from swarm.census import SwarmCensus
from swarm.infohash import InfoHash

SMALL_SWARM = 100  # peers; what fits one reply

Found = Mapping[bytes, set[bytes]]
"""By key, the 6-byte compact peers that a crawler says are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One crawl of one client. Shares are 0 to 1; `packets` are those that reached the lab."""

    name: str
    infohashes: int
    seconds: float
    cpu_s: float
    packets: int
    recall: float  # of all planted peers
    recall_small: float  # of those in swarms up to SMALL_SWARM peers
    invented: int  # peers that nobody planted
    lab_cpu_s: float
    nodes_known: int = 0
    note: str = ""

    @property
    def rate(self) -> float:
        """Infohashes per second."""
        return self.infohashes / self.seconds

    @property
    def packets_each(self) -> float:
        """Packets per infohash."""
        return self.packets / self.infohashes

    @property
    def cpu_ms_each(self) -> float:
        """Milliseconds of CPU per infohash."""
        return 1000 * self.cpu_s / self.infohashes


def measure_crawl(
    dht: SimulatedDht,
    swarms: Sequence[PlantedSwarm],
    *,
    processes: int = 1,
    max_packets_per_s: float = 0.0,
    deadline_s: float = 600.0,
    controls: Sequence[bytes] = (),
    name: str = "Swarm Atlas",
    use_compiled: bool = True,
) -> Measured:
    """Let our engine take a census of the swarms, and of `controls`, keys that nobody announced."""
    keys = [*(swarm.key for swarm in swarms), *controls]
    before, cpu_before, started = dht.counters(), _cpu_s(), time.monotonic()
    censuses, nodes_known = run_census(
        dht,
        keys,
        processes=processes,
        max_packets_per_s=max_packets_per_s,
        deadline_s=deadline_s,
        use_compiled=use_compiled,
    )
    seconds, cpu_s = time.monotonic() - started, _cpu_s() - cpu_before
    found = {census.infohash.digest: _compact_peers(census) for census in censuses}
    measured = score(name, swarms, found, seconds, cpu_s, before, dht.counters(), controls)
    return replace(measured, nodes_known=nodes_known)


def run_census(
    dht: SimulatedDht,
    keys: Sequence[bytes],
    *,
    processes: int = 1,
    max_packets_per_s: float = 0.0,
    deadline_s: float = 600.0,
    use_compiled: bool = True,
) -> tuple[list[SwarmCensus], int]:
    """What our engine says of each key, and how many nodes it knew in the end."""
    plan = CensusPlan(
        bootstrap=(dht.bootstrap,),
        processes=processes,
        max_packets_per_s=max_packets_per_s,
        deadline_s=deadline_s,
        allow_local=True,
        use_compiled=use_compiled,
    )
    censuses: list[SwarmCensus] = []
    nodes_known = 0
    with closing(take_census([InfoHash(key) for key in keys], plan)) as events:
        for event in events:
            if isinstance(event, SwarmCensus):
                censuses.append(event)
            else:
                nodes_known = event.nodes_known
    return censuses, nodes_known


def score(
    name: str,
    swarms: Sequence[PlantedSwarm],
    found: Found,
    seconds: float,
    cpu_s: float,
    before: Counters,
    after: Counters,
    controls: Sequence[bytes] = (),
) -> Measured:
    """Hold what was found against what was planted."""
    true_all = hit_all = true_small = hit_small = 0
    invented = sum(len(found.get(key, ())) for key in controls)
    for swarm in swarms:
        told, true = found.get(swarm.key, set()), set(swarm.peers)
        hits = len(told & true)
        invented += len(told) - hits
        true_all += len(true)
        hit_all += hits
        if len(true) <= SMALL_SWARM:
            true_small += len(true)
            hit_small += hits
    return Measured(
        name=name,
        infohashes=len(swarms) + len(controls),
        seconds=seconds,
        cpu_s=cpu_s,
        packets=after.datagrams - before.datagrams,
        recall=hit_all / true_all,
        recall_small=hit_small / true_small,
        invented=invented,
        lab_cpu_s=after.cpu_s - before.cpu_s,
    )


def _compact_peers(census: SwarmCensus) -> set[bytes]:
    columns = census.sightings
    addresses, ports = columns.addresses, columns.ports
    return {
        addresses[16 * i + 12 : 16 * i + 16] + ports[2 * i : 2 * i + 2] for i in range(len(columns))
    }


def _cpu_s() -> float:
    """This process and all that it has waited for: the census waits for its workers."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
