"""Harvest: the peers of one swarm as replies bring them, whose word they are, and how many miss.

A peer *stands* if nodes at two addresses name it, or one does that was tried and found honest.
A holder of a big swarm returns a random part of it with each reply. How much of the swarm has not
been seen at all is estimated after Good (1953), "The population frequencies of species and the
estimation of population parameters", Biometrika 40: the chance that the next peer named is a new
one is about the number of peers named exactly once over the number of namings.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from crawler.addresses import BogonFilter
from crawler.krpc import PEER_BYTES
from swarm.bloom import FILTER_BYTES
from swarm.census import Captures
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

_MAPPED = b"\x00" * 10 + b"\xff\xff"  # RFC 4291, 2.5.5.2: IPv4 in 16 bytes
_HOST_BYTES = 4


class _Word:
    """What one node has said of the swarm."""

    __slots__ = ("downloaders", "peers", "seeds", "seen_at_us")

    def __init__(self, peers: set[bytes], seen_at_us: int) -> None:
        self.peers = peers
        self.seen_at_us = seen_at_us  # when it first named somebody
        self.seeds = 0  # its filters of BEP 33, as numbers
        self.downloaders = 0


class Harvest:
    """Distinct peers, and who named them. Nodes go by compact address, votes by host."""

    def __init__(self) -> None:
        self._words: dict[bytes, _Word] = {}  # by address, in the order in which they came
        self._named: set[bytes] = set()
        self._confirmed: set[bytes] = set()  # named from two hosts
        self._named_once: set[bytes] = set()
        self._namings = 0

    def __len__(self) -> int:
        return len(self._named)

    def add(self, values: bytes, told_by: bytes, seen_at_us: int, bogons: BogonFilter) -> int:
        """Take in one reply's column of 6-byte peers; returns how many of them are new.

        `told_by` is the compact address of the node, `seen_at_us` the time in microseconds UTC.
        """
        named = {values[i : i + PEER_BYTES] for i in range(0, len(values), PEER_BYTES)}
        again = named & self._named
        new = named - again
        if new:
            new = {peer for peer in new if not bogons.is_bogus(peer)}
            self._named |= new
        self._named_once -= again
        self._named_once |= new
        self._namings += len(named)
        self._note(told_by, new | again, again - self._confirmed, seen_at_us)
        return len(new)

    def _note(
        self, told_by: bytes, named: set[bytes], doubted: set[bytes], seen_at_us: int
    ) -> None:
        """Keep a node's word; `doubted` are those of `named` that stood on one word until now."""
        if doubted:
            for other in self._of_host(told_by):
                doubted -= other.peers
            self._confirmed |= doubted
        word = self._words.get(told_by)
        if word is None:
            self._words[told_by] = _Word(named, seen_at_us)
        else:
            word.peers |= named

    def _of_host(self, address: bytes) -> list[_Word]:
        host = address[:_HOST_BYTES]
        return [word for told_by, word in self._words.items() if told_by[:_HOST_BYTES] == host]

    def add_filters(self, seeds: bytes, downloaders: bytes, told_by: bytes) -> None:
        """Take in a node's filters of BEP 33."""
        word = self._words.setdefault(told_by, _Word(set(), 0))
        word.seeds |= int.from_bytes(seeds)
        word.downloaders |= int.from_bytes(downloaders)

    def drop(self, liar: bytes) -> int:
        """Forget all that a node said; returns how many peers nobody else had named."""
        word = self._words.pop(liar, None)
        if word is None:
            return 0
        rest, before = self._words, len(self._named)
        self._words, self._namings = {}, 0
        self._named, self._confirmed, self._named_once = set(), set(), set()
        for told_by, other in rest.items():
            again = other.peers & self._named
            self._named |= other.peers
            self._named_once = (self._named_once | other.peers) - again
            self._namings += len(other.peers)
            self._note(told_by, other.peers, again, other.seen_at_us)
        self._words = rest
        return before - len(self._named)

    @property
    def told_by(self) -> list[bytes]:
        """The addresses of all whose word is in it."""
        return list(self._words)

    def alone(self) -> list[bytes]:
        """The addresses of those who named somebody whom no other host named."""
        confirmed = self._confirmed
        if len(confirmed) == len(self._named):
            return []
        return [told_by for told_by, word in self._words.items() if not word.peers <= confirmed]

    @property
    def unseen_share(self) -> float:
        """The estimated share of the swarm that no reply has named yet, 0 to 1."""
        return len(self._named_once) / self._namings if self._namings else 0.0

    def _standing(self, proven: AbstractSet[bytes]) -> set[bytes]:
        standing = set(self._confirmed)
        if len(standing) < len(self._named):
            for told_by in self._words.keys() & proven:
                standing |= self._words[told_by].peers
        return standing

    def columns(self, infohash: InfoHash, proven: AbstractSet[bytes]) -> SightingColumns:
        """The peers that stand, in the order in which they were first named.

        `proven` are the addresses of the nodes that were tried and found honest.
        """
        left = self._standing(proven)
        peers: list[bytes] = []
        told: list[bytes] = []
        times: list[bytes] = []
        for told_by, word in self._words.items():
            first = left & word.peers
            left -= first
            peers += first
            told += [_MAPPED + told_by] * len(first)
            times += [word.seen_at_us.to_bytes(8)] * len(first)
        return SightingColumns(
            infohash,
            Source.DHT,
            b"".join([_MAPPED + peer[:4] for peer in peers]),
            b"".join([peer[4:] for peer in peers]),
            b"".join(told),
            b"".join(times),
        )

    def captures(self, proven: AbstractSet[bytes]) -> Captures:
        """How many of the peers that stand each half of the holders named, and both halves did.

        Every second holder, in the order in which they first named anybody, is of one half.
        """
        standing = self._standing(proven)
        holders = [word.peers for word in self._words.values() if word.peers]
        first = standing & set().union(*holders[::2])
        second = standing & set().union(*holders[1::2])
        return Captures(len(first), len(second), len(first & second))

    def filters(self, proven: AbstractSet[bytes]) -> tuple[bytes, bytes] | None:
        """The united filters of seeds and of downloaders; None if no holder sent one.

        Those of a node whose word stands alone and was not tried are left out.
        """
        heard = [
            word
            for told_by, word in self._words.items()
            if (word.seeds or word.downloaders)
            and (told_by in proven or not word.peers or not word.peers.isdisjoint(self._confirmed))
        ]
        if not heard:
            return None
        seeds = downloaders = 0
        for word in heard:
            seeds |= word.seeds
            downloaders |= word.downloaders
        return seeds.to_bytes(FILTER_BYTES), downloaders.to_bytes(FILTER_BYTES)
