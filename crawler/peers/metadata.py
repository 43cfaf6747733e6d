"""Metadata from peers (BEP 9): a key becomes the bytes of `info`, proven by their hash.

Several peers of a torrent are asked at once, block by block; peers that they name by exchange
(BEP 11) are asked too. What comes back is what hashes to the key, or the reason why there is none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network

from crawler.peers.assembly import MAX_METADATA_BYTES, MetadataHunt, MetadataKey
from crawler.peers.backlog import Backlog
from crawler.peers.conversation import Conversation
from crawler.peers.gate import Gate
from crawler.peers.interview import Interview
from crawler.peers.link import Link, new_peer_id, open_link
from crawler.peers.loop_thread import LoopThread
from swarm.endpoint import Endpoint
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash
from swarm.visit import VisitOutcome

_PEERS_AT_ONCE = 8  # per torrent
_MOST_PEERS = 1000  # per torrent, given and named
_MOST_HELD_BYTES = 256_000_000  # unproven, over all torrents
_MOST_UNTAKEN_BYTES = 100_000_000  # found: beyond that nothing new is begun before it is taken


class MetadataOutcome(Enum):
    """How the search for one torrent's metadata ended. Each is a row, none an exception."""

    FETCHED = "fetched"
    NO_PEERS = "no peers"  # nobody is known who may be asked
    UNREACHABLE = "unreachable"  # none of those known shook hands
    NOT_OFFERED = "not offered"  # some did, none gave metadata to the end
    POISONED = "poisoned"  # all that was given hashes to something else
    TIMEOUT = "timeout"  # the deadline came first


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataPlan:
    """How metadata is fetched. Times in seconds."""

    allow_local: bool  # loopback and private addresses count as peers
    deadline_s: float  # for all torrents
    never_contact: tuple[IPv4Network | IPv6Network, ...] = ()
    max_connections: int = 50  # over all torrents
    connect_timeout_s: float = 5.0
    answer_timeout_s: float = 20.0  # for the handshakes, and for each block
    pex_wait_s: float = 5.0  # for whom a peer without metadata may name
    max_bytes: int = MAX_METADATA_BYTES


@dataclass(frozen=True, slots=True)
class MetadataTarget:
    """What is wanted, and who may have it."""

    key: MetadataKey
    peers: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetadataResult:
    """What came of one target. `metadata` is there if and only if it was fetched."""

    key: MetadataKey
    outcome: MetadataOutcome
    metadata: bytes | None = None
    peers_known: int = 0
    peers_reached: int = 0
    peers_barred: int = 0  # that gave false metadata


def fetch_metadata(
    targets: Sequence[MetadataTarget], plan: MetadataPlan
) -> Generator[MetadataResult | None, None, None]:
    """Fetch the metadata of each target; yields exactly one result for each, as it ends.

    None comes now and then, for the caller to report and to cancel. Closing the generator closes
    all connections.
    """
    fetcher = _Fetcher(targets, plan)
    yield from fetcher.rows()


class _Fetcher:
    """All targets: so many at once that none waits for a connection."""

    def __init__(self, targets: Sequence[MetadataTarget], plan: MetadataPlan) -> None:
        self.plan = plan
        self.gate = Gate(allow_local=plan.allow_local, never_contact=plan.never_contact)
        self.deadline = time.monotonic() + plan.deadline_s
        self.peer_id = new_peer_id()
        self.peers_at_once = min(_PEERS_AT_ONCE, plan.max_connections)
        self._waiting = list(reversed(targets))
        self._pursuits: set[_Pursuit] = set()
        self._untaken_bytes = 0  # found, and waiting for whoever takes the results
        self._taken = asyncio.Event()
        self._thread: LoopThread[MetadataResult] = LoopThread(self._main, "metadata")

    def rows(self) -> Generator[MetadataResult | None, None, None]:
        self._thread.start()
        with closing(self._thread.rows()) as results:
            for result in results:
                yield result
                if result is not None and result.metadata is not None:
                    self._thread.call(self._take, len(result.metadata))

    def _take(self, size_bytes: int) -> None:
        self._untaken_bytes -= size_bytes
        self._taken.set()

    async def _main(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(max(1, self.plan.max_connections // self.peers_at_once)):
                group.create_task(self._work())

    async def _work(self) -> None:
        while self._waiting:
            pursuit = _Pursuit(self, self._waiting.pop())
            self._pursuits.add(pursuit)
            result = await pursuit.run()
            self._pursuits.discard(pursuit)
            self._untaken_bytes += len(result.metadata or b"")
            self._thread.emit(result)
            while self._untaken_bytes > _MOST_UNTAKEN_BYTES:
                self._taken.clear()
                await self._taken.wait()

    def bound_memory(self) -> None:
        """Give up the largest unproven metadata where too much of it is held."""
        held = {pursuit: pursuit.hunt.held_bytes for pursuit in self._pursuits}
        if sum(held.values()) > _MOST_HELD_BYTES:
            max(held, key=held.__getitem__).hunt.drop_largest()


class _Pursuit:
    """One target: its peers, its hunt, and the connections that serve it."""

    def __init__(self, fetcher: _Fetcher, target: MetadataTarget) -> None:
        self._fetcher = fetcher
        self._plan = fetcher.plan
        self._key = target.key
        self.hunt = MetadataHunt(target.key, fetcher.plan.max_bytes)
        self._known: set[Endpoint] = set()
        self._reached: set[Endpoint] = set()
        self._backlog: Backlog[Endpoint] = Backlog()
        self._interviews: dict[Endpoint, Interview] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._add(target.peers)
        self._backlog.seal()

    async def run(self) -> MetadataResult:
        async with asyncio.TaskGroup() as group:
            for _ in range(self._fetcher.peers_at_once):
                self._workers.append(group.create_task(self._work()))
        return MetadataResult(
            key=self._key,
            outcome=self._outcome(),
            metadata=self.hunt.metadata,
            peers_known=len(self._known),
            peers_reached=len(self._reached),
            peers_barred=len(self.hunt.barred),
        )

    def _outcome(self) -> MetadataOutcome:
        if self.hunt.metadata is not None:
            return MetadataOutcome.FETCHED
        if not self._known:
            return MetadataOutcome.NO_PEERS
        if time.monotonic() >= self._fetcher.deadline:
            return MetadataOutcome.TIMEOUT
        if self.hunt.barred:
            return MetadataOutcome.POISONED
        return MetadataOutcome.NOT_OFFERED if self._reached else MetadataOutcome.UNREACHABLE

    def _add(self, peers: Sequence[Endpoint]) -> None:
        for peer in peers:
            if peer in self._known or len(self._known) >= _MOST_PEERS:
                continue
            if self._fetcher.gate.lets_pass(peer):
                self._known.add(peer)
                self._backlog.add(peer)

    async def _work(self) -> None:
        while (peer := await self._backlog.take()) is not None:
            for infohash in self._key.wire_keys:
                if time.monotonic() >= self._fetcher.deadline:
                    break
                await self._ask(infohash, peer)
                if self.hunt.metadata is not None:
                    return  # and all others are dismissed
                if peer in self._reached:
                    break  # else a hybrid's peer may know it by its other infohash only
            self._backlog.settle()

    async def _ask(self, infohash: InfoHash, peer: Endpoint) -> None:
        left_s = self._fetcher.deadline - time.monotonic()
        link = await open_link(peer, min(self._plan.connect_timeout_s, left_s))
        if isinstance(link, VisitOutcome):
            return
        talk = Conversation(
            infohash.digest, self._fetcher.peer_id, metadata_bytes=self._plan.max_bytes
        )
        try:
            self._interviews[peer] = Interview(
                self.hunt,
                talk,
                peer,
                link.write,
                answer_timeout_s=self._plan.answer_timeout_s,
                pex_wait_s=self._plan.pex_wait_s,
                now=time.monotonic(),
            )
            await self._listen(self._interviews[peer], link)
        except MalformedMessage:
            return  # what it gave before stands until the hash is known
        finally:
            if talk.is_shaken:
                self._reached.add(peer)
            self._interviews.pop(peer, None)
            self.hunt.leave(peer)
            link.close()
            self._add(talk.told_peers or ())

    async def _listen(self, interview: Interview, link: Link) -> None:
        """Hear the peer out; back when it is done, has had its time, or all is found."""
        while self.hunt.metadata is None:
            now = time.monotonic()
            patience_s = min(interview.patience(now), self._fetcher.deadline - now)
            if patience_s <= 0:
                return
            chunk = await link.read(patience_s)
            if chunk == b"":
                return
            if chunk is None:
                continue  # others may have set it to work in the meantime: its patience says
            interview.hear(chunk, time.monotonic())
            self._fetcher.bound_memory()
            for other in self._interviews.values():
                other.pump(time.monotonic())  # false metadata sets everybody to work again
        self._dismiss_others()

    def _dismiss_others(self) -> None:
        """It is found: nobody needs to be asked any more."""
        for worker in self._workers:
            if worker is not asyncio.current_task():
                worker.cancel()
