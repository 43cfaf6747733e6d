"""Visits: shake hands with each peer that was found, look what it has, ask whom it knows, leave.

Peers that are named by exchange (BEP 11) are visited in the same run. A peer is visited once per
swarm and run, at most `max_connections` at the same time, and none that opted out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Network, IPv6Network

from crawler.peers.backlog import Backlog
from crawler.peers.conversation import Conversation
from crawler.peers.gate import Gate
from crawler.peers.link import Link, new_peer_id, open_link
from crawler.peers.loop_thread import LoopThread
from swarm.endpoint import Endpoint, compact_to_endpoint, endpoint_to_compact
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash
from swarm.sighting import PeerSighting, SightingColumns, Source
from swarm.visit import PeerVisit, VisitOutcome

# After its handshake a peer without the fast extension may send no bitfield if it has nothing.
_GRACE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPlan:
    """How visits are made. Times in seconds.

    `pex_wait_s` is for how long, from the connection, a peer that speaks peer exchange is listened
    to for its first list; 0 asks for none. BEP 11 has it within a minute.
    """

    allow_local: bool  # loopback and private addresses count as peers
    deadline_s: float  # for all visits, from the visitor's creation
    never_contact: tuple[IPv4Network | IPv6Network, ...] = ()
    max_connections: int = 50
    connect_timeout_s: float = 5.0
    visit_timeout_s: float = 20.0  # from the connection to all that the peer owes but its peers
    pex_wait_s: float = 75.0
    max_peers_per_swarm: int = 10_000
    max_told_ports_per_host: int = 10  # that PEX names: a liar must not make us scan a machine

    def __post_init__(self) -> None:
        if self.max_connections < 1:
            raise ValueError("visits need at least one connection")


@dataclass(frozen=True, slots=True)
class VisitTarget:
    """A swarm and who is known of it; the number of pieces where the metadata is known."""

    infohash: InfoHash
    peers: tuple[Endpoint, ...]
    piece_count: int | None = None


class _Swarm:
    """Who is known of one swarm, as compact addresses: there may be thousands of swarms."""

    __slots__ = ("known", "piece_count", "told_ports")

    def __init__(self) -> None:
        self.known: set[bytes] = set()
        self.told_ports: dict[bytes, int] = {}  # by host: how many PEX has named
        self.piece_count: int | None = None


class PeerVisitor:
    """Visits peers while more are added. Take `rows` in one thread; `close` it in any case."""

    def __init__(self, plan: VisitPlan) -> None:
        """Begin; the deadline counts from here."""
        self._plan = plan
        self._gate = Gate(allow_local=plan.allow_local, never_contact=plan.never_contact)
        self._deadline = time.monotonic() + plan.deadline_s
        self._peer_id = new_peer_id()
        self._swarms: dict[InfoHash, _Swarm] = {}
        self._own_ends: set[Endpoint] = set()  # peers name us to ourselves, and to others
        self._backlog: Backlog[tuple[InfoHash, bytes]]
        self._thread: LoopThread[PeerVisit] = LoopThread(self._main, "visits")
        self._thread.start()

    def add(
        self, infohash: InfoHash, peers: Iterable[Endpoint], piece_count: int | None = None
    ) -> None:
        """More peers of a swarm; each that is new gets exactly one row, in its turn."""
        self._thread.call(self._add, infohash, tuple(peers), piece_count)

    def finish(self) -> None:
        """Nothing more will be added: `rows` ends when all are visited."""
        self._thread.call(self._seal)

    def rows(self) -> Generator[PeerVisit | None, None, None]:
        """Each visit as it ends, and None about five times a second. Closing it closes all."""
        return self._thread.rows()

    def close(self) -> None:
        """Hang up everywhere."""
        self._thread.close()

    # --- in the loop ---

    async def _main(self) -> None:
        self._backlog = Backlog()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._plan.max_connections):
                group.create_task(self._work())

    def _seal(self) -> None:
        self._backlog.seal()

    def _add(self, infohash: InfoHash, peers: Sequence[Endpoint], piece_count: int | None) -> None:
        swarm = self._swarms.setdefault(infohash, _Swarm())
        swarm.piece_count = swarm.piece_count or piece_count
        for peer in peers:
            compact = endpoint_to_compact(peer)
            if compact in swarm.known:
                continue
            if len(swarm.known) >= self._plan.max_peers_per_swarm:
                self._thread.emit(_unvisited(infohash, peer))
                continue
            swarm.known.add(compact)
            self._backlog.add((infohash, compact))

    def _add_told(self, infohash: InfoHash, peers: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
        """Peers from PEX; those beyond a cap are left out, so that a liar costs no memory.

        Returns those who will be visited, and get a row each.
        """
        swarm = self._swarms[infohash]
        queued = []
        for peer in peers:
            compact, host = endpoint_to_compact(peer), peer.address.packed
            ports = swarm.told_ports.get(host, 0)
            if (
                compact in swarm.known
                or ports >= self._plan.max_told_ports_per_host
                or len(swarm.known) >= self._plan.max_peers_per_swarm
            ):
                continue
            swarm.told_ports[host] = ports + 1
            swarm.known.add(compact)
            self._backlog.add((infohash, compact))
            queued.append(peer)
        return tuple(queued)

    async def _work(self) -> None:
        while (item := await self._backlog.take()) is not None:
            infohash, compact = item
            row = await self._visit(infohash, compact_to_endpoint(compact))
            self._thread.emit(row)
            self._backlog.settle()

    async def _visit(self, infohash: InfoHash, peer: Endpoint) -> PeerVisit:
        started = time.monotonic()
        left_s = self._deadline - started
        if left_s <= 0 or not self._gate.lets_pass(peer):
            return _unvisited(infohash, peer)
        link = await open_link(peer, min(self._plan.connect_timeout_s, left_s))
        if isinstance(link, VisitOutcome):
            seconds = None if link is VisitOutcome.NOT_VISITED else time.monotonic() - started
            return PeerVisit(infohash=infohash, peer=peer, outcome=link, seconds=seconds)
        self._own_ends.add(link.own_end)
        piece_count = self._swarms[infohash].piece_count
        talk = Conversation(infohash.digest, self._peer_id, piece_count=piece_count)
        try:
            outcome = await self._talk(talk, link)
        finally:
            link.close()
        told = self._told(talk)
        return PeerVisit(
            infohash=infohash,
            peer=peer,
            outcome=outcome,
            seed=talk.seed,
            client=talk.client,
            peers=None if told is None else _sightings(infohash, peer, told),
            follows=self._add_told(infohash, told or ()),
            seconds=time.monotonic() - started,
        )

    async def _talk(self, talk: Conversation, link: Link) -> VisitOutcome:
        """Converse until nothing more can come, or it is time."""
        connected = time.monotonic()
        link.write(talk.greeting())
        chunk: bytes | None = None
        try:
            # Asked before each read: bytes that are there already must not outlast the deadline.
            while (patience_s := self._patience(talk, connected)) > 0:
                chunk = await link.read(patience_s)
                if not chunk:
                    break
                link.write(talk.receive(chunk))
        except MalformedMessage:
            return VisitOutcome.MALFORMED
        if talk.is_shaken:
            return VisitOutcome.REACHED
        return VisitOutcome.CLOSED if chunk == b"" else VisitOutcome.TIMEOUT

    def _patience(self, talk: Conversation, connected: float) -> float:
        """For how long, in seconds, to wait for the peer's next word; 0 or less ends the visit."""
        plan, now = self._plan, time.monotonic()
        if talk.is_owed:
            until = connected + plan.visit_timeout_s
        elif talk.awaits_peers:
            until = connected + plan.pex_wait_s
        elif talk.has_told_holdings:
            return 0.0
        else:
            until = min(now + _GRACE_S, connected + plan.visit_timeout_s)
        return min(until, self._deadline) - now

    def _told(self, talk: Conversation) -> list[Endpoint] | None:
        """Whom the peer named but bogons and ourselves; None if it named nobody yet."""
        if talk.told_peers is None:
            return None
        return [named for named in talk.told_peers if not self._is_nobody(named, talk)]

    def _is_nobody(self, named: Endpoint, talk: Conversation) -> bool:
        """Whether it is a bogon, or ourselves by our own sockets or by the peer's word (NAT)."""
        seen_as = None if talk.extension is None else talk.extension.our_address
        ourselves = seen_as is not None and seen_as.is_global and named.address == seen_as
        return ourselves or named in self._own_ends or self._gate.is_bogus(named)


def _sightings(infohash: InfoHash, teller: Endpoint, told: Iterable[Endpoint]) -> SightingColumns:
    now = datetime.now(UTC)
    return SightingColumns.of(
        infohash,
        Source.PEX,
        (PeerSighting(infohash, named, Source.PEX, teller, now) for named in told),
    )


def _unvisited(infohash: InfoHash, peer: Endpoint) -> PeerVisit:
    return PeerVisit(infohash=infohash, peer=peer, outcome=VisitOutcome.NOT_VISITED)


def visit_peers(
    targets: Sequence[VisitTarget], plan: VisitPlan
) -> Generator[PeerVisit | None, None, None]:
    """Visit all peers of these swarms, and those that they name.

    Every distinct peer given, and every peer that is named within the plan's caps, gets exactly one
    row; None comes now and then, for the caller to report and to cancel. Closing the generator
    closes all connections.
    """
    visitor = PeerVisitor(plan)
    for target in targets:
        visitor.add(target.infohash, target.peers, target.piece_count)
    visitor.finish()
    yield from visitor.rows()
