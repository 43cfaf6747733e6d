"""Peers on loopback for tests: real clients of three makes, and fakes that misbehave as told."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import libtorrent as lt

from crawler.peers.wire import HANDSHAKE_BYTES
from lab.clients import client_settings
from lab.metainfo import MetainfoVersion, PayloadFile, make_torrent
from swarm.endpoint import Endpoint
from swarm.metainfo import parse_torrent
from swarm.torrent import Torrent

DEADLINE_S = 60.0
PIECE_BYTES = 32 * 1024
NAME = "tide-gauges.csv"


@dataclass(frozen=True)
class Shared:
    """A torrent, and the folder in which its payload lies."""

    raw: bytes
    folder: Path
    torrent: Torrent

    @property
    def key(self) -> bytes:
        return self.torrent.infohash.digest


def share(
    folder: Path,
    version: MetainfoVersion = MetainfoVersion.V1,
    *,
    size: int = 300_000,
    piece_bytes: int = PIECE_BYTES,
) -> Shared:
    """A torrent of random readings, with its payload."""
    content = random.Random(7).randbytes(size)
    raw = make_torrent(
        NAME,
        [PayloadFile((NAME,), size, content)],
        version=version,
        piece_bytes=piece_bytes,
        comment="",
        created_s=0,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(content)
    return Shared(raw, folder, parse_torrent(raw))


def wait_until(what: Callable[[], bool], every_s: float = 0.02) -> None:
    """Until it holds; AssertionError after a minute."""
    end = time.monotonic() + DEADLINE_S
    while not what():
        assert time.monotonic() < end, "it did not come about in a minute"
        time.sleep(every_s)


# --- libtorrent ---


class LibtorrentPeer:
    """One session with one torrent, on an address of its own."""

    def __init__(self, address: str, raw: bytes, save_path: Path, *, seed: bool) -> None:
        settings = client_settings(IPv4Address("127.0.0.1"), "")
        shown = f"[{address}]" if ":" in address else address
        settings |= {
            "enable_dht": False,
            "listen_interfaces": f"{shown}:0",
            "outgoing_interfaces": address,
        }
        self.session = lt.session(settings)
        params = lt.load_torrent_buffer(raw)
        params.save_path = str(save_path)
        params.flags &= ~lt.torrent_flags.auto_managed
        params.flags &= ~lt.torrent_flags.paused
        if seed:
            params.flags |= lt.torrent_flags.seed_mode
        self.handle = self.session.add_torrent(params)
        self.endpoint = Endpoint(ip_address(address), self.session.listen_port())

    def connect(self, other: LibtorrentPeer) -> None:
        """Connect, and wait until they have shaken hands."""
        peer = other.endpoint
        self.handle.connect_peer((str(peer.address), peer.port))
        both = lt.peer_info.handshake | lt.peer_info.connecting
        wait_until(
            lambda: any(
                tuple(info.ip) == (str(peer.address), peer.port) and not info.flags & both
                for info in self.handle.get_peer_info()
            )
        )


# --- other makes ---


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _await_listener(peer: Endpoint) -> None:
    def answers() -> bool:
        with suppress(OSError), socket.create_connection((str(peer.address), peer.port), 1):
            return True
        return False

    wait_until(answers)


@contextmanager
def transmission(root: Path, torrent: Path, downloads: Path, address: str) -> Iterator[Endpoint]:
    """transmission-daemon, sharing one torrent, listening on one address."""
    root.mkdir()
    (root / "watched").mkdir()
    peer = Endpoint(ip_address(address), free_port())
    settings = {
        "bind-address-ipv4": address,
        "bind-address-ipv6": "::1",
        "dht-enabled": False,
        "lpd-enabled": False,
        "utp-enabled": False,
        "port-forwarding-enabled": False,
        "encryption": 0,
        "peer-port": peer.port,
        "rpc-enabled": False,
        "download-dir": str(downloads),
        "watch-dir": str(root / "watched"),
        "watch-dir-enabled": True,
    }
    (root / "settings.json").write_text(json.dumps(settings))
    (root / "watched" / "it.torrent").write_bytes(torrent.read_bytes())
    process = subprocess.Popen(
        ["transmission-daemon", "--foreground", f"--config-dir={root}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        # Its own record of the torrent: written when it has been added.
        wait_until(lambda: any((root / "torrents").glob("*.torrent")))
        _await_listener(peer)
        yield peer
    finally:
        process.kill()
        process.wait()


# --- fakes ---

Behaviour = Callable[[socket.socket, bytes], None]  # the connection, and the handshake that came


class FakePeers:
    """Listeners that take a handshake and then do as told; they count who comes."""

    def __init__(self, behaviour: Behaviour, count: int = 1, address: str = "127.0.0.1") -> None:
        self._behaviour = behaviour
        self._lock = threading.Lock()
        self._listeners = []
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self.stopped = threading.Event()
        self.visits: list[Endpoint] = []  # which listener, in the order of the connections
        self.received: list[bytes] = []  # of each connection that has ended
        for _ in range(count):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            self._listeners.append(socket.create_server((address, 0), family=family))
        self.endpoints = tuple(
            Endpoint(ip_address(address), listener.getsockname()[1]) for listener in self._listeners
        )

    def __enter__(self) -> FakePeers:
        for listener, endpoint in zip(self._listeners, self.endpoints, strict=True):
            self._start(self._accept, listener, endpoint)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for listener in self._listeners:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for sock in self._open:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _start(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket, endpoint: Endpoint) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, sock, endpoint)

    def _serve(self, sock: socket.socket, endpoint: Endpoint) -> None:
        with self._lock:
            self.visits.append(endpoint)
            self._open.add(sock)
        tap = _Tap(sock)
        with sock, suppress(OSError, EOFError):
            self._behaviour(tap, tap.take(HANDSHAKE_BYTES))  # type: ignore[arg-type]
        with self._lock:
            self._open.discard(sock)
            self.received.append(bytes(tap.heard))


class _Tap:
    """A socket that remembers what came, and can be asked for an exact number of bytes."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.heard = bytearray()

    def take(self, count: int) -> bytes:
        taken = b""
        while len(taken) < count:
            chunk = self._sock.recv(count - len(taken))
            if not chunk:
                raise EOFError
            self.heard += chunk
            taken += chunk
        return taken

    def drain(self) -> None:
        """Listen until the other side hangs up."""
        while chunk := self._sock.recv(65536):
            self.heard += chunk

    def sendall(self, raw: bytes) -> None:
        self._sock.sendall(raw)
