"""Who takes part in which swarm of the lab: real clients and synthetic announcements. Pure.

A synthetic announcement is an endpoint that stands in the simulated DHT and behind which nobody
listens. It makes swarms of a realistic size and spread; only the real clients share anything.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.geography import cities, unmapped_address
from lab.torrents import LabTorrent
from swarm.endpoint import Endpoint
from swarm.errors import WorldError
from swarm.infohash import InfoHash

_SWARM_SIZES = (5, 200)
_SIZE_EXPONENT = 0.6  # of the power law: half the swarms stay below 15, a few pass 100
_UNMAPPED_SHARE = 0.02
# Outside the ports that Linux gives out (32768 to 60999) and the usual services: nobody listens,
# and above all no real client of this world.
_PORTS = (*range(10240, 32768), *range(61000, 65536))
# A hybrid torrent is two keys of the DHT. Old clients announce to the first only.
_HYBRID_FIRST_ONLY, _HYBRID_BOTH = 0.6, 0.3


@dataclass(frozen=True, slots=True)
class SwarmPlan:
    """One torrent's swarm: numbers of the real clients, and the synthetic peers of each key."""

    torrent: LabTorrent
    seeders: tuple[int, ...]
    leechers: tuple[int, ...]
    synthetic: Mapping[InfoHash, tuple[Endpoint, ...]]

    @property
    def synthetic_peers(self) -> tuple[Endpoint, ...]:
        """The synthetic peers of all keys, each once."""
        return tuple(dict.fromkeys(peer for peers in self.synthetic.values() for peer in peers))


def choose_addresses(*, seed: int, sessions: int) -> tuple[IPv4Address, ...]:
    """An address for each real client, each in another city; the first city stays free.

    The first city is 127.0.0.0/16, which is where other programs of this machine are.
    """
    available = len(cities()) - 1
    if not 4 <= sessions <= available:
        raise WorldError(f"the lab has 4 to {available} real clients, not {sessions}")
    rng = random.Random(f"{seed}/clients")
    return tuple(city.address(rng) for city in rng.sample(cities()[1:], sessions))


def plan_swarms(
    torrents: Sequence[LabTorrent], clients: Sequence[IPv4Address], *, seed: int
) -> tuple[SwarmPlan, ...]:
    """Deal clients and synthetic peers out to the torrents; the same for the same seed.

    Every torrent has one or two real seeders and one to three real leechers, every client has a
    torrent, no endpoint is in two swarms, no synthetic peer has the address of a client.
    """
    rng = random.Random(f"{seed}/swarms")
    order = rng.sample(range(len(clients)), len(clients))
    sizes = _swarm_sizes(rng, len(torrents))
    taken: set[IPv4Address] = set(clients)
    plans = []
    for number, torrent in enumerate(torrents):
        first = order[number % len(order)]
        others = rng.sample([n for n in order if n != first], 3)
        extra_seeders = rng.randint(0, 1)
        leechers = others[extra_seeders : extra_seeders + rng.randint(1, 3 - extra_seeders)]
        peers = [draw_endpoint(rng, taken) for _ in range(sizes[number])]
        plans.append(
            SwarmPlan(
                torrent,
                (first, *others[:extra_seeders]),
                tuple(leechers),
                _by_key(rng, torrent.dht_keys, peers),
            )
        )
    return tuple(plans)


def _swarm_sizes(rng: random.Random, count: int) -> list[int]:
    """One size from each quantile of the power law, so that small worlds have a big swarm too."""
    low, high = (size**-_SIZE_EXPONENT for size in _SWARM_SIZES)
    shares = [(i + 0.5) / count for i in range(count)]
    sizes = [round((low + share * (high - low)) ** (-1 / _SIZE_EXPONENT)) for share in shares]
    rng.shuffle(sizes)
    return sizes


def draw_endpoint(rng: random.Random, taken: set[IPv4Address]) -> Endpoint:
    """A synthetic peer at an address that is not taken yet, and is then."""
    while True:
        if rng.random() < _UNMAPPED_SHARE:
            address = unmapped_address(rng)
        else:
            address = rng.choice(cities()).address(rng)
        if address not in taken and address.packed[1] != 0:
            taken.add(address)
            return Endpoint(address, rng.choice(_PORTS))


def _by_key(
    rng: random.Random, keys: Sequence[InfoHash], peers: Sequence[Endpoint]
) -> dict[InfoHash, tuple[Endpoint, ...]]:
    if len(keys) == 1:
        return {keys[0]: tuple(peers)}
    draws = [rng.random() for _ in peers]
    both_from = _HYBRID_FIRST_ONLY
    second_from = _HYBRID_FIRST_ONLY + _HYBRID_BOTH
    return {
        keys[0]: tuple(p for p, draw in zip(peers, draws, strict=True) if draw < second_from),
        keys[1]: tuple(p for p, draw in zip(peers, draws, strict=True) if draw >= both_from),
    }
