"""The UDP side of the lab's tracker (BEP 15, BEP 41), written from the BEPs and not from our codec.

Connection ids are a keyed hash of the asker's address, as BEP 15 suggests, and never expire.
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import struct
import threading
from ipaddress import ip_address

from lab.tracker_book import TrackerBook, TrackerQuestion
from lab.tracker_faults import FaultDice, TrackerFault
from swarm.endpoint import Endpoint, endpoint_to_compact

_MAGIC = 0x41727101980
_CONNECT, _ANNOUNCE, _SCRAPE, _ERROR = range(4)
_EVENTS = ("", "completed", "started", "stopped")
_POLL_S = 0.05


class UdpSide:
    """A thread that answers datagrams until `stop`."""

    def __init__(
        self, book: TrackerBook, dice: FaultDice, host: str, *, interval_s: int, most_scraped: int
    ) -> None:
        self._book = book
        self._dice = dice
        self._interval_s = interval_s
        self._most_scraped = most_scraped
        self._key = secrets.token_bytes(16)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._socket.settimeout(_POLL_S)
        self.port = int(self._socket.getsockname()[1])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="lab-tracker-udp", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        self._stopping.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._stopping.is_set():
            try:
                datagram, sender = self._socket.recvfrom(65_536)
            except (TimeoutError, ConnectionError):
                continue
            asker = Endpoint(ip_address(sender[0]), sender[1])
            reply = self._answer(datagram, asker)
            if reply is not None:
                self._socket.sendto(reply, sender)

    def _answer(self, datagram: bytes, asker: Endpoint) -> bytes | None:
        if len(datagram) < 16:
            return None
        connection, action, transaction = struct.unpack_from(">QII", datagram)
        fault = self._dice.draw()
        reply = self._honest(connection, action, transaction, datagram[16:], asker)
        if fault is TrackerFault.SILENT:
            return None
        if fault is TrackerFault.GARBAGE:
            return self._dice.noise()
        if fault is TrackerFault.FAILURE:
            return struct.pack(">II", _ERROR, transaction) + b"the lab refuses"
        if fault is TrackerFault.WRONG_TRANSACTION and reply is not None:
            return reply[:4] + struct.pack(">I", transaction ^ 1) + reply[8:]
        return reply

    def _honest(
        self, connection: int, action: int, transaction: int, body: bytes, asker: Endpoint
    ) -> bytes | None:
        if action == _CONNECT:
            self._book.log(TrackerQuestion("udp", "connect"))
            if connection != _MAGIC:
                return None
            return struct.pack(">IIQ", _CONNECT, transaction, self._connection_of(asker))
        if connection != self._connection_of(asker):
            return struct.pack(">II", _ERROR, transaction) + b"unknown connection"
        if action == _SCRAPE and body:
            return struct.pack(">II", _SCRAPE, transaction) + self._scrape(body)
        if action == _ANNOUNCE and len(body) >= 82:
            return struct.pack(">II", _ANNOUNCE, transaction) + self._announce(body, asker)
        return struct.pack(">II", _ERROR, transaction) + b"unknown action"

    def _connection_of(self, asker: Endpoint) -> int:
        named = endpoint_to_compact(asker)
        return int.from_bytes(hashlib.blake2b(named, key=self._key, digest_size=8).digest())

    def _scrape(self, body: bytes) -> bytes:
        keys = tuple(body[at : at + 20] for at in range(0, len(body) - 19, 20))
        self._book.log(TrackerQuestion("udp", "scrape", keys))
        rows = []
        for key in keys[: self._most_scraped]:
            tally = self._book.tally(key)
            counts = (tally.seeders, tally.completed, tally.leechers) if tally else (0, 0, 0)
            rows.append(struct.pack(">III", *counts))
        return b"".join(rows)

    def _announce(self, body: bytes, asker: Endpoint) -> bytes:
        infohash = body[:20]
        (left_bytes,) = struct.unpack_from(">Q", body, 48)
        event, _, _, wanted, port = struct.unpack_from(">IIIiH", body, 64)
        peer = Endpoint(asker.address, port or asker.port)
        name = _EVENTS[event] if event < len(_EVENTS) else ""
        said = _url_data(body[82:])
        self._book.log(TrackerQuestion("udp", "announce", (infohash,), name, peer, said))
        self._book.announce(infohash, peer, left_bytes=left_bytes, event=name)
        tally = self._book.tally(infohash)
        assert tally is not None
        most = 50 if wanted < 0 else wanted
        peers = self._book.peers(infohash, version=asker.address.version, most=most)
        counts = struct.pack(">III", self._interval_s, tally.leechers, tally.seeders)
        return counts + b"".join(map(endpoint_to_compact, peers))


def _url_data(options: bytes) -> str:
    """BEP 41: options are type, length, value; 0 ends them, 1 is padding, 2 is URL data."""
    said, at = b"", 0
    while at < len(options) and options[at] != 0:
        if options[at] == 1:
            at += 1
            continue
        length = options[at + 1] if at + 1 < len(options) else 0
        if options[at] == 2:
            said += options[at + 2 : at + 2 + length]
        at += 2 + length
    return said.decode("latin-1")
