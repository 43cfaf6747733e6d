"""Two small real proxies on loopback, which count: a forward HTTP proxy and SOCKS5 (RFC 1928)."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit


class Proxy(socketserver.ThreadingTCPServer):
    """Takes all names for this machine; `asked` lists where it was told to connect to."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler], scheme: str) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.scheme = scheme
        self.asked: list[tuple[str, int]] = []

    @property
    def url(self) -> str:
        """As http_proxy of config.txt takes it."""
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def reach(self, host: str, port: int) -> socket.socket:
        """Connect on behalf of a client."""
        self.asked.append((host, port))
        return socket.create_connection(("127.0.0.1", port), timeout=10)


class _Http(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.request.recv(65_536)
            if not piece:
                return
            head += piece
        line, _, rest = head.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ")
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        with self.server.reach(parts.hostname or "", parts.port or 80) as site:
            if method == "CONNECT":
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = target.partition("://")[2].partition("/")[2]
                fields = [f for f in rest.split(b"\r\n") if not f.lower().startswith(b"connection")]
                start = f"{method} /{path} {version}\r\nConnection: close\r\n".encode("latin-1")
                site.sendall(start + b"\r\n".join(fields))
            _relay(self.request, site)


class _Socks(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        _, methods = self._read(2)
        self._read(methods)
        self.request.sendall(b"\x05\x00")
        kind = self._read(4)[3]
        size = {1: 4, 4: 16}.get(kind) or self._read(1)[0]
        raw = self._read(size)
        host = raw.decode() if kind == 3 else ".".join(map(str, raw))
        port = int.from_bytes(self._read(2))
        with self.server.reach(host, port) as site:
            self.request.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
            _relay(self.request, site)

    def _read(self, size: int) -> bytes:
        raw: bytes = self.request.recv(size, socket.MSG_WAITALL)
        if len(raw) < size:
            raise ConnectionError("the client went away")
        return raw


def _relay(client: socket.socket, site: socket.socket) -> None:
    back = threading.Thread(target=_copy, args=(site, client), daemon=True)
    back.start()
    _copy(client, site)
    back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def proxy(scheme: str) -> Iterator[Proxy]:
    """A running proxy, "http" or "socks5"."""
    server = Proxy({"http": _Http, "socks5": _Socks}[scheme], scheme)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that went away
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
