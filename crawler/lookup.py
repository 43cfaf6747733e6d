"""Lookup: the search for one infohash (BEP 5 get_peers). Decides whom to ask, and when it is over.

First it converges: it asks the closest contacts it knows of, a few at a time, until the closest k
that live have all answered; whoever kept silent is out. Those k are where announces go, so theirs
are the peers. Then, in big swarms, it gathers: a reply holds only a part, so holders whose reply
was full are asked again, the least asked first, until the estimated share of the swarm that nobody
has named yet (see `harvest`) is below one in two hundred.
A node has a voice in this if its id agrees with its address (BEP 42), and one for all nodes of a
host: the others are asked too, but do not end the search.

Before it gathers, and before it ends, it names its suspects: nodes that named a peer whom nobody
else named, and nodes that named any far from the key. They are tried (see `honesty`), and liars are
out as if they had kept silent.
Opens nothing, reads no clock, draws no random numbers.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from crawler.addresses import BogonFilter
from crawler.bep42 import id_agrees
from crawler.family import ID_BYTES, IPV4, Family
from crawler.harvest import Harvest
from swarm.bloom import EMPTY
from swarm.census import CensusState, SwarmCensus
from swarm.infohash import InfoHash

CLOSEST: Final = 8  # BEP 5's k: on how many nodes a peer announces itself
NEAR: Final = 2 * CLOSEST  # a node that names peers ought to be among so many of the closest
VOICELESS: Final = 8  # so many without a voice are asked before the search may end
SCRAPED: Final = 2  # holders that are asked for their filters as well (BEP 33)
MOST_SCRAPES: Final = 4
PARALLEL: Final = 3  # queries in flight while converging, at most; more is faster and wastes more

# No implementation we know of cuts a reply below 50 peers; a shorter one is all the node has.
FULL_REPLY: Final = 40
TOLERATED_UNSEEN: Final = 0.005

# Belts against nodes that invent peers, or ever closer nodes, without end.
MOST_ASKS_PER_HOLDER: Final = 150
MOST_CONVERGING_QUERIES: Final = 400

_REMEMBERED: Final = 64  # candidates; those further away than so many cannot matter

_KEY_SPACE: Final = float(1 << 160)
_NO_FILTERS = (EMPTY, EMPTY)

# What has become of a candidate.
_UNASKED: Final = 0
_IN_FLIGHT: Final = 1
_ANSWERED: Final = 2
_SILENT: Final = 3


class Lookup:
    """One infohash's search. The engine offers contacts and reports answers and silences."""

    def __init__(
        self,
        infohash: InfoHash,
        proven: AbstractSet[bytes] = frozenset(),
        *,
        is_control: bool = False,
        family: Family = IPV4,
    ) -> None:
        """`proven` are the addresses of nodes found honest; it grows as the crawl goes on."""
        self.infohash = infohash
        self.is_control = is_control  # a random key: whoever names a peer lies
        self.verdicts_awaited = 0
        self.peers_dropped = 0
        self._proven = proven
        self._vote_end = ID_BYTES + family.vote_bytes
        self._tellers: dict[bytes, bytes] = {}  # who named peers: address -> contact
        self._examined = False
        self._scrapes = 0
        self._filters_from: set[bytes] = set()
        self._unheard: set[bytes] = set()  # sent filters and no peers
        # Whose vote a contact's is, of those that have come to the front; None: its id contradicts
        # its address (BEP 42), so it has none.
        self._voters: dict[bytes, bytes | None] = {}
        self.key = infohash.digest
        self.queries = 0  # get_peers sent; the engine counts them as they leave
        self.parallel = PARALLEL  # the agenda lowers it while others can use the time
        self.harvest = Harvest(family)
        self.ended: CensusState | None = None
        self.queued = False  # for the agenda: whether it stands in the queue of lookups to serve
        self._key_number = int.from_bytes(self.key)
        self._ranked: list[tuple[int, bytes]] = []  # candidates by distance; the silent are out
        self._states: dict[bytes, int] = {}
        # The first so many of `_ranked` have answered: how far, who voted, how many had no voice.
        self._settled = 0
        self._settled_to = -1
        self._settled_voters: set[bytes] = set()
        self._settled_voiceless = 0
        self._silent = 0
        self._answers = 0
        self._in_flight = 0
        self._holders: dict[bytes, int] = {}  # full repliers -> how often asked
        self._asking_again: set[bytes] = set()
        self._doubted: set[bytes] = set()  # holders whose last answer did not come

    @property
    def in_flight(self) -> int:
        """How many of its queries are unanswered."""
        return self._in_flight + len(self._asking_again) + self.verdicts_awaited

    @property
    def is_busy(self) -> bool:
        """Whether it asks nobody else before somebody has answered, or ought to have."""
        return self._in_flight >= self.parallel

    @property
    def width(self) -> int:
        """How many of the closest known contacts it must be offered to be sure of its end."""
        return CLOSEST + self._silent

    @property
    def candidates(self) -> Collection[bytes]:
        """The contacts that it need not be offered again; grows and shrinks with the search."""
        return self._states

    def offer(self, contacts: Iterable[bytes]) -> None:
        """Take in candidates: contacts that are not known to be bad."""
        states, ranked, key = self._states, self._ranked, self._key_number
        for contact in contacts:
            if contact in states:
                continue
            distance = int.from_bytes(contact[:ID_BYTES]) ^ key
            if len(ranked) >= _REMEMBERED:
                if distance > ranked[-1][0]:
                    continue
                _, furthest = ranked.pop()
                if states[furthest] == _UNASKED:
                    del states[furthest]
            states[contact] = _UNASKED
            insort(ranked, (distance, contact))
            if distance < self._settled_to:
                self._unsettle()

    def next_contact(self, is_bad: Callable[[bytes], bool]) -> bytes | None:
        """Whom to ask now, or None: wait for answers, or for `examine`, or it is over.

        `is_bad` tells contacts that other lookups have found dead meanwhile.
        """
        if self.queries < MOST_CONVERGING_QUERIES and not self._is_settled():
            if self._in_flight >= self.parallel:
                return None
            contact, converged = self._seek(is_bad)
            if contact is not None or not converged:
                return contact
        if not self._examined:
            return None
        return self._next_holder()

    def _is_settled(self) -> bool:
        """Whether the closest, up to so many with a vote each as matter, have all answered.

        What it has walked over it does not walk over again, unless somebody closer turns up.
        """
        ranked, states, voters = self._ranked, self._states, self._settled_voters
        at = self._settled
        while len(voters) < CLOSEST and at < len(ranked):
            distance, contact = ranked[at]
            if states[contact] != _ANSWERED:
                break
            voter = self._voter(contact)
            if voter is None or voter in voters:
                self._settled_voiceless += 1
            else:
                voters.add(voter)
            self._settled_to = distance
            at += 1
        self._settled = at
        return len(voters) >= CLOSEST

    def _unsettle(self) -> None:
        self._settled, self._settled_to, self._settled_voiceless = 0, -1, 0
        self._settled_voters.clear()

    def _voter(self, contact: bytes) -> bytes | None:
        """The host, or network, that has the contact's vote; None if its id forfeits it."""
        try:
            return self._voters[contact]
        except KeyError:
            voter = contact[ID_BYTES : self._vote_end] if id_agrees(contact) else None
            self._voters[contact] = voter
            return voter

    def _seek(self, is_bad: Callable[[bytes], bool] | None) -> tuple[bytes | None, bool]:
        """The closest contact that is still to be asked, and whether all that matter answered.

        Begins where `_is_settled` has stopped.
        """
        ranked, states = self._ranked, self._states
        voters, voiceless = set(self._settled_voters), self._settled_voiceless
        converged = True
        at = self._settled
        while at < len(ranked):
            contact = ranked[at][1]
            voter = self._voter(contact)
            if voter is None or voter in voters:
                voiceless += 1
                if voiceless > VOICELESS:
                    at += 1
                    continue
            elif len(voters) == CLOSEST:
                break
            state = states[contact]
            if state == _UNASKED:
                if is_bad is None or not is_bad(contact):
                    return contact, False
                del ranked[at], states[contact]
                continue
            converged &= state == _ANSWERED
            if voter is not None:
                voters.add(voter)
            at += 1
        return None, converged

    @property
    def converged(self) -> bool:
        """Whether the closest candidates that are not known dead have all answered."""
        return self._is_settled() or self._seek(None)[1]

    def suspects(self) -> list[bytes]:
        """The contacts whose word about peers hangs on their honesty alone."""
        alone = self.harvest.alone()
        near = {contact for _, contact in self._ranked[:NEAR]}
        return [
            contact
            for address, contact in self._tellers.items()
            if contact not in near or address in alone
        ]

    @property
    def tellers(self) -> Iterable[bytes]:
        """The addresses of all that named peers, or how many there are."""
        return self._tellers.keys()

    def examined(self) -> bool:
        """Note that all suspects have been judged; True at the first time: holders may be asked."""
        first, self._examined = not self._examined, True
        return first

    def disown(self, address: bytes) -> None:
        """Put a liar out, and all that it said."""
        contact = self._tellers.pop(address)
        self.peers_dropped += self.harvest.drop(address)
        self._holders.pop(contact, None)
        if self._states.get(contact) == _ANSWERED:
            self._states[contact] = _SILENT
            self._silent += 1
            self._discard(contact)

    def wants_filters(self, contact: bytes) -> bool:
        """Whether this query shall ask for filters: two of the closest are, at no extra cost."""
        heard = self._filters_from
        if self._scrapes >= MOST_SCRAPES or len(heard) >= SCRAPED or contact in heard:
            return False
        if all(contact != near for _, near in self._ranked[:SCRAPED]):
            return False
        self._scrapes += 1
        return True

    def hear(
        self, peers: Collection[bytes], contact: bytes, seen_at_us: int, bogons: BogonFilter
    ) -> None:
        """Take in the compact peers that a node named."""
        address = contact[ID_BYTES:]
        self._tellers[address] = contact
        self._unheard.discard(contact)
        self.harvest.add(peers, address, seen_at_us, bogons)

    def hear_filters(self, seeds: bytes, downloaders: bytes, contact: bytes) -> None:
        """Take in a node's filters (BEP 33)."""
        if (seeds, downloaders) == _NO_FILTERS:
            return
        address = contact[ID_BYTES:]
        self._filters_from.add(contact)
        self.harvest.add_filters(seeds, downloaders, address)
        if address not in self._tellers:
            self._tellers[address] = contact
            self._unheard.add(contact)  # some leave the peers out where filters are asked for

    def _next_holder(self) -> bytes | None:
        if self._unheard and not self.harvest:
            return min(self._unheard)
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
            self._unheard.discard(contact)
            self._holders[contact] = self._holders.get(contact, 0) + 1
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
        harvest, proven = self.harvest, self._proven
        sightings = harvest.columns(self.infohash, proven)
        self.peers_dropped += len(harvest) - len(sightings)
        seeds, downloaders = harvest.filters(proven) or (None, None)
        return SwarmCensus(
            self.infohash,
            state,
            self.queries,
            sightings,
            harvest.captures(proven),
            seeds,
            downloaders,
            self._reach() if state is CensusState.COMPLETE else None,
        )

    def _reach(self) -> float | None:
        """The share of the key space that lies as near as the eighth closest live node."""
        live = 0
        for distance, contact in self._ranked:
            if self._states[contact] == _ANSWERED and self._voter(contact) is not None:
                live += 1
                if live == CLOSEST:
                    return distance / _KEY_SPACE
        return None

    def _insert(self, contact: bytes) -> None:
        distance = self._distance(contact)
        insort(self._ranked, (distance, contact))
        if distance < self._settled_to:
            self._unsettle()

    def _discard(self, contact: bytes) -> None:
        entry = (self._distance(contact), contact)
        at = bisect_left(self._ranked, entry)
        if self._ranked[at : at + 1] == [entry]:  # else it was too far away to be remembered
            del self._ranked[at]
            if at < self._settled:
                self._unsettle()

    def _distance(self, contact: bytes) -> int:
        return int.from_bytes(contact[:ID_BYTES]) ^ self._key_number
