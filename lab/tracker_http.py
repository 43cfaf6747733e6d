"""The HTTP side of the lab's tracker (BEP 3, 7, 23, 48), faults and all."""

from __future__ import annotations

import gzip
import itertools
import socket
import threading
from collections.abc import Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote_to_bytes

from bencode2 import bencode

from lab.tracker_book import TrackerBook, TrackerQuestion
from lab.tracker_faults import FaultDice, TrackerFault
from swarm.endpoint import Endpoint, endpoint_to_compact

_MOVED = "/moved"  # what begins so is redirected to the rest
_DRIBBLE_S = 0.2
_PLAIN = (("Content-Type", "text/plain"),)
_BOMB_BYTES = 50_000_000


class HttpSide:
    """A web server that answers announces and scrapes until `stop`."""

    def __init__(
        self,
        book: TrackerBook,
        dice: FaultDice,
        host: str,
        *,
        interval_s: int,
        most_scraped: int,
        is_compact: bool,
    ) -> None:
        self.book = book
        self.dice = dice
        self.interval_s = interval_s
        self.most_scraped = most_scraped
        self.is_compact = is_compact
        self.stopping = threading.Event()
        self._server = (_Server6 if ":" in host else _Server)(self, host)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="lab-tracker-http", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Answer no more, and free the port."""
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # an endless answer must not hold stop()
    request_queue_size = 128

    def __init__(self, side: HttpSide, host: str) -> None:
        self.side = side
        super().__init__((host, 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: an asker that went away is no event here."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if path.startswith(f"{_MOVED}/"):
            self._send(302, b"", (("Location", self.path.removeprefix(_MOVED)),))
            return
        fields = _fields(query)
        action = path.rpartition("/")[2]
        fault = self.server.side.dice.draw()
        if action.startswith("announce"):
            answer = self._announce(fields)
        elif action.startswith("scrape"):
            answer = self._scrape(fields, fault)
        else:
            self._send(404, b"nothing here")
            return
        self._send_faulty(fault, bencode(answer))

    def _scrape(
        self, fields: list[tuple[bytes, bytes]], fault: TrackerFault | None
    ) -> dict[bytes, Any]:
        side = self.server.side
        keys = tuple(value for name, value in fields if name == b"info_hash")
        side.book.log(TrackerQuestion("http", "scrape", keys, url_data=self.path))
        read = keys[: side.most_scraped]
        if fault is TrackerFault.FIRST_ONLY:
            read = keys[:1]
        elif fault is TrackerFault.LAST_ONLY:
            read = keys[-1:]
        files = {}
        for key in read:
            tally = side.book.tally(key)
            if tally is not None:
                files[key] = {
                    b"complete": tally.seeders,
                    b"downloaded": tally.completed,
                    b"incomplete": tally.leechers,
                }
        return {b"files": files}

    def _announce(self, fields: list[tuple[bytes, bytes]]) -> dict[bytes, Any]:
        side, said = self.server.side, dict(fields)
        infohash, event = said.get(b"info_hash", b""), said.get(b"event", b"").decode("latin-1")
        port = int(said.get(b"port", b"0"))
        if len(infohash) != 20 or not 0 < port < 65536:
            return {b"failure reason": b"info_hash or port is missing"}
        peer = Endpoint(ip_address(str(self.client_address[0])), port)
        question = TrackerQuestion("http", "announce", (infohash,), event, peer, self.path)
        side.book.log(question)
        side.book.announce(infohash, peer, left_bytes=int(said.get(b"left", b"1")), event=event)
        tally = side.book.tally(infohash)
        assert tally is not None
        most = int(said.get(b"numwant", b"50"))
        peers = [side.book.peers(infohash, version=version, most=most) for version in (4, 6)]
        answer: dict[bytes, Any] = {
            b"complete": tally.seeders,
            b"incomplete": tally.leechers,
            b"interval": side.interval_s,
        }
        if side.is_compact:
            answer[b"peers"] = b"".join(map(endpoint_to_compact, peers[0]))
            answer[b"peers6"] = b"".join(map(endpoint_to_compact, peers[1]))
        else:
            answer[b"peers"] = [
                {b"ip": str(peer.address).encode(), b"peer id": bytes(20), b"port": peer.port}
                for peer in itertools.chain(*peers)
            ]
        return answer

    def _send_faulty(self, fault: TrackerFault | None, honest: bytes) -> None:
        side = self.server.side
        match fault:
            case TrackerFault.SILENT:
                side.stopping.wait()
                self.close_connection = True
            case TrackerFault.GARBAGE:
                self._send(200, side.dice.noise())
            case TrackerFault.FAILURE:
                self._send(200, bencode({b"failure reason": b"the lab refuses"}))
            case TrackerFault.GZIP_BOMB:
                self._send(200, _bomb(), (*_PLAIN, ("Content-Encoding", "gzip")))
            case TrackerFault.REDIRECT_TO_FILE:
                self._send(302, b"", (("Location", "file:///etc/hostname"),))
            case TrackerFault.REDIRECT_FOR_EVER:
                self._send(302, b"", (("Location", self.path),))
            case TrackerFault.ENDLESS:
                self._stream(itertools.repeat(b"5" * 65_536), pause_s=0.0)
            case TrackerFault.DRIBBLE:
                self._stream(itertools.repeat(b"5"), pause_s=_DRIBBLE_S)
            case _:
                self._send(200, honest)

    def _send(
        self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = _PLAIN
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, pieces: Iterator[bytes], *, pause_s: float) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")  # the body's end is the connection's
        self.end_headers()
        for piece in pieces:
            self.wfile.write(piece)
            if self.server.side.stopping.wait(pause_s):
                break
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: `TrackerBook.questions` is the log."""


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(_BOMB_BYTES), 6)


def _fields(query: str) -> list[tuple[bytes, bytes]]:
    """The fields of a query in their order, as bytes: an infohash is no text."""
    pairs = (part.partition("=") for part in query.split("&") if part)
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs]
