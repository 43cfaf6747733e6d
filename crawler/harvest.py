"""Harvest: the peers of one swarm as replies bring them, whose word they are, and how many miss.

A peer *stands* if nodes at two addresses name it, or one does that was tried and found honest.
A holder of a big swarm returns a random part of it with each reply. How much of the swarm has not
been seen at all is estimated after Good (1953), "The population frequencies of species and the
estimation of population parameters", Biometrika 40: the chance that the next peer named is a new
one is about the number of peers named exactly once over the number of namings.

What is kept of a reply is a bit for each peer that it named: a crawl has thousands of lookups under
way, and sets of what each of their nodes said would be most of its memory, and of its waiting for
memory. The bits stand in a list, since to find a peer is what taking a reply in costs, and so it is
done once. What stands is worked out when somebody wants to know.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from crawler.addresses import BogonFilter
from crawler.family import IPV4, Family
from swarm.bloom import FILTER_BYTES
from swarm.census import Captures
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

# The lowest bit of a peer's votes says that two replies or more have named it; the others are one
# for each node that did, in the order in which the nodes first spoke.
_AGAIN: Final = 1


class _Teller:
    """One node, and what it has said beside the names of peers."""

    __slots__ = ("bit", "downloaders", "has_named", "seeds", "seen_at_us")

    def __init__(self, bit: int) -> None:
        self.bit = bit
        self.has_named = False
        self.seen_at_us = 0  # when it first named somebody
        self.seeds = 0  # its filters of BEP 33, as numbers
        self.downloaders = 0


class Harvest:
    """Distinct peers, and who named them. Nodes go by compact address, votes by host."""

    def __init__(self, family: Family = IPV4) -> None:
        self._family = family
        self._vote_bytes = family.vote_bytes
        self._tellers: dict[bytes, _Teller] = {}  # by address, in the order in which they came
        self._next_bit = _AGAIN << 1
        self._places: dict[bytes, int] = {}  # peers, and where they stand in the two lists
        self._votes: list[int] = []  # in the order in which they were first named
        self._last_reply: list[int] = []  # the number of the reply that named them last
        self._replies = 0
        self._named_once = 0  # peers in one reply only
        self._namings = 0
        self._host_bits: dict[bytes, int] = {}  # of all nodes of a host
        self._has_shared_hosts = False  # whether any host has two nodes that spoke
        self._alone_kept: set[int] | None = set()  # None: to be worked out

    def __len__(self) -> int:
        return len(self._places)

    def add(
        self, peers: Iterable[bytes], told_by: bytes, seen_at_us: int, bogons: BogonFilter
    ) -> None:
        """Take in one reply's compact peers.

        `told_by` is the compact address of the node, `seen_at_us` the time in microseconds UTC.
        """
        teller = self._teller(told_by)
        places, votes, last_reply = self._places, self._votes, self._last_reply
        self._replies += 1
        reply, bit = self._replies, teller.bit
        namings = new = confirmed = 0
        for peer in peers:
            place = places.get(peer)
            if place is None:
                if bogons.is_bogus(peer):
                    continue
                places[peer] = len(votes)
                votes.append(bit)
                last_reply.append(reply)
                new += 1
            elif last_reply[place] == reply:
                continue  # named twice in one breath
            else:
                last_reply[place] = reply
                vote = votes[place]
                confirmed += not vote & _AGAIN
                votes[place] = vote | bit | _AGAIN
            namings += 1
        self._named_once += new - confirmed
        self._namings += namings
        if namings and not teller.has_named:
            teller.has_named = True
            teller.seen_at_us = seen_at_us
        self._alone_kept = None

    def _teller(self, told_by: bytes) -> _Teller:
        teller = self._tellers.get(told_by)
        if teller is None:
            host = told_by[: self._vote_bytes]
            teller = self._tellers[told_by] = _Teller(self._next_bit)
            self._next_bit <<= 1
            before = self._host_bits.get(host, 0)
            self._host_bits[host] = before | teller.bit
            if before:
                self._has_shared_hosts = True
        return teller

    def add_filters(self, seeds: bytes, downloaders: bytes, told_by: bytes) -> None:
        """Take in a node's filters of BEP 33."""
        teller = self._teller(told_by)
        teller.seeds |= int.from_bytes(seeds)
        teller.downloaders |= int.from_bytes(downloaders)

    def drop(self, liar: bytes) -> int:
        """Forget all that a node said; returns how many peers nobody else had named."""
        teller = self._tellers.pop(liar, None)
        if teller is None:
            return 0
        before, others = len(self._places), ~(teller.bit | _AGAIN)
        places, votes, last_reply = dict[bytes, int](), list[int](), list[int]()
        self._named_once = self._namings = 0
        for peer, place in self._places.items():
            left = self._votes[place] & others
            count = left.bit_count()
            if count == 0:
                continue
            if count == 1:
                self._named_once += 1
            else:
                left |= _AGAIN
            self._namings += count
            places[peer] = len(votes)
            votes.append(left)
            last_reply.append(self._last_reply[place])
        self._places, self._votes, self._last_reply = places, votes, last_reply
        self._alone_kept = None
        return before - len(places)

    @property
    def told_by(self) -> list[bytes]:
        """The addresses of all whose word is in it."""
        return list(self._tellers)

    def _alone(self) -> set[int]:
        """The places of the peers that one host alone has named."""
        if self._alone_kept is None:
            self._alone_kept = self._find_alone()
        return self._alone_kept

    def _find_alone(self) -> set[int]:
        hosts: list[int] = []
        if self._has_shared_hosts:
            hosts = [bits for bits in self._host_bits.values() if bits & (bits - 1)]
        alone = set[int]()
        for place, vote in enumerate(self._votes):
            bits = vote & ~_AGAIN
            if bits & (bits - 1) == 0 or (hosts and _is_of_one(bits, hosts)):
                alone.add(place)
        return alone

    def alone(self) -> list[bytes]:
        """The addresses of those who named somebody whom no other host named."""
        tellers = 0
        for place in self._alone():
            tellers |= self._votes[place]
        if not tellers:
            return []
        return [told_by for told_by, teller in self._tellers.items() if teller.bit & tellers]

    @property
    def unseen_share(self) -> float:
        """The estimated share of the swarm that no reply has named yet, 0 to 1."""
        return self._named_once / self._namings if self._namings else 0.0

    def _fallen(self, proven: AbstractSet[bytes]) -> set[int]:
        """The places of the peers that do not stand: nearly always none."""
        alone, votes = self._alone(), self._votes
        if not alone:
            return alone
        honest = 0
        for told_by, teller in self._tellers.items():
            if told_by in proven:
                honest |= teller.bit
        return {place for place in alone if not votes[place] & honest}

    def columns(self, infohash: InfoHash, proven: AbstractSet[bytes]) -> SightingColumns:
        """The peers that stand, by the first node that named them, in the order of these.

        `proven` are the addresses of the nodes that were tried and found honest.
        """
        family = self._family
        mapping, width = family.mapping, family.address_bytes
        first_named: dict[int, list[bytes]] = {teller.bit: [] for teller in self._tellers.values()}
        votes, fallen = self._votes, self._fallen(proven)
        for peer, place in self._places.items():
            if place not in fallen:
                bits = votes[place] & ~_AGAIN
                first_named[bits & -bits].append(peer)
        peers: list[bytes] = []
        told: list[bytes] = []
        times: list[bytes] = []
        for told_by, teller in self._tellers.items():
            first = first_named[teller.bit]
            if first:
                peers += first
                told.append((mapping + told_by) * len(first))
                times.append(teller.seen_at_us.to_bytes(8) * len(first))
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
        halves = [0, 0]
        holders = [teller.bit for teller in self._tellers.values() if teller.has_named]
        for number, bit in enumerate(holders):
            halves[number % 2] |= bit
        first, second = halves
        by_first = by_second = by_both = 0
        fallen = self._fallen(proven)
        for place, vote in enumerate(self._votes):
            if place in fallen:
                continue
            if vote & first:
                by_first += 1
                if vote & second:
                    by_both += 1
            if vote & second:
                by_second += 1
        return Captures(by_first, by_second, by_both)

    def filters(self, proven: AbstractSet[bytes]) -> tuple[bytes, bytes] | None:
        """The united filters of seeds and of downloaders; None if no holder sent one.

        Those of a node whose word stands alone and was not tried are left out.
        """
        senders = [
            (told_by, teller)
            for told_by, teller in self._tellers.items()
            if teller.seeds or teller.downloaders
        ]
        if not senders:
            return None
        confirmed = 0  # by whom any peer that two hosts named
        alone = self._alone()
        for place, vote in enumerate(self._votes):
            if place not in alone:
                confirmed |= vote
        heard = [
            teller
            for told_by, teller in senders
            if told_by in proven or not teller.has_named or teller.bit & confirmed
        ]
        if not heard:
            return None
        seeds = downloaders = 0
        for teller in heard:
            seeds |= teller.seeds
            downloaders |= teller.downloaders
        return seeds.to_bytes(FILTER_BYTES), downloaders.to_bytes(FILTER_BYTES)


def _is_of_one(bits: int, hosts: list[int]) -> bool:
    """Whether all votes are of nodes of one of these hosts."""
    for host in hosts:  # noqa: SIM110 - a generator is slow when compiled
        if bits & ~host == 0:
            return True
    return False
