"""What the simulated nodes hold: who announced where, and for how long. Pure.

Two kinds of announcements: planted ones, put in when the world is made, which stay; and those of
real clients, which arrive as announce_peer and are forgotten after `LIFETIME_S`.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import gcd

MAX_VALUES = 100  # protocol practice: so many peers fit one datagram
# BEP 5 names no lifetime; clients announce again every 15 minutes, and one loss must not matter.
LIFETIME_S = 45 * 60.0


@dataclass(slots=True)
class _Shelf:
    """What one node holds of one swarm."""

    planted: Sequence[bytes] = ()
    announced: dict[bytes, float] = field(default_factory=dict)  # peer -> when it is forgotten
    peers: Sequence[bytes] = ()  # both, each peer once

    def refresh(self, now: float) -> None:
        self.announced = {peer: end for peer, end in self.announced.items() if end > now}
        standing = set(self.planted)
        self.peers = (*self.planted, *(p for p in self.announced if p not in standing))


class Holdings:
    """Announcements by (node, key). Peers are 6-byte compact endpoints; times are in seconds."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._shelves: dict[tuple[int, bytes], _Shelf] = {}
        self._nodes_by_key: dict[bytes, set[int]] = {}

    def plant(self, key: bytes, nodes: Iterable[int], peers: Sequence[bytes]) -> None:
        """Put announcements in, as if they had come long ago; they are never forgotten."""
        shared = tuple(dict.fromkeys(peers))
        for node in nodes:
            shelf = self._shelf(node, key)
            shelf.planted = shared
            shelf.refresh(now=0.0)

    def announce(self, node: int, key: bytes, peer: bytes, now: float) -> None:
        """A real client's announcement has arrived at a node."""
        shelf = self._shelf(node, key)
        is_new = peer not in shelf.announced
        shelf.announced[peer] = now + LIFETIME_S
        if is_new:
            shelf.refresh(now)

    def sample(self, node: int, key: bytes, now: float) -> Sequence[bytes]:
        """What the node tells an asker: all peers it holds, or a random hundred of them."""
        shelf = self._shelves.get((node, key))
        if shelf is None:
            return ()
        if shelf.announced and min(shelf.announced.values()) <= now:
            shelf.refresh(now)
        peers = shelf.peers
        return peers if len(peers) <= MAX_VALUES else self._hundred(peers)

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

    def holders_of(self, key: bytes, now: float) -> dict[bytes, int]:
        """Every peer that stands anywhere for the key, and at how many nodes."""
        counts: dict[bytes, int] = {}
        for node in self._nodes_by_key.get(key, ()):
            shelf = self._shelves[node, key]
            shelf.refresh(now)
            for peer in shelf.peers:
                counts[peer] = counts.get(peer, 0) + 1
        return counts

    def _shelf(self, node: int, key: bytes) -> _Shelf:
        self._nodes_by_key.setdefault(key, set()).add(node)
        return self._shelves.setdefault((node, key), _Shelf())
