"""Harvest: the peers of one swarm as replies bring them, whose word they are, and how many miss.

A peer *stands* if nodes at two addresses name it, or one does that was tried and found honest.
A holder of a big swarm returns a random part of it with each reply. How much of the swarm has not
been seen at all is estimated after Good (1953), "The population frequencies of species and the
estimation of population parameters", Biometrika 40: the chance that the next peer named is a new
one is about the number of peers named exactly once over the number of namings.

Taking a reply in is a handful of operations on sets, which is what a crawl does most; what stands
is worked out when somebody wants to know, and kept until the next reply.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from itertools import chain

from crawler.addresses import BogonFilter
from crawler.family import IPV4, Family
from swarm.bloom import FILTER_BYTES
from swarm.census import Captures
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source


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

    def __init__(self, family: Family = IPV4) -> None:
        self._family = family
        self._vote_bytes = family.vote_bytes
        self._words: dict[bytes, _Word] = {}  # by address, in the order in which they came
        self._named: set[bytes] = set()
        self._named_once: set[bytes] = set()  # in one reply only
        self._namings = 0
        self._hosts: set[bytes] = set()  # who named anybody
        self._host_repeats = False  # whether any of them did so in several replies
        self._confirmed_peers: frozenset[bytes] | None = frozenset()  # None: to be worked out

    def __len__(self) -> int:
        return len(self._named)

    def add(
        self, peers: Iterable[bytes], told_by: bytes, seen_at_us: int, bogons: BogonFilter
    ) -> None:
        """Take in one reply's compact peers.

        `told_by` is the compact address of the node, `seen_at_us` the time in microseconds UTC.
        """
        named = set(peers)
        new = named - self._named if self._named else named.copy()
        if self._named_once:
            self._named_once -= named
        if new:
            bogus = bogons.among(new)
            if bogus:
                named -= bogus
                new -= bogus
            self._named |= new
            self._named_once |= new
        self._namings += len(named)
        host = told_by[: self._vote_bytes]
        if host in self._hosts:
            self._host_repeats = True
        else:
            self._hosts.add(host)
        word = self._words.get(told_by)
        if word is None:
            self._words[told_by] = _Word(named, seen_at_us)
        else:
            word.peers |= named
        self._confirmed_peers = None

    def add_filters(self, seeds: bytes, downloaders: bytes, told_by: bytes) -> None:
        """Take in a node's filters of BEP 33."""
        word = self._words.get(told_by)
        if word is None:
            word = self._words[told_by] = _Word(set(), 0)
        word.seeds |= int.from_bytes(seeds)
        word.downloaders |= int.from_bytes(downloaders)

    def drop(self, liar: bytes) -> int:
        """Forget all that a node said; returns how many peers nobody else had named."""
        if self._words.pop(liar, None) is None:
            return 0
        before = len(self._named)
        votes = Counter(chain.from_iterable(word.peers for word in self._words.values()))
        self._named = set(votes)
        self._named_once = {peer for peer, count in votes.items() if count == 1}
        self._namings = votes.total()
        self._confirmed_peers = None
        return before - len(self._named)

    @property
    def told_by(self) -> list[bytes]:
        """The addresses of all whose word is in it."""
        return list(self._words)

    @property
    def _confirmed(self) -> frozenset[bytes]:
        """The peers that two hosts have named."""
        if self._confirmed_peers is None:
            self._confirmed_peers = frozenset(
                self._named_by_two_hosts() if self._host_repeats else self._named - self._named_once
            )
        return self._confirmed_peers

    def _named_by_two_hosts(self) -> list[bytes]:
        width = self._vote_bytes
        hosts: dict[bytes, set[bytes]] = {}
        for told_by, word in self._words.items():
            host = told_by[:width]
            hosts[host] = hosts[host] | word.peers if host in hosts else word.peers
        votes = Counter(chain.from_iterable(hosts.values()))
        return [peer for peer, count in votes.items() if count > 1]

    def alone(self) -> list[bytes]:
        """The addresses of those who named somebody whom no other host named."""
        if not self._host_repeats and not self._named_once:
            return []
        confirmed = self._confirmed
        if len(confirmed) == len(self._named):
            return []
        return [told_by for told_by, word in self._words.items() if not word.peers <= confirmed]

    @property
    def unseen_share(self) -> float:
        """The estimated share of the swarm that no reply has named yet, 0 to 1."""
        return len(self._named_once) / self._namings if self._namings else 0.0

    def _standing(self, proven: AbstractSet[bytes]) -> AbstractSet[bytes]:
        confirmed = self._confirmed
        if len(confirmed) == len(self._named):
            return confirmed
        tried = self._words.keys() & proven
        return confirmed.union(*[self._words[told_by].peers for told_by in tried])

    def columns(self, infohash: InfoHash, proven: AbstractSet[bytes]) -> SightingColumns:
        """The peers that stand, in the order in which they were first named.

        `proven` are the addresses of the nodes that were tried and found honest.
        """
        family = self._family
        mapping, width = family.mapping, family.address_bytes
        left = set(self._standing(proven))
        peers: list[bytes] = []
        told: list[bytes] = []
        times: list[bytes] = []
        for told_by, word in self._words.items():
            first = left & word.peers
            if not first:
                continue
            left -= first
            peers += first
            told.append((mapping + told_by) * len(first))
            times.append(word.seen_at_us.to_bytes(8) * len(first))
            if not left:
                break
        return SightingColumns(
            infohash,
            Source.DHT,
            mapping + mapping.join([peer[:width] for peer in peers]) if peers else b"",
            b"".join([peer[width:] for peer in peers]),
            b"".join(told),
            b"".join(times),
        )

    def captures(self, proven: AbstractSet[bytes]) -> Captures:
        """How many of the peers that stand each half of the holders named, and both halves did.

        Every second holder, in the order in which they first named anybody, is of one half.
        """
        holders = [word.peers for word in self._words.values() if word.peers]
        if not holders:
            return Captures()
        standing = self._standing(proven)
        first = set[bytes]().union(*holders[::2])
        second = set[bytes]().union(*holders[1::2])
        if len(standing) == len(self._named):  # nearly always: no need to pick them out
            return Captures(len(first), len(second), len(first) + len(second) - len(standing))
        first &= standing
        second &= standing
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
