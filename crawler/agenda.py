"""Agenda: which lookups of a process are under way, and which of them asks whom next.

The sorted infohashes are cut into strips, and each strip is served in order: a lookup starts among
the nodes that its neighbour has just met, and lookups of different strips do not crowd upon the
same nodes. A lookup that can ask somebody comes before one that has not begun: so few are under way
when the packet rate is the limit, and many when the round trip is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

from crawler.addresses import socket_address_of
from crawler.family import ID_BYTES, IPV4, Family
from crawler.honesty import INFOHASHES_PER_CONTROL, Honesty
from crawler.lookup import PARALLEL, Lookup
from crawler.node_table import NodeTable
from crawler.outstanding import Question
from swarm.census import CensusState, SwarmCensus
from swarm.infohash import InfoHash

# Few lookups run until some nodes are known, or all would crowd upon the bootstrap nodes.
_FIRST_LOOKUPS: Final = 4
_NODES_PER_LOOKUP: Final = 1
# The first lookup of a strip finds its way from afar, which costs it as much again as the others:
# so a strip is long, and there are no more of them than spread the first few hundred lookups.
_LEAST_STRIP: Final = 64
_MOST_STRIPS: Final = 64
# While so many are under way and others wait to begin, each asks one node at a time: it knows most
# before it asks, and what time it takes the others use.
_CROWD: Final = 32


class Agenda:
    """All lookups of a process, from waiting to ended."""

    def __init__(
        self,
        infohashes: Iterable[InfoHash],
        table: NodeTable,
        honesty: Honesty,
        *,
        max_lookups: int,
        family: Family = IPV4,
    ) -> None:
        keys = set(infohashes)
        count = len(keys) // INFOHASHES_PER_CONTROL
        self._controls = {InfoHash(honesty.control_key()) for _ in range(count)} - keys
        self._strips = _strips(sorted(keys | self._controls))  # none is empty
        self._table = table
        self._honesty = honesty
        self._family = family
        self.peers = 0  # of lookups that have ended
        self.peers_dropped = 0
        self._max_lookups = max_lookups
        self._active: set[Lookup] = set()
        self._queue: deque[Lookup] = deque()  # those that may have somebody to ask
        self._postponed: list[tuple[float, int, Question]] = []  # heap by time
        self._postponements = 0  # breaks ties in the heap
        self._finished: list[SwarmCensus] = []

    @property
    def done(self) -> bool:
        """Whether every lookup has ended."""
        return not self._strips and not self._active

    @property
    def idle(self) -> bool:
        """Whether no lookup is under way."""
        return not self._active

    @property
    def next_key(self) -> bytes | None:
        """The key of the lookup that begins next."""
        return self._strips[0][0].digest if self._strips else None

    @property
    def next_postponed(self) -> float | None:
        """When a question that was postponed is due next."""
        return self._postponed[0][0] if self._postponed else None

    def finished(self) -> list[SwarmCensus]:
        """The lookups that have ended since the last call."""
        finished, self._finished = self._finished, []
        return finished

    def stop(self) -> None:
        """End all lookups where they stand; those not begun end too, with nothing."""
        for lookup in self._active:
            self._disown_liars(lookup)
            self._finish(lookup, CensusState.TIMEOUT)
        self._active.clear()
        for strip in self._strips:
            for key in strip:
                self._finish(self._make_lookup(key), CensusState.TIMEOUT)
        self._strips.clear()

    def _make_lookup(self, key: InfoHash) -> Lookup:
        return Lookup(
            key, self._honesty.proven, is_control=key in self._controls, family=self._family
        )

    def _finish(self, lookup: Lookup, state: CensusState | None = None) -> None:
        census = lookup.end(state)
        self.peers_dropped += lookup.peers_dropped
        if not lookup.is_control:
            self.peers += len(census.sightings)
            self._finished.append(census)

    def wake(self, lookup: Lookup) -> None:
        """Note that a lookup has heard something, and may have somebody to ask."""
        if not lookup.queued and lookup.ended is None:
            lookup.queued = True
            self._queue.append(lookup)

    def sent(self, question: Question) -> None:
        """Note that what `next_question` gave is sent now."""
        lookup, contact = question.lookup, question.contact
        if lookup is None or contact is None:
            return
        lookup.asked(contact)
        if not lookup.is_busy:
            self.wake(lookup)

    def postpone(self, question: Question, until: float) -> None:
        """Put off what `next_question` gave, since its address must not be asked yet.

        A lookup chooses anew when the time has come, or when it hears something before.
        """
        self._postponements += 1
        heappush(self._postponed, (until, self._postponements, question))

    def next_question(self, now: float) -> Question | None:
        """What to ask now, to be followed by `sent` or `postpone`; None if every lookup waits."""
        while self._postponed and self._postponed[0][0] <= now:
            question = heappop(self._postponed)[2]
            lookup = question.lookup
            if lookup is None:
                return question
            if lookup.ended is None:
                # Its neighbours have met others meanwhile: many that wait for one node need not.
                self._offer_closer(lookup)
                self.wake(lookup)
        contact = self._honesty.next_trial()
        if contact is not None:
            return Question(socket_address_of(contact), contact, None, now)
        while self._queue or self._begin_lookup():
            question_of_first = self._question_of_first(now)
            if question_of_first is not None:
                return question_of_first
        return None

    def _question_of_first(self, now: float) -> Question | None:
        """What the first lookup of the queue asks; it leaves the queue."""
        lookup = self._queue.popleft()
        lookup.queued = False
        is_crowded = self._strips and len(self._active) >= _CROWD
        lookup.parallel = 1 if is_crowded else PARALLEL
        contact = self._next_contact(lookup)
        if contact is None:
            if lookup.in_flight == 0:
                self._active.discard(lookup)
                self._finish(lookup)
            return None
        return Question(socket_address_of(contact), contact, lookup, now)

    def _next_contact(self, lookup: Lookup) -> bytes | None:
        bad = self._table.bad
        contact = lookup.next_contact(bad)
        while contact is None and lookup.in_flight == 0:
            # About to end. Its neighbours may have met closer nodes since it began.
            self._offer_closer(lookup)
            contact = lookup.next_contact(bad)
            if contact is not None or self._examine(lookup):
                break
            contact = lookup.next_contact(bad)
        return contact

    def _offer_closer(self, lookup: Lookup) -> None:
        """Offer all known nodes that could be closer than those with which a lookup would end."""
        distance = lookup.settled_to
        if distance is not None:
            lookup.offer(self._table.within(lookup.key, distance))
        else:
            lookup.offer_ranked(self._table.closest(lookup.key, lookup.width))

    def _examine(self, lookup: Lookup) -> bool:
        """Whether a lookup may end as it stands; else it waits for verdicts, or looks on."""
        disowned = self._disown_liars(lookup)
        doubtful = [c for c in lookup.suspects() if not self._honesty.is_judged(c[ID_BYTES:])]
        for contact in doubtful:
            self._honesty.try_for(lookup, contact)
        if disowned or doubtful:
            return False
        return not lookup.examined()

    def _disown_liars(self, lookup: Lookup) -> bool:
        if not self._honesty.liars:
            return False
        liars = self._honesty.liars.intersection(lookup.tellers)
        for address in liars:
            lookup.disown(address)
        return bool(liars)

    def _begin_lookup(self) -> bool:
        """Begin the next infohash, if any may begin now."""
        nodes = self._table.verified
        allowed = min(self._max_lookups, _FIRST_LOOKUPS + nodes // _NODES_PER_LOOKUP)
        if not self._strips or not nodes or len(self._active) >= allowed:
            return False
        strip = self._strips[0]
        lookup = self._make_lookup(strip.popleft())
        if strip:
            self._strips.rotate(-1)
        else:
            self._strips.popleft()
        lookup.offer_ranked(self._table.closest(lookup.key, lookup.width))
        self._active.add(lookup)
        self.wake(lookup)
        return True


def _strips(keys: list[InfoHash]) -> deque[deque[InfoHash]]:
    """Sorted keys in contiguous pieces of nearly equal size."""
    count = min(_MOST_STRIPS, -(-len(keys) // _LEAST_STRIP))
    bounds = [len(keys) * strip // count for strip in range(count + 1)] if count else [0]
    return deque(deque(keys[low:high]) for low, high in pairwise(bounds))
