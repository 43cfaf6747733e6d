"""Candidates: the contacts of one lookup by their distance from its key, and what became of them.

Decides whom to ask next while the lookup converges, and whether it has: the closest k that have a
voice have all answered. A node has a voice if its id agrees with its address (BEP 42), and all
nodes of a host have one together.

Each contact is an object that keeps its distance, state and voter: a crawl walks over them all the
time, and would otherwise look each of these up anew.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable
from typing import Final

from crawler.bep42 import id_agrees
from crawler.family import ID_BYTES

CLOSEST: Final = 8  # BEP 5's k: on how many nodes a peer announces itself
VOICELESS: Final = 8  # so many without a voice are asked before the search may end

_REMEMBERED: Final = 64  # those further away than so many cannot matter
_KEY_SPACE: Final = float(1 << 160)

_number: Final = int.from_bytes  # found once: to look it up costs as much as the call

# What has become of a candidate.
_UNASKED: Final = 0
_IN_FLIGHT: Final = 1
_ANSWERED: Final = 2
_SILENT: Final = 3


class Candidate:
    """One contact, as one lookup sees it."""

    __slots__ = ("_is_weighed", "_vote_end", "_voter", "contact", "distance", "state")

    def __init__(self, contact: bytes, distance: int, vote_end: int) -> None:
        self.contact = contact
        self.distance = distance
        self.state = _UNASKED
        self._vote_end = vote_end
        self._is_weighed = False
        self._voter: bytes | None = None

    def voter(self) -> bytes | None:
        """The host, or network, that has its vote; None if its id forfeits it (BEP 42)."""
        if not self._is_weighed:  # most never come to the front, where it matters
            self._is_weighed = True
            if id_agrees(self.contact):
                self._voter = self.contact[ID_BYTES : self._vote_end]
        return self._voter


class Candidates:
    """The contacts that one lookup has been offered, closest first."""

    def __init__(self, key: bytes, vote_end: int) -> None:
        """`vote_end` is where in a contact the part of its address ends that has one vote."""
        self.known: dict[bytes, Candidate] = {}  # the silent too
        self.silent = 0
        self.in_flight = 0
        self._key = int.from_bytes(key)
        self._vote_end = vote_end
        # By distance, without the silent; two lists, since a search in one of numbers is fastest.
        self._ranked: list[Candidate] = []
        self._distances: list[int] = []
        # The first so many have answered: who of them voted, how many had no voice.
        self._settled = 0
        self._settled_voters: set[bytes] = set()
        self._settled_voiceless = 0

    def offer(self, contacts: Iterable[bytes]) -> None:
        """Take in contacts that are not known to be bad."""
        known, key = self.known, self._key
        for contact in contacts:
            if contact not in known:
                self._take_in(contact, _number(contact[:ID_BYTES]) ^ key)

    def offer_ranked(self, ranked: Iterable[tuple[int, bytes]]) -> None:
        """Take in contacts that are not known to be bad, each behind its distance from the key."""
        known = self.known
        for distance, contact in ranked:
            if contact not in known:
                self._take_in(contact, distance)

    def _take_in(self, contact: bytes, distance: int) -> None:
        distances = self._distances
        if len(distances) >= _REMEMBERED:
            if distance > distances[-1]:
                return
            distances.pop()
            furthest = self._ranked.pop()
            if furthest.state == _UNASKED:
                del self.known[furthest.contact]
        self._insert(Candidate(contact, distance, self._vote_end))

    def _insert(self, candidate: Candidate) -> None:
        self.known[candidate.contact] = candidate
        distances, distance = self._distances, candidate.distance
        if not distances or distance >= distances[-1]:
            distances.append(distance)
            self._ranked.append(candidate)
            return
        at = bisect_right(distances, distance)
        distances.insert(at, distance)
        self._ranked.insert(at, candidate)
        if at < self._settled:
            self._unsettle()

    def _discard(self, candidate: Candidate) -> None:
        at = bisect_left(self._distances, candidate.distance)
        while at < len(self._ranked) and self._distances[at] == candidate.distance:
            if self._ranked[at] is candidate:
                del self._ranked[at], self._distances[at]
                if at < self._settled:
                    self._unsettle()
                return
            at += 1  # the same id at two addresses
        # Else it was too far away to be remembered.

    def _unsettle(self) -> None:
        self._settled = self._settled_voiceless = 0
        self._settled_voters.clear()

    def is_settled(self) -> bool:
        """Whether the closest, up to so many with a vote each as matter, have all answered.

        What it has walked over it does not walk over again, unless somebody closer turns up.
        """
        ranked, voters = self._ranked, self._settled_voters
        at = self._settled
        while len(voters) < CLOSEST and at < len(ranked):
            candidate = ranked[at]
            if candidate.state != _ANSWERED:
                break
            voter = candidate.voter()
            if voter is None or voter in voters:
                self._settled_voiceless += 1
            else:
                voters.add(voter)
            at += 1
        self._settled = at
        return len(voters) >= CLOSEST

    @property
    def settled_to(self) -> int:
        """How far the furthest is of the closest that have all answered; -1 if there is none."""
        return self._distances[self._settled - 1] if self._settled else -1

    def seek(self, bad: Container[bytes]) -> bytes | None:
        """The closest contact that is still to be asked, if it matters; the bad ones go out.

        Begins where `is_settled` has stopped.
        """
        ranked, settled = self._ranked, self._settled_voters
        voters: set[bytes] = set()
        votes, voiceless, at = len(settled), self._settled_voiceless, self._settled
        while at < len(ranked):
            candidate = ranked[at]
            voter = candidate.voter()
            if voter is None or voter in settled or voter in voters:
                voter = None
                voiceless += 1
                if voiceless > VOICELESS:
                    at += 1
                    continue
            elif votes == CLOSEST:
                break
            if candidate.state == _UNASKED:
                if candidate.contact not in bad:
                    return candidate.contact
                del ranked[at], self._distances[at], self.known[candidate.contact]
                continue
            if voter is not None:
                voters.add(voter)
                votes += 1
            at += 1
        return None

    def has_converged(self) -> bool:
        """Whether nobody is left to be asked or to be waited for."""
        return self.is_settled() or (self.in_flight == 0 and self.seek(()) is None)

    def asked(self, contact: bytes) -> bool:
        """Note that a contact is asked; False if it has answered before: that is another matter."""
        candidate = self.known[contact]
        if candidate.state == _ANSWERED:
            return False
        candidate.state = _IN_FLIGHT
        self.in_flight += 1
        return True

    def answered(self, contact: bytes) -> None:
        """Note an answer; late ones, and those of contacts never offered, count too."""
        candidate = self.known.get(contact)
        if candidate is None:
            distance = _number(contact[:ID_BYTES]) ^ self._key
            candidate = Candidate(contact, distance, self._vote_end)
            self._insert(candidate)
        elif candidate.state == _IN_FLIGHT:
            self.in_flight -= 1
        elif candidate.state == _SILENT:
            self.silent -= 1
            self._insert(candidate)
        candidate.state = _ANSWERED

    def failed(self, contact: bytes) -> None:
        """Note that a contact that was asked kept silent, or is of no use."""
        candidate = self.known.get(contact)
        if candidate is not None and candidate.state == _IN_FLIGHT:
            self.in_flight -= 1
            self._put_out(candidate)

    def disown(self, contact: bytes) -> None:
        """Treat a contact that answered as if it had kept silent."""
        candidate = self.known.get(contact)
        if candidate is not None and candidate.state == _ANSWERED:
            self._put_out(candidate)

    def _put_out(self, candidate: Candidate) -> None:
        candidate.state = _SILENT
        self.silent += 1
        self._discard(candidate)

    def nearest(self, count: int) -> set[bytes]:
        """The closest so many that are not silent."""
        return {candidate.contact for candidate in self._ranked[:count]}

    def is_among(self, contact: bytes, count: int) -> bool:
        """Whether a contact is one of the closest so many that are not silent."""
        return contact in [candidate.contact for candidate in self._ranked[:count]]

    def reach(self) -> float | None:
        """The share of the key space that lies as near as the eighth closest live node."""
        live = 0
        for candidate in self._ranked:
            if candidate.state == _ANSWERED and candidate.voter() is not None:
                live += 1
                if live == CLOSEST:
                    return candidate.distance / _KEY_SPACE
        return None
