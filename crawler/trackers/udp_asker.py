"""Asks one UDP tracker (BEP 15): a connected socket, connection ids, retransmissions.

The socket is connected, so the system itself drops what comes from any other address. A reply to
another transaction is passed over, since anybody could forge one; only if nothing better comes in
time does the question end as malformed.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar, cast

from crawler.trackers import udp_codec
from crawler.trackers.address import TrackerAddress
from crawler.trackers.announcement import Announcement, Event
from crawler.trackers.replies import (
    IPV4_PEER_BYTES,
    IPV6_PEER_BYTES,
    AnnounceReply,
    NoReply,
    ScrapeReply,
)
from swarm.endpoint import Endpoint
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash
from swarm.tracking import TrackerOutcome

_T = TypeVar("_T")
_SENDINGS = 3  # of one question; each waits twice as long as the one before
_INBOX = 64  # datagrams that wait to be read; more are dropped
_CONNECTION_MARGIN_S = 5.0


class UdpAsker:
    """One conversation with one tracker; `open` it, ask, `close` it. One question at a time."""

    def __init__(
        self, address: TrackerAddress, endpoints: Sequence[Endpoint], *, timeout_s: float
    ) -> None:
        """`endpoints` must not be empty; the first that takes the first question is kept."""
        self._url_data = address.path_and_query
        self._endpoints = list(endpoints)
        self._timeout_s = timeout_s
        self._inbox: asyncio.Queue[bytes | OSError] = asyncio.Queue(_INBOX)
        self._transport: asyncio.DatagramTransport | None = None
        self._connection: bytes | None = None
        self._connected_at_s = 0.0

    @property
    def endpoint(self) -> Endpoint:
        """Who is asked."""
        return self._endpoints[0]

    async def scrape(self, infohashes: Sequence[InfoHash]) -> ScrapeReply | NoReply:
        """Counts of the swarms; the tracker may answer only the first of them."""
        connection = await self._connect()
        if isinstance(connection, NoReply):
            return connection
        transaction = os.urandom(udp_codec.TRANSACTION_BYTES)
        return await self._ask(
            udp_codec.encode_scrape(connection, transaction, infohashes),
            transaction,
            udp_codec.SCRAPE,
            lambda body: udp_codec.read_scrape(body, infohashes),
        )

    async def announce(self, announcement: Announcement, event: Event) -> AnnounceReply | NoReply:
        """Announce `event`, and read who else is there."""
        connection = await self._connect()
        if isinstance(connection, NoReply):
            return connection
        transaction = os.urandom(udp_codec.TRANSACTION_BYTES)
        is_v6 = self.endpoint.address.version == 6
        width = IPV6_PEER_BYTES if is_v6 else IPV4_PEER_BYTES
        return await self._ask(
            udp_codec.encode_announce(
                connection, transaction, announcement, event, url_data=self._url_data
            ),
            transaction,
            udp_codec.ANNOUNCE,
            lambda body: udp_codec.read_announce(body, width),
        )

    def close(self) -> None:
        """Close the socket; harmless when none is open."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    async def _connect(self) -> bytes | NoReply:
        """A connection id that is valid still; where nobody listens, the next endpoint's."""
        now_s = asyncio.get_running_loop().time()
        age_s = now_s - self._connected_at_s
        if self._connection and age_s < udp_codec.CONNECTION_VALID_S - _CONNECTION_MARGIN_S:
            return self._connection
        while True:
            reply = await self._connect_to_first()
            if not isinstance(reply, NoReply):
                self._connection, self._connected_at_s = reply, now_s
                return reply
            if reply.outcome is not TrackerOutcome.UNREACHABLE or len(self._endpoints) == 1:
                return reply
            self.close()
            del self._endpoints[0]

    async def _connect_to_first(self) -> bytes | NoReply:
        if self._transport is None:
            try:
                await self._open()
            except OSError:
                return NoReply(TrackerOutcome.UNREACHABLE, "no route leads there")
        transaction = os.urandom(udp_codec.TRANSACTION_BYTES)
        packet = udp_codec.encode_connect(transaction)
        return await self._ask(packet, transaction, udp_codec.CONNECT, udp_codec.read_connection)

    async def _open(self) -> None:
        where = (str(self.endpoint.address), self.endpoint.port)
        self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: _Inbox(self._inbox), remote_addr=where
        )

    async def _ask(
        self, packet: bytes, transaction: bytes, action: int, read: Callable[[bytes], _T]
    ) -> _T | NoReply:
        while not self._inbox.empty():  # late answers to what was asked before
            self._inbox.get_nowait()
        noise: str | None = None
        for end_s in _ends(self._timeout_s):
            assert self._transport is not None
            self._transport.sendto(packet)
            while (datagram := await self._receive(end_s)) is not None:
                if isinstance(datagram, OSError):
                    return NoReply(TrackerOutcome.UNREACHABLE, "nobody listens there")
                try:
                    said, body = udp_codec.open_envelope(datagram, transaction)
                    if said == udp_codec.ERROR:
                        self._connection = None  # it may be what the tracker objects to
                        text = body[:1000].decode("utf-8", "replace")
                        return NoReply(TrackerOutcome.REFUSED, text)
                    if said == action:
                        return read(body)
                    noise = f"action {said} where {action} was asked"
                except MalformedMessage as error:
                    noise = str(error)
        if noise is not None:
            return NoReply(TrackerOutcome.MALFORMED, noise)
        return NoReply(TrackerOutcome.TIMEOUT)

    async def _receive(self, end_s: float) -> bytes | OSError | None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end_s):
                return await self._inbox.get()
        return None


def _ends(timeout_s: float) -> Iterator[float]:
    """When to send again, on the loop's clock: after 1/7, 3/7 and 7/7 of the time granted."""
    start_s = asyncio.get_running_loop().time()
    parts = 2**_SENDINGS - 1
    for sending in range(1, _SENDINGS + 1):
        yield start_s + timeout_s * (2**sending - 1) / parts


class _Inbox(asyncio.DatagramProtocol):
    def __init__(self, queue: asyncio.Queue[bytes | OSError]) -> None:
        self._queue = queue

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._put(data)

    def error_received(self, exc: Exception) -> None:
        self._put(cast(OSError, exc))

    def _put(self, event: bytes | OSError) -> None:
        if not self._queue.full():
            self._queue.put_nowait(event)
