"""What the simulated nodes hold: who announced where, and for how long. Pure.

Two kinds of announcements: planted ones, put in when the world is made, which stay; and those of
real clients, which arrive as announce_peer and are forgotten after `LIFETIME_S`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import gcd

from swarm.bloom import bloom_of

MAX_VALUES = 100  # protocol practice: so many peers fit one datagram
# BEP 5 names no lifetime; clients announce again every 15 minutes, and one loss must not matter.
LIFETIME_S = 45 * 60.0

Filters = tuple[bytes, bytes]
"""BEP 33: the filter of the seeds, and that of the downloaders."""


@dataclass(slots=True)
class _Shelf:
    """What one node holds of one swarm."""

    planted: Sequence[bytes] = ()
    announced: dict[bytes, float] | None = None  # peer -> when it is forgotten
    peers: Sequence[bytes] = ()  # both, each peer once
    filters: Filters | None = None  # of `peers`; made when somebody asks

    def refresh(self, now: float) -> None:
        self.filters = None
        if not self.announced:
            self.peers = self.planted
            return
        self.announced = {peer: end for peer, end in self.announced.items() if end > now}
        standing = set(self.planted)
        self.peers = (*self.planted, *(p for p in self.announced if p not in standing))


@dataclass(slots=True)
class _Swarm:
    """All that stands for one key, by node; and who of them announced as a seeder."""

    shelves: dict[int, _Shelf] = field(default_factory=dict)
    seeds: set[bytes] = field(default_factory=set)
    asked: int = 0  # get_peers for it, at whatever node


class Holdings:
    """Announcements by key and node. Peers are compact, 6 or 18 bytes; times are in seconds."""

    def __init__(self, rng: random.Random, *, holder_misses: float = 0.0) -> None:
        """Of a key's planted peers each holder misses a share of `holder_misses`."""
        self._rng = rng
        self._holder_misses = holder_misses
        self._swarms: dict[bytes, _Swarm] = {}

    def plant(
        self, key: bytes, nodes: Sequence[int], peers: Sequence[bytes], *, seeds: int = 0
    ) -> None:
        """Put announcements in, as if they had come long ago; they are never forgotten.

        The first `seeds` of the peers are seeders. Whom every holder misses, nobody can find.
        """
        swarm = self._swarms.setdefault(key, _Swarm())
        distinct = tuple(dict.fromkeys(peers))
        swarm.seeds.update(peers[:seeds])
        for node, held in zip(nodes, self._deal(distinct, len(nodes)), strict=True):
            shelf = swarm.shelves.setdefault(node, _Shelf())
            shelf.planted = held
            shelf.refresh(now=0.0)

    def _deal(self, peers: tuple[bytes, ...], nodes: int) -> list[tuple[bytes, ...]]:
        """What of the peers each node holds."""
        if not self._holder_misses:
            return [peers] * nodes
        draw, misses = self._rng.random, self._holder_misses
        return [tuple(peer for peer in peers if draw() >= misses) for _ in range(nodes)]

    def announce(
        self, node: int, key: bytes, peer: bytes, now: float, *, is_seed: bool = False
    ) -> None:
        """A real client's announcement has arrived at a node."""
        swarm = self._swarms.setdefault(key, _Swarm())
        shelf = swarm.shelves.setdefault(node, _Shelf())
        if shelf.announced is None:
            shelf.announced = {}
        is_new = peer not in shelf.announced or (peer in swarm.seeds) != is_seed
        shelf.announced[peer] = now + LIFETIME_S
        if is_new:
            (swarm.seeds.add if is_seed else swarm.seeds.discard)(peer)
            shelf.refresh(now)

    def sample(self, node: int, key: bytes, now: float) -> Sequence[bytes]:
        """What the node tells an asker: all peers it holds, or a random hundred of them."""
        swarm = self._swarms.get(key)
        if swarm is None:
            return ()
        swarm.asked += 1
        shelf = self._standing(node, key, now)
        if shelf is None:
            return ()
        peers = shelf.peers
        return peers if len(peers) <= MAX_VALUES else self._hundred(peers)

    def filters(self, node: int, key: bytes, now: float) -> Filters | None:
        """What the node answers to `scrape` (BEP 33); None where it holds nothing of the swarm."""
        shelf = self._standing(node, key, now)
        if shelf is None or not shelf.peers:
            return None
        if shelf.filters is None:
            seeds = self._swarms[key].seeds
            shelf.filters = (
                bloom_of({peer[:-2] for peer in shelf.peers if peer in seeds}),
                bloom_of({peer[:-2] for peer in shelf.peers if peer not in seeds}),
            )
        return shelf.filters

    def _standing(self, node: int, key: bytes, now: float) -> _Shelf | None:
        swarm = self._swarms.get(key)
        shelf = swarm.shelves.get(node) if swarm else None
        if shelf and shelf.announced and min(shelf.announced.values()) <= now:
            shelf.refresh(now)
        return shelf

    def _hundred(self, peers: Sequence[bytes]) -> list[bytes]:
        """Each peer is as likely as any other, and pairs nearly so, ten times as fast as sample().

        A walk of random start and random step, prime to the length, meets no peer twice.
        """
        count = len(peers)
        start, step = self._rng.randrange(count), self._rng.randrange(1, count)
        while gcd(step, count) != 1:
            step = self._rng.randrange(1, count)
        stop = start + step * MAX_VALUES
        return [peers[at % count] for at in range(start, stop, step)]

    def asked(self) -> dict[bytes, int]:
        """How often each key of which anybody holds anything has been asked for."""
        return {key: swarm.asked for key, swarm in self._swarms.items()}

    def holders_of(self, key: bytes, now: float) -> dict[bytes, int]:
        """Every peer that stands anywhere for the key, and at how many nodes."""
        counts: dict[bytes, int] = {}
        swarm = self._swarms.get(key)
        for shelf in swarm.shelves.values() if swarm else ():
            shelf.refresh(now)
            for peer in shelf.peers:
                counts[peer] = counts.get(peer, 0) + 1
        return counts
