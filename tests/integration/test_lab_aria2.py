"""A client that nobody here wrote: Debian's aria2, seeding on loopback, in the lab's DHT."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.dht import SimulatedDht
from lab.metainfo import MetainfoVersion, PayloadFile, make_torrent
from swarm.metainfo import parse_torrent

ANNOUNCED_WITHIN_S = 120.0


def free_port() -> int:
    """A port that the system has just given out; aria2 cannot be asked to take any."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def seeding(folder: Path, torrent: Path, bootstrap: str, port: int) -> Iterator[None]:
    """aria2c, sharing what is in the folder, with nothing of the user's configuration."""
    command = [
        "aria2c", "--no-conf=true", "--quiet=true", f"--dir={folder}",
        "--check-integrity=true", "--seed-ratio=0.0", "--disable-ipv6=true",
        "--enable-dht=true", "--enable-dht6=false", f"--dht-entry-point={bootstrap}",
        f"--dht-file-path={folder / 'dht.dat'}", f"--dht-listen-port={free_port()}",
        f"--listen-port={port}", "--bt-enable-lpd=false", str(torrent),
    ]  # fmt: skip
    client = subprocess.Popen(command)
    try:
        yield
    finally:
        client.kill()
        client.wait()


@pytest.mark.aria2
@pytest.mark.skipif(shutil.which("aria2c") is None, reason="aria2c is not installed")
def test_aria2_is_announced_in_the_simulated_dht(tmp_path: Path) -> None:
    """It accepts the simulated nodes as a DHT, the dead among them, and announces what it seeds."""
    content = random.Random(5).randbytes(100_000)
    raw = make_torrent(
        "noise.bin",
        [PayloadFile(("noise.bin",), len(content), content)],
        version=MetainfoVersion.V1,
        piece_bytes=32 * 1024,
        comment="",
        created_s=0,
    )
    torrent = tmp_path / "noise.torrent"
    torrent.write_bytes(raw)
    (tmp_path / "noise.bin").write_bytes(content)
    key, port = parse_torrent(raw).infohash.digest, free_port()
    announcement = (key, bytes([127, 0, 0, 1]) + port.to_bytes(2))
    with (
        SimulatedDht(seed=1, nodes=2000) as dht,
        seeding(tmp_path, torrent, dht.bootstrap, port),
    ):
        missing = dht.wait_for([announcement], holders=1, deadline_s=ANNOUNCED_WITHIN_S)
        assert missing == frozenset()
