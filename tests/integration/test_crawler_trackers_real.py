"""Asking trackers that others wrote: Debian's opentracker, with libtorrent and transmission peers.

Debian builds opentracker for IPv4 and with a whitelist; IPv6 is tried with the lab's own tracker.
"""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote
from urllib.request import urlopen

import libtorrent as lt
import pytest

from crawler.trackers.asking import TrackerPlan, TrackerTarget, ask_trackers
from lab.metainfo import MetainfoVersion, PayloadFile, make_torrent
from lab.tracker import LabTracker
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.metainfo import parse_torrent
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome

ANNOUNCED_WITHIN_S = 90.0
CONTENT = random.Random(8).randbytes(100_000)
NOBODYS = InfoHash(bytes(20))
MANY = [InfoHash(n.to_bytes(20)) for n in range(1, 151)]
# libtorrent keeps the connection id of a UDP tracker for a minute by address, whatever the port: a
# second tracker at the same one would be spoken to in the first one's words.
ADDRESSES = (f"127.5.0.{n}" for n in range(1, 255))


def plan(*, announce: bool = True) -> TrackerPlan:
    return TrackerPlan(
        announce=announce, allow_local=True, timeout_s=10.0, deadline_s=60.0, pause_s=0.0
    )


def ask(url: str, infohash: InfoHash) -> dict[TrackerAction, TrackerAnswer]:
    answers = [a for a in ask_trackers([TrackerTarget(infohash, (url,))], plan()) if a]
    return {answer.action: answer for answer in answers}


def scraped(url: str, infohash: InfoHash) -> tuple[int | None, int | None]:
    answers = [
        a for a in ask_trackers([TrackerTarget(infohash, (url,))], plan(announce=False)) if a
    ]
    return answers[0].seeders, answers[0].leechers


def wait_until(holds: Callable[[], bool]) -> None:
    """Ask again and again until it holds; fails after ANNOUNCED_WITHIN_S."""
    deadline = time.monotonic() + ANNOUNCED_WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "what the test waits for did not come"
        time.sleep(0.1)


@dataclass(frozen=True)
class Shared:
    """A torrent in a folder, with its payload beside it."""

    folder: Path
    path: Path
    infohash: InfoHash


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    raw = make_torrent(
        "noise.bin",
        [PayloadFile(("noise.bin",), len(CONTENT), CONTENT)],
        version=MetainfoVersion.V1,
        piece_bytes=32 * 1024,
        comment="",
        created_s=0,
    )
    folder = tmp_path / "payload"
    folder.mkdir()
    (folder / "noise.bin").write_bytes(CONTENT)
    path = tmp_path / "noise.torrent"
    path.write_bytes(raw)
    return Shared(folder, path, parse_torrent(raw).infohash)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    with socket.socket(type=kind) as sock:
        sock.bind((host, 0))
        return int(sock.getsockname()[1])


@dataclass(frozen=True)
class OpenTracker:
    """A running opentracker: its announce URLs over both protocols."""

    http_url: str
    udp_url: str


@pytest.fixture
def opentracker(shared: Shared) -> Iterator[OpenTracker]:
    """opentracker for the shared torrent, in a folder that it may read as `nobody`."""
    address = next(ADDRESSES)
    http_port, udp_port = free_port(host=address), free_port(socket.SOCK_DGRAM, address)
    with TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        (home / "whitelist").write_text("".join(f"{one.hex}\n" for one in [shared.infohash, *MANY]))
        (home / "whitelist").chmod(0o644)
        process = subprocess.Popen(
            [
                "opentracker", "-i", address, "-p", str(http_port), "-P", str(udp_port),
                "-d", name, "-w", "whitelist",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        tracker = OpenTracker(
            f"http://{address}:{http_port}/announce", f"udp://{address}:{udp_port}/announce"
        )
        try:
            wait_until(lambda: scraped(tracker.udp_url, shared.infohash) != (None, None))
            yield tracker
        finally:
            process.kill()
            process.wait()


@contextmanager
def libtorrent_peer(
    shared: Shared, address: str, url: str, downloads: Path, *, is_seeder: bool
) -> Iterator[Endpoint]:
    """A libtorrent session in the swarm, listening on `address`; a leecher never downloads."""
    where = f"[{address}]" if ":" in address else address
    session = lt.session(
        {
            "listen_interfaces": f"{where}:0", "outgoing_interfaces": address,
            "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
            "enable_natpmp": False, "ssrf_mitigation": False, "alert_mask": 0,
        }
    )  # fmt: skip
    params = lt.load_torrent_buffer(shared.path.read_bytes())
    params.trackers = [url]
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    params.flags |= lt.torrent_flags.seed_mode if is_seeder else lt.torrent_flags.upload_mode
    params.save_path = str(shared.folder if is_seeder else downloads)
    handle = session.add_torrent(params)
    try:
        yield Endpoint.parse(f"{where}:{session.listen_port()}")
    finally:
        session.remove_torrent(handle)
        session.pause()


@contextmanager
def transmission_peer(shared: Shared, address: str, url: str, home: Path) -> Iterator[Endpoint]:
    """transmission-daemon, seeding the torrent that lies in its watched folder."""
    watched, port = home / "watched", free_port(host=address)
    watched.mkdir(parents=True)
    torrent = with_tracker(shared.path.read_bytes(), url)
    (watched / "noise.torrent").write_bytes(torrent)  # read when the daemon starts
    process = subprocess.Popen(
        [
            "transmission-daemon", "--foreground", "--config-dir", str(home),
            "--download-dir", str(shared.folder), "--watch-dir", str(watched),
            "--bind-address-ipv4", address, "--peerport", str(port),
            "--rpc-bind-address", "127.0.0.1", "--port", str(free_port()),
            "--no-portmap", "--no-dht", "--no-lpd", "--no-utp",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield Endpoint.parse(f"{address}:{port}")
    finally:
        process.kill()
        process.wait()


def with_tracker(torrent: bytes, url: str) -> bytes:
    decoded = lt.bdecode(torrent)
    decoded[b"announce"] = url.encode()
    return bytes(lt.bencode(decoded))


@pytest.mark.opentracker
@pytest.mark.transmission
@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_opentracker_is_read_as_it_is(
    protocol: str, opentracker: OpenTracker, shared: Shared, tmp_path: Path
) -> None:
    """Counts and peers are those of two libtorrent clients and a transmission, no more."""
    url = opentracker.http_url if protocol == "http" else opentracker.udp_url
    home = tmp_path / "transmission"
    with (
        libtorrent_peer(shared, "127.4.0.2", opentracker.udp_url, tmp_path, is_seeder=True) as seed,
        libtorrent_peer(
            shared, "127.4.0.3", opentracker.http_url, tmp_path, is_seeder=False
        ) as leech,
        transmission_peer(shared, "127.4.0.4", opentracker.http_url, home) as other,
    ):
        wait_until(lambda: scraped(url, shared.infohash) == (2, 1))
        for _ in range(2):  # the second time finds no trace of the first
            found = ask(url, shared.infohash)
            for answer in found.values():
                assert answer.outcome is TrackerOutcome.ANSWERED
                assert (answer.seeders, answer.leechers) == (2, 1)
            sightings = found[TrackerAction.ANNOUNCE].sightings
            assert sightings is not None
            assert {s.peer for s in sightings} == {seed, leech, other}
        assert scraped(url, shared.infohash) == (2, 1)


@pytest.mark.opentracker
def test_opentracker_refuses_and_does_not_know(opentracker: OpenTracker) -> None:
    """Over HTTP a swarm that nobody shares is unknown; an announce beyond its list is refused."""
    found = ask(opentracker.http_url, NOBODYS)
    assert found[TrackerAction.SCRAPE].outcome is TrackerOutcome.UNKNOWN
    assert found[TrackerAction.ANNOUNCE].outcome is TrackerOutcome.REFUSED
    assert "not authorized" in (found[TrackerAction.ANNOUNCE].message or "")


@pytest.mark.opentracker
def test_150_swarms_at_opentracker_are_all_told(opentracker: OpenTracker) -> None:
    """opentracker reads 64 swarms of an HTTP scrape and says so nowhere; none is lost by that."""
    for infohash in MANY:
        said = f"info_hash={quote(infohash.digest)}&peer_id={'p' * 20}&port=6881&left=0"
        with urlopen(f"{opentracker.http_url}?{said}", timeout=10) as answer:
            assert b"failure" not in answer.read()
    for url in (opentracker.http_url, opentracker.udp_url):
        asked = ask_trackers([TrackerTarget(one, (url,)) for one in MANY], plan(announce=False))
        answers = [a for a in asked if a is not None]
        assert [a.seeders for a in answers] == [1] * 150
        assert {a.infohash for a in answers} == set(MANY)


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_libtorrent_over_ipv6_is_told(protocol: str, shared: Shared, tmp_path: Path) -> None:
    """A libtorrent client that announced itself over [::1] comes back as an IPv6 peer."""
    with LabTracker(host="::1") as tracker:
        url = tracker.http_url if protocol == "http" else tracker.udp_url
        with libtorrent_peer(shared, "::1", url, tmp_path, is_seeder=True) as seed:
            wait_until(lambda: scraped(url, shared.infohash) == (1, 0))
            sightings = ask(url, shared.infohash)[TrackerAction.ANNOUNCE].sightings
            assert sightings is not None
            assert {s.peer for s in sightings} == {seed}
