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

from collections.abc import Collection, Container, Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from crawler.addresses import BogonFilter
from crawler.candidates import CLOSEST, Candidate, Candidates
from crawler.family import ID_BYTES, IPV4, Family
from crawler.harvest import Harvest
from swarm.bloom import EMPTY
from swarm.census import CensusState, SwarmCensus
from swarm.infohash import InfoHash

NEAR: Final = 2 * CLOSEST  # a node that names peers ought to be among so many of the closest
SCRAPED: Final = 2  # holders that are asked for their filters as well (BEP 33)
MOST_SCRAPES: Final = 4
# Queries in flight while converging, and to each holder of a big swarm, which takes hundreds of
# replies: more is faster and wastes more. Where the rate is limited, pacing spreads them out again.
PARALLEL: Final = 3

# No implementation we know of cuts a reply below 50 peers; a shorter one is all the node has.
FULL_REPLY: Final = 40
TOLERATED_UNSEEN: Final = 0.005

# Belts against nodes that invent peers, or ever closer nodes, without end.
MOST_ASKS_PER_HOLDER: Final = 150
MOST_CONVERGING_QUERIES: Final = 400

_NO_FILTERS = (EMPTY, EMPTY)


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
        self._tellers: dict[bytes, bytes] = {}  # who named peers: address -> contact
        self._examined = False
        self._scrapes = 0
        self._filters_from: set[bytes] = set()
        self._unheard: set[bytes] = set()  # sent filters and no peers
        self.key = infohash.digest
        self.queries = 0  # get_peers sent; the engine counts them as they leave
        self.parallel = PARALLEL  # the agenda lowers it while others can use the time
        self.harvest = Harvest(family)
        self.ended: CensusState | None = None
        self.queued = False  # for the agenda: whether it stands in the queue of lookups to serve
        self._candidates = Candidates(self.key, ID_BYTES + family.vote_bytes)
        self._answers = 0
        self._holders: dict[bytes, int] = {}  # full repliers -> how often asked
        self._asking_again: dict[bytes, int] = {}  # holders -> how many queries are unanswered
        self._again_in_flight = 0  # their sum
        self._doubted: set[bytes] = set()  # holders whose last answer did not come

    @property
    def in_flight(self) -> int:
        """How many of its queries are unanswered."""
        return self._candidates.in_flight + self._again_in_flight + self.verdicts_awaited

    @property
    def is_busy(self) -> bool:
        """Whether it asks nobody else before somebody has answered, or ought to have."""
        return self._candidates.in_flight >= self.parallel

    @property
    def width(self) -> int:
        """How many of the closest known contacts it must be offered to be sure of its end."""
        return CLOSEST + self._candidates.silent

    @property
    def settled_to(self) -> int | None:
        """The distance up to which all have answered that matter; None if some have not."""
        candidates = self._candidates
        return candidates.settled_to if candidates.is_settled() else None

    @property
    def known(self) -> dict[bytes, Candidate]:
        """The contacts that it need not be offered again; grows and shrinks with the search."""
        return self._candidates.known

    def offer(self, contacts: Iterable[bytes]) -> None:
        """Take in candidates: contacts that are not known to be bad."""
        self._candidates.offer(contacts)

    def offer_ranked(self, ranked: Iterable[tuple[int, bytes]]) -> None:
        """The same, each contact behind its distance from the key."""
        self._candidates.offer_ranked(ranked)

    def next_contact(self, bad: Container[bytes]) -> bytes | None:
        """Whom to ask now, or None: wait for answers, or for `examine`, or it is over.

        `bad` are contacts that other lookups have found dead meanwhile.
        """
        candidates = self._candidates
        if self.queries < MOST_CONVERGING_QUERIES and not candidates.is_settled():
            if candidates.in_flight >= self.parallel:
                return None
            contact = candidates.seek(bad)
            if contact is not None or candidates.in_flight:
                return contact
        if not self._examined:
            return None
        return self._next_holder()

    def suspects(self) -> list[bytes]:
        """The contacts whose word about peers hangs on their honesty alone."""
        alone = self.harvest.alone()
        near = self._candidates.nearest(NEAR)
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
        self._candidates.disown(contact)

    def wants_filters(self, contact: bytes) -> bool:
        """Whether this query shall ask for filters: two of the closest are, at no extra cost."""
        heard = self._filters_from
        if self._scrapes >= MOST_SCRAPES or len(heard) >= SCRAPED or contact in heard:
            return False
        if not self._candidates.is_among(contact, SCRAPED):
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
        asked = self._asking_again
        least, chosen = MOST_ASKS_PER_HOLDER, None
        for holder, asks in self._holders.items():
            if asks < least and asked.get(holder, 0) < self.parallel:
                least, chosen = asks, holder
        return chosen

    def asked(self, contact: bytes) -> None:
        """Note that the contact `next_contact` gave is going to be asked."""
        if not self._candidates.asked(contact):
            self._asking_again[contact] = self._asking_again.get(contact, 0) + 1
            self._again_in_flight += 1
            self._unheard.discard(contact)
            self._holders[contact] = self._holders.get(contact, 0) + 1

    def answered(self, contact: bytes, peers: int) -> None:
        """Note an answer with so many peers in it; late ones and unforeseen contacts count too."""
        self._answers += 1
        self._candidates.answered(contact)
        if self._holders:
            self._no_longer_asked(contact)
            self._doubted.discard(contact)
        if peers >= FULL_REPLY:
            self._holders.setdefault(contact, 1)

    def failed(self, contact: bytes) -> None:
        """Note a silence, a refusal, or that somebody else answers at the address."""
        if self._no_longer_asked(contact):
            if contact in self._asking_again:
                return  # lost together, where too much was under way: the others will tell
            if contact in self._doubted:
                self._holders.pop(contact, None)
            self._doubted.add(contact)
        else:
            self._candidates.failed(contact)

    def _no_longer_asked(self, holder: bytes) -> bool:
        """Note the end of a query to a holder; False if none was under way."""
        left = self._asking_again.get(holder, 0) - 1
        if left < 0:
            return False
        if left:
            self._asking_again[holder] = left
        else:
            del self._asking_again[holder]
        self._again_in_flight -= 1
        return True

    def end(self, state: CensusState | None = None) -> SwarmCensus:
        """Close the lookup; without a state, by what it has reached."""
        if state is None:
            candidates = self._candidates
            if self._answers == 0:
                state = CensusState.UNREACHABLE
            else:
                state = CensusState.COMPLETE if candidates.has_converged() else CensusState.TIMEOUT
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
            self._candidates.reach() if state is CensusState.COMPLETE else None,
        )
