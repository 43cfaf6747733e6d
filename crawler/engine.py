"""Engine: all lookups of one process over one node table. Datagrams in, datagrams out; no I/O.

The caller brings the clock (monotonic seconds), the entropy and the socket; see `shell`.
BEP 5 throughout, as a read-only node (BEP 43): queries of others are not answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from crawler.addresses import BogonFilter
from crawler.agenda import Agenda
from crawler.family import ID_BYTES, IPV4, Family, SocketAddress
from crawler.honesty import Honesty
from crawler.joining import MOST_KNOWN, Joining
from crawler.krpc import ErrorReply, Query, Reply, decode, encode_find_node, encode_get_peers
from crawler.lookup import Lookup
from crawler.node_table import NodeTable
from crawler.outstanding import Outstanding, Question
from crawler.pacing import FlightWindow, Pacing
from crawler.patience import Patience
from swarm.census import SwarmCensus
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash

Datagram = tuple[bytes, SocketAddress]

MOST_CONTACTS_PER_REPLY: Final = 2 * 8  # nodes send 8; who sends many more sends junk
BATCH: Final = 64  # datagrams handed out at once, so that sending and receiving take turns


@dataclass(slots=True)
class Counters:
    """What has passed through the engine since it began."""

    sent: int = 0
    received: int = 0
    malformed: int = 0
    unasked: int = 0  # replies to nothing we asked, or from somebody else; and others' queries
    refused: int = 0  # KRPC errors


class Engine:
    """The census of a list of infohashes, as a machine without I/O.

    Call `receive` for every datagram that came, send what `due` returns, collect `finished`, and
    come back at `next_wakeup`; until `done`, or `unreachable`, or `stop` at a deadline.
    """

    def __init__(
        self,
        infohashes: Iterable[InfoHash],
        bootstrap: Sequence[SocketAddress],
        *,
        pacing: Pacing,
        bogons: BogonFilter,
        shunned: BogonFilter | None = None,
        entropy: Callable[[int], bytes],
        now: float,
        utc_offset_us: int,
        max_lookups: int,
        bootstrap_timeout_s: float,
        family: Family = IPV4,
        known: Sequence[bytes] = (),
    ) -> None:
        """`bogons` tells who can be no peer, `shunned` (left out: the same) whom never to contact.

        `known` contacts answered an earlier run: some are asked first; the others are hearsay if
        one of these answers, else forgotten.
        `utc_offset_us` added to `now` in microseconds gives UTC since the Unix epoch.
        """
        self.counters = Counters()
        self.table = NodeTable()
        self.honesty = Honesty(entropy)
        self._family = family
        self._agenda = Agenda(
            infohashes, self.table, self.honesty, max_lookups=max_lookups, family=family
        )
        self._pacing = pacing
        self._bogons = bogons
        self._shunned = shunned or bogons
        self._utc_offset_us = utc_offset_us
        self._width = family.contact_bytes
        self._is_v4 = family == IPV4
        self._node_id = entropy(ID_BYTES)
        self._known = known
        places = [family.to_socket_address(contact[ID_BYTES:]) for contact in known[:MOST_KNOWN]]
        self._joining = Joining(bootstrap, now, bootstrap_timeout_s, places)
        self._outstanding = Outstanding(entropy)
        self._patience = Patience()
        self._window = FlightWindow()
        self._blocked_until: float | None = None  # the global cap allows nothing before
        self._more = False  # the last batch was full: there may be more to send at once

    @property
    def done(self) -> bool:
        """Whether every lookup has ended."""
        return self._agenda.done

    @property
    def peers(self) -> int:
        """Peers of the lookups that have ended."""
        return self._agenda.peers

    @property
    def peers_dropped(self) -> int:
        """What only liars named, or nodes that could not be tried, in lookups that have ended."""
        return self._agenda.peers_dropped

    @property
    def known_are_dead(self) -> bool:
        """Whether the known nodes that were asked kept silent, and a bootstrap node did not."""
        return self._joining.joined and self._joining.fell_back

    def unreachable(self, now: float) -> bool:
        """Whether no bootstrap node has answered, and the time for it is over."""
        return self._joining.failed(now)

    def finished(self) -> list[SwarmCensus]:
        """The lookups that have ended since the last call."""
        return self._agenda.finished()

    def stop(self) -> None:
        """End all lookups where they stand; those not begun end too, with nothing."""
        self._agenda.stop()

    # --- what comes in ---

    def receive(self, datagram: bytes, source: SocketAddress, now: float) -> None:
        """Take in one datagram, whatever it is."""
        self.counters.received += 1
        try:
            message = decode(datagram)
        except MalformedMessage:
            self.counters.malformed += 1
            return
        asked = None
        if not isinstance(message, Query):
            asked = self._outstanding.match(message.transaction, source)
        if asked is None:
            self.counters.unasked += 1
            return
        self._patience.replied(now - asked.sent_at)
        if isinstance(message, Reply):
            self._take_reply(message, asked, now)
        elif isinstance(message, ErrorReply):
            self.counters.refused += 1
            self._take_refusal(asked, now)

    def _take_reply(self, reply: Reply, asked: Question, now: float) -> None:
        contact = asked.contact
        if contact is None or contact[:ID_BYTES] != reply.sender_id:
            contact = self._met(reply.sender_id, asked, now)
        liars = self.honesty.liars
        if liars and contact[ID_BYTES:] in liars:
            self._take_refusal(asked, now)
            return
        if self.table.replied(contact, now) and not asked.overdue:
            self._window.answered()
        if not self._joining.joined:
            self._join(now)
        lookup = asked.lookup
        if lookup is not None and lookup.ended is not None:
            lookup = None
        heard = self._hear(reply.nodes if self._is_v4 else reply.nodes6, lookup, now)
        peers = reply.values if self._is_v4 else reply.values6
        if asked.lookup is None and asked.contact is not None:
            self._judge(contact, now, lied=bool(peers))
        if lookup is None:
            return
        if peers:
            if lookup.is_control:
                self._judge(contact, now, lied=True)
                self._take_refusal(asked, now)
                return
            seen_at_us = self._utc_offset_us + int(now * 1_000_000)
            lookup.hear(peers, contact, seen_at_us, self._bogons)
        if reply.seeds and reply.downloaders:
            lookup.hear_filters(reply.seeds, reply.downloaders, contact)
        lookup.answered(contact, len(peers))
        if heard:
            lookup.offer(heard)
        self._agenda.wake(lookup)

    def _met(self, sender_id: bytes, asked: Question, now: float) -> bytes:
        """The contact of whoever answered, where it is not the one that was asked."""
        contact = sender_id + self._family.to_compact(asked.address)
        if asked.contact is not None and contact[ID_BYTES:] not in self.honesty.liars:
            # Another node lives there than hearsay had it: its word counts, the hearsay does not.
            self.table.gone(asked.contact, now)
            if asked.lookup and asked.lookup.ended is None and not asked.overdue:
                asked.lookup.failed(asked.contact)
        return contact

    def _join(self, now: float) -> None:
        """The first reply: if it is of a known node, the other known ones are worth asking too."""
        self._joining.succeeded()
        if not self._joining.fell_back:
            for contact in self._known:
                self.table.add(contact, now)

    def _judge(self, contact: bytes, now: float, *, lied: bool) -> None:
        """Give the verdict on a node that was asked for a key that nobody announced."""
        address = contact[ID_BYTES:]
        if lied:
            self.table.gone(contact, now)
            waiting = self.honesty.convict(address)
        else:
            waiting = self.honesty.acquit(address)
        for lookup in waiting:
            self._agenda.wake(lookup)

    def _take_refusal(self, asked: Question, now: float) -> None:
        """The node lives, but is of no use to this lookup."""
        if asked.contact is None:
            return
        if asked.contact[ID_BYTES:] not in self.honesty.liars:
            self.table.replied(asked.contact, now)
        if asked.lookup is None:
            self._no_verdict(asked.contact)
        elif not asked.overdue:
            asked.lookup.failed(asked.contact)
            self._agenda.wake(asked.lookup)

    def _no_verdict(self, contact: bytes) -> None:
        for lookup in self.honesty.unanswered(contact):
            self._agenda.wake(lookup)

    def _hear(self, nodes: bytes, lookup: Lookup | None, now: float) -> list[bytes]:
        """Note a reply's contacts; returns those that are worth asking, and new to the lookup."""
        known = lookup.known if lookup is not None else {}
        nodes_known = self.table.known
        width = self._width
        heard = []
        at, end = 0, min(len(nodes), MOST_CONTACTS_PER_REPLY * width)
        while at < end:  # not `range`: a step that is no constant is slow when compiled
            contact = nodes[at : at + width]
            at += width
            if contact in known:
                continue
            if contact in nodes_known or self._is_news(contact, now):
                heard.append(contact)
        return heard

    def _is_news(self, contact: bytes, now: float) -> bool:
        """Whether hearsay of an unknown contact is worth noting; it is noted then."""
        address = contact[ID_BYTES:]
        return (
            address not in self.honesty.liars
            and not self._shunned.is_bogus(address)
            and self.table.add(contact, now)
        )

    def _take_silence(self, asked: Question, now: float) -> None:
        if asked.contact is None:
            return
        if self.table.failed(asked.contact, now):
            self._window.silent()
        if asked.lookup is None:
            self._no_verdict(asked.contact)
        elif asked.lookup.ended is None:
            asked.lookup.failed(asked.contact)
            self._agenda.wake(asked.lookup)

    # --- what goes out ---

    def due(self, now: float) -> list[Datagram]:
        """The datagrams to send now, at most `BATCH` of them."""
        for asked in self._outstanding.overdue(now, self._patience.timeout_s):
            self._take_silence(asked, now)
        if self._joining.joined and self.table.verified == 0 and self._agenda.idle:
            self._joining.begin(now)
        datagrams: list[Datagram] = []
        self._blocked_until = None
        pacing, is_paced = self._pacing, not self._pacing.unlimited
        room = min(BATCH, self._window.size - self._outstanding.in_flight)
        while len(datagrams) < room:
            if is_paced and (blocked_s := pacing.blocked_s(now)) > 0:
                self._blocked_until = now + blocked_s
                break
            question = self._next_question(now)
            if question is None:
                break
            if is_paced and (wait_s := pacing.take(question.address[0], now)) > 0:
                self._agenda.postpone(question, now + wait_s)
            else:
                datagrams.append(self._ask(question, now))
        self._more = len(datagrams) == BATCH
        self.counters.sent += len(datagrams)
        return datagrams

    def next_wakeup(self, now: float) -> float:
        """When `due` will have something to do even if no datagram comes."""
        if self._more:
            return now
        times = (
            self._joining.wakeup(),
            self._outstanding.next_overdue(self._patience.timeout_s),
            self._blocked_until or self._agenda.next_postponed,
        )
        return max(now, min((time for time in times if time is not None), default=now + 1.0))

    def _ask(self, question: Question, now: float) -> Datagram:
        question.sent_at = now
        self._agenda.sent(question)
        transaction = self._outstanding.add(question)
        lookup, contact = question.lookup, question.contact
        if contact is None:
            target = self._agenda.next_key or self._node_id
            return encode_find_node(transaction, self._node_id, target), question.address
        scrape = False
        if lookup is None:
            key = self.honesty.control_key()
        else:
            key = lookup.key
            scrape = lookup.wants_filters(contact)
            lookup.queries += 1
        datagram = encode_get_peers(transaction, self._node_id, key, scrape=scrape)
        return datagram, question.address

    def _next_question(self, now: float) -> Question | None:
        if not self._joining.joined:
            address = self._joining.next_address(now)
            if address is not None:
                return Question(address, None, None, now)
        return self._agenda.next_question(now)
