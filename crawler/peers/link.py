"""A TCP connection to one peer, with a deadline on every wait. Moves bytes, decides nothing."""

from __future__ import annotations

import asyncio
import errno
import secrets
from ipaddress import ip_address

from crawler.peers.wire import PEER_ID_BYTES, PEER_ID_PREFIX
from swarm.endpoint import Endpoint
from swarm.visit import VisitOutcome

_CHUNK_BYTES = 65_536
_MOST_UNSENT_BYTES = 65_536
# Our own machine is short of something: that says nothing about the peer.
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL})


def new_peer_id() -> bytes:
    """`-SA0001-` and 12 random bytes: who we are, and nothing that lasts beyond one run."""
    return PEER_ID_PREFIX + secrets.token_bytes(PEER_ID_BYTES - len(PEER_ID_PREFIX))


class Link:
    """An open connection. `close` it in any case."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        address, port = writer.get_extra_info("sockname")[:2]
        self.own_end = Endpoint(ip_address(address), port)

    async def read(self, timeout_s: float) -> bytes | None:
        """What came, b"" when the peer hung up, None when nothing came in time."""
        try:
            async with asyncio.timeout(max(0.0, timeout_s)):
                return await self._reader.read(_CHUNK_BYTES)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def write(self, raw: bytes) -> None:
        """Send; what we say is short. Hangs up on who asks and asks, and reads no answer."""
        if raw:
            self._writer.write(raw)
        if self._writer.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self.close()

    def close(self) -> None:
        """Hang up at once."""
        self._writer.transport.abort()


async def open_link(peer: Endpoint, timeout_s: float) -> Link | VisitOutcome:
    """Connect, or say why not; NOT_VISITED is where our own machine cannot."""
    try:
        async with asyncio.timeout(max(0.0, timeout_s)):
            return Link(*await asyncio.open_connection(str(peer.address), peer.port))
    except TimeoutError:
        return VisitOutcome.TIMEOUT
    except ConnectionResetError:
        return VisitOutcome.CLOSED
    except OSError as error:
        if error.errno in _OURS:
            return VisitOutcome.NOT_VISITED
        return VisitOutcome.TIMEOUT if error.errno == errno.ETIMEDOUT else VisitOutcome.REFUSED
