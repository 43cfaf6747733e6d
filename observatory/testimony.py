"""Testimony: what each source says of each swarm, until all have spoken. Pure bookkeeping.

Trackers speak first, then the DHT, then the peers themselves, who are visited as soon as somebody
names them. A swarm is whole when its lookup has ended and everybody who was named has been visited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from swarm.census import SwarmCensus
from swarm.endpoint import Endpoint, address_to_packed16
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome
from swarm.visit import PeerVisit


@dataclass(frozen=True, slots=True)
class SwarmFinding:
    """All that a run learned of one swarm."""

    number: int
    census: SwarmCensus
    answers: tuple[TrackerAnswer, ...] = ()
    visits: tuple[PeerVisit, ...] = ()

    @property
    def sightings(self) -> list[SightingColumns]:
        """Of every source that named anybody; a peer may stand in several."""
        told = [answer.sightings for answer in self.answers] + [v.peers for v in self.visits]
        return [self.census.sightings, *[columns for columns in told if columns is not None]]

    @property
    def peers(self) -> int:
        """Distinct peers over all sources."""
        first, *others = self.sightings
        if not others:
            return len(first)
        return len(set(first.endpoints).union(*(columns.endpoints for columns in others)))

    @property
    def named_by_trackers(self) -> bool:
        """Whether a tracker answered an announce, which is how one is asked for peers."""
        return any(
            answer.action is TrackerAction.ANNOUNCE and answer.outcome is TrackerOutcome.ANSWERED
            for answer in self.answers
        )


@dataclass(slots=True)
class _Pending:
    """A swarm that is not whole yet."""

    census: SwarmCensus | None = None
    answers: list[TrackerAnswer] = field(default_factory=list)
    visits: list[PeerVisit] = field(default_factory=list)
    unvisited: set[bytes] = field(default_factory=set)  # named, address16 + port2
    named: set[bytes] = field(default_factory=set)

    def finding(self, number: int, census: SwarmCensus) -> SwarmFinding:
        return SwarmFinding(number, census, tuple(self.answers), tuple(self.visits))


class SwarmTestimony:
    """Holds what is known of each swarm, and gives it out once, when it is whole."""

    def __init__(self, numbers: Mapping[InfoHash, int], *, visiting: bool) -> None:
        """Take the number of the swarm of each DHT key; `visiting`: a swarm awaits its visits."""
        self._numbers = numbers
        self._visiting = visiting
        self._pending: dict[int, _Pending] = {}

    @property
    def peers(self) -> int:
        """Peers of swarms that wait for visits, as far as they are known."""
        return sum(len(pending.named) for pending in self._pending.values())

    @property
    def waiting(self) -> int:
        """Swarms whose lookup has ended and which wait for visits."""
        return sum(pending.census is not None for pending in self._pending.values())

    def hear(self, answer: TrackerAnswer) -> None:
        """Take a tracker's answer."""
        self._of(answer.infohash).answers.append(answer)

    def told_by_trackers(self) -> list[SightingColumns]:
        """Whom trackers have named in swarms that are not whole."""
        answers = [answer for pending in self._pending.values() for answer in pending.answers]
        return [answer.sightings for answer in answers if answer.sightings is not None]

    def to_visit(self, columns: SightingColumns) -> list[Endpoint]:
        """Of the peers that somebody named, those that no source had named in their swarm."""
        pending = self._of(columns.infohash)
        fresh = []
        for sighting, packed in zip(columns, columns.endpoints, strict=True):
            if packed not in pending.named:
                pending.named.add(packed)
                pending.unvisited.add(packed)
                fresh.append(sighting.peer)
        return fresh

    def count(self, number: int, census: SwarmCensus) -> list[SwarmFinding]:
        """Take a swarm's whole census; returns the swarm if nothing more is to come."""
        pending = self._pending.setdefault(number, _Pending())
        pending.census = census
        return self._whole(number)

    def visit(self, row: PeerVisit) -> list[SwarmFinding]:
        """Take a visit; returns its swarm if that was the last one."""
        number = self._numbers[row.infohash]
        pending = self._pending.get(number)
        if pending is None:  # it was given out before, at the end of a run that was cut short
            return []
        pending.visits.append(row)
        followed = set(map(_packed, row.follows))  # the visitor goes there by itself
        pending.unvisited |= followed - pending.named
        pending.named |= followed
        pending.unvisited.discard(_packed(row.peer))
        return self._whole(number)

    def leftovers(self, halves: Iterable[tuple[int, SwarmCensus]] = ()) -> list[SwarmFinding]:
        """Every swarm whose lookup has ended, with the visits that came in time.

        `halves` are the censuses of hybrids whose other lookup never ended. A swarm that was not
        looked up is not among them: it will be asked again.
        """
        for number, census in halves:
            self._pending.setdefault(number, _Pending()).census = census
        pending, self._pending = self._pending, {}
        return [
            each.finding(number, each.census)
            for number, each in pending.items()
            if each.census is not None
        ]

    def _of(self, infohash: InfoHash) -> _Pending:
        return self._pending.setdefault(self._numbers[infohash], _Pending())

    def _whole(self, number: int) -> list[SwarmFinding]:
        pending = self._pending[number]
        if pending.census is None or (self._visiting and pending.unvisited):
            return []
        del self._pending[number]
        return [pending.finding(number, pending.census)]


def _packed(peer: Endpoint) -> bytes:
    return address_to_packed16(peer.address) + peer.port.to_bytes(2)
