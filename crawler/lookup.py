"""Lookup: the search for one infohash (BEP 5 get_peers). Decides whom to ask, and when it is over.

First it converges: it asks the closest contacts it knows of, a few at a time, until the closest k
that live have all answered; whoever kept silent is out. Those k are where announces go, so theirs
are the peers. Then, in big swarms, it gathers: a reply holds only a part, so holders whose reply
was full are asked again, the least asked first, until the estimated share of the swarm that nobody
has named yet (see `harvest`) is below one in two hundred.
Opens nothing, reads no clock, draws no random numbers.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable

from crawler.harvest import Harvest
from crawler.krpc import ID_BYTES
from swarm.census import CensusState, SwarmCensus
from swarm.infohash import InfoHash

CLOSEST = 8  # BEP 5's k: on how many nodes a peer announces itself
PARALLEL = 3  # queries in flight while converging; more is faster and wastes more

# No implementation we know of cuts a reply below 50 peers; a shorter one is all the node has.
FULL_REPLY = 40
TOLERATED_UNSEEN = 0.005

# Belts against nodes that invent peers, or ever closer nodes, without end.
MOST_ASKS_PER_HOLDER = 150
MOST_CONVERGING_QUERIES = 400

_REMEMBERED = 64  # candidates; those further away than so many cannot matter

_UNASKED, _IN_FLIGHT, _ANSWERED, _SILENT = range(4)


class Lookup:
    """One infohash's search. The engine offers contacts and reports answers and silences."""

    def __init__(self, infohash: InfoHash) -> None:
        self.infohash = infohash
        self.key = infohash.digest
        self.queries = 0  # get_peers sent; the engine counts them as they leave
        self.harvest = Harvest()
        self.ended: CensusState | None = None
        self.queued = False  # for the engine: whether it stands in the queue of lookups to serve
        self._key_number = int.from_bytes(self.key)
        self._ranked: list[tuple[int, bytes]] = []  # candidates by distance; the silent are out
        self._states: dict[bytes, int] = {}
        self._silent = 0
        self._answers = 0
        self._in_flight = 0
        self._holders: dict[bytes, int] = {}  # full repliers -> how often asked
        self._asking_again: set[bytes] = set()
        self._doubted: set[bytes] = set()  # holders whose last answer did not come

    @property
    def in_flight(self) -> int:
        """How many of its queries are unanswered."""
        return self._in_flight + len(self._asking_again)

    @property
    def width(self) -> int:
        """How many of the closest known contacts it must be offered to be sure of its end."""
        return CLOSEST + self._silent

    def offer(self, contacts: Iterable[bytes]) -> None:
        """Take in candidates: 26-byte contacts that are not known to be bad."""
        states = self._states
        for contact in contacts:
            if contact not in states:
                states[contact] = _UNASKED
                self._insert(contact)
        while len(self._ranked) > _REMEMBERED:
            _, furthest = self._ranked.pop()
            if states[furthest] == _UNASKED:
                del states[furthest]

    def next_contact(self, is_bad: Callable[[bytes], bool]) -> bytes | None:
        """Whom to ask now, or None: wait for answers, or it is over.

        `is_bad` tells contacts that other lookups have found dead meanwhile.
        """
        if not self.converged:
            return self._next_closest(is_bad)
        return self._next_holder()

    def _next_closest(self, is_bad: Callable[[bytes], bool]) -> bytes | None:
        if self._in_flight >= PARALLEL or self.queries >= MOST_CONVERGING_QUERIES:
            return None
        alive = 0
        for _, contact in self._ranked[:]:
            if self._states[contact] != _UNASKED:
                alive += 1
                if alive == CLOSEST:
                    break
            elif is_bad(contact):
                self._discard(contact)
                del self._states[contact]
            else:
                return contact
        return None

    @property
    def converged(self) -> bool:
        """Whether the closest candidates that are not known dead have all answered."""
        states = self._states
        return all(states[contact] == _ANSWERED for _, contact in self._ranked[:CLOSEST])

    def _next_holder(self) -> bytes | None:
        if self.harvest.unseen_share <= TOLERATED_UNSEEN:
            return None
        free = [
            (asks, holder)
            for holder, asks in self._holders.items()
            if holder not in self._asking_again and asks < MOST_ASKS_PER_HOLDER
        ]
        return min(free)[1] if free else None

    def asked(self, contact: bytes) -> None:
        """Note that the contact `next_contact` gave is going to be asked."""
        if self._states.get(contact) == _ANSWERED:
            self._asking_again.add(contact)
            self._holders[contact] += 1
        else:
            self._states[contact] = _IN_FLIGHT
            self._in_flight += 1

    def answered(self, contact: bytes, peers: int) -> None:
        """Note an answer with so many peers in it; late ones and unforeseen contacts count too."""
        self._asking_again.discard(contact)
        self._doubted.discard(contact)
        state = self._states.get(contact)
        if state == _IN_FLIGHT:
            self._in_flight -= 1
        elif state is None or state == _SILENT:
            self._silent -= state == _SILENT
            self._insert(contact)
        self._states[contact] = _ANSWERED
        self._answers += 1
        if peers >= FULL_REPLY:
            self._holders.setdefault(contact, 1)

    def failed(self, contact: bytes) -> None:
        """Note a silence, a refusal, or that somebody else answers at the address."""
        if contact in self._asking_again:
            self._asking_again.discard(contact)
            if contact in self._doubted:
                self._holders.pop(contact, None)
            self._doubted.add(contact)
        elif self._states.get(contact) == _IN_FLIGHT:
            self._in_flight -= 1
            self._states[contact] = _SILENT
            self._silent += 1
            self._discard(contact)

    def end(self, state: CensusState | None = None) -> SwarmCensus:
        """Close the lookup; without a state, by what it has reached."""
        if state is None:
            if self._answers == 0:
                state = CensusState.UNREACHABLE
            else:
                state = CensusState.COMPLETE if self.converged else CensusState.TIMEOUT
        self.ended = state
        return SwarmCensus(self.infohash, state, self.queries, self.harvest.columns(self.infohash))

    def _insert(self, contact: bytes) -> None:
        insort(self._ranked, (self._distance(contact), contact))

    def _discard(self, contact: bytes) -> None:
        entry = (self._distance(contact), contact)
        at = bisect_left(self._ranked, entry)
        if self._ranked[at : at + 1] == [entry]:  # else it was too far away to be remembered
            del self._ranked[at]

    def _distance(self, contact: bytes) -> int:
        return int.from_bytes(contact[:ID_BYTES]) ^ self._key_number
