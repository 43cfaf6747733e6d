"""Swarms to plant in a simulated DHT, for benchmarks and tests: many, from a seed.

Their sizes follow a power law, as measured swarms do: most have a handful of peers, a few
thousands.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass

from lab.dht import SimulatedDht
from lab.traits import INVENTED_NETWORK

_SEED_SHARE = 0.4
_PEER_BYTES = 6


@dataclass(frozen=True, slots=True)
class PlantedSwarm:
    """One swarm: its 20-byte key and all its peers, 6-byte compact; the first `seeds` are seeders.

    No peer is in 127.251.0.0/16, where invented peers are.
    """

    key: bytes
    peers: tuple[bytes, ...]
    seeds: int


def make_swarms(
    *, seed: int, count: int, smallest: int = 2, largest: int = 10_000, exponent: float = 1.0
) -> tuple[PlantedSwarm, ...]:
    """So many swarms, by their keys; the share of those above a size falls as size ** -exponent.

    The sizes are one from each quantile, so that they hardly depend on the seed.
    """
    rng = random.Random(f"{seed}/planted")
    low, high = (float(size) ** -exponent for size in (smallest, largest))
    shares = [(i + 0.5) / count for i in range(count)]
    sizes = [round((low + share * (high - low)) ** (-1 / exponent)) for share in shares]
    rng.shuffle(sizes)
    keys = sorted({rng.randbytes(20) for _ in range(count)})
    return tuple(
        PlantedSwarm(key, make_peers(rng, size), round(_SEED_SHARE * size))
        for key, size in zip(keys, sizes, strict=True)
    )


def make_peers(rng: random.Random, count: int) -> tuple[bytes, ...]:
    """So many distinct peers on loopback, none of them an invented one."""
    peers: dict[bytes, None] = {}
    while len(peers) < count:
        raw = rng.randbytes(_PEER_BYTES * (count - len(peers)))
        for at in range(0, len(raw), _PEER_BYTES):
            # 127.1.0.0 to 127.250.255.255; a port from 1,024 on
            network = 1 + raw[at + 1] % (INVENTED_NETWORK[1] - 1)
            port = (raw[at + 4] | 4).to_bytes() + raw[at + 5 : at + 6]
            peers[b"\x7f%c%b%b" % (network, raw[at + 2 : at + 4], port)] = None
    return tuple(peers)


def plant(dht: SimulatedDht, swarms: Iterable[PlantedSwarm]) -> None:
    """Let the nodes of a running DHT hold them."""
    planted = list(swarms)
    dht.plant(
        {swarm.key: swarm.peers for swarm in planted},
        seeds_by_key={swarm.key: swarm.seeds for swarm in planted},
    )
