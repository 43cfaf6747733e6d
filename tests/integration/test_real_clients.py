"""A real client of another make, seeding on loopback, is found by the command line."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import libtorrent as lt
import pytest

from lab.geography import country_of
from swarm.metainfo import parse_torrent
from tests.integration.conftest import Lab

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0


@pytest.fixture
def torrent_path(tmp_path: Path) -> Path:
    """A torrent whose payload lies beside it."""
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed" / "readings.csv").write_bytes(b"hour,level\n" * 20_000)
    maker = lt.create_torrent(
        lt.list_files(str(tmp_path / "seed" / "readings.csv")), 16384, lt.create_torrent.v1_only
    )
    lt.set_piece_hashes(maker, str(tmp_path / "seed"))
    path = tmp_path / "readings.torrent"
    path.write_bytes(lt.bencode(maker.generate()))
    return path


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def aria2_port(lab: Lab, torrent_path: Path, tmp_path: Path) -> Iterator[int]:
    """aria2c, seeding the torrent on 127.0.0.1 and announcing into the lab's DHT."""
    port = free_port()
    process = subprocess.Popen(
        [
            "aria2c",
            "--no-conf",
            f"--dir={tmp_path / 'seed'}",
            "--check-integrity=true",
            "--seed-ratio=0",
            "--interface=127.0.0.1",
            "--disable-ipv6=true",
            f"--listen-port={port}",
            f"--dht-listen-port={port}",
            "--enable-dht=true",
            f"--dht-entry-point={lab.facts.bootstrap}",
            f"--dht-file-path={tmp_path / 'dht.dat'}",
            "--bt-enable-lpd=false",
            "--enable-peer-exchange=false",
            str(torrent_path),
        ],
        stdout=subprocess.DEVNULL,
    )
    yield port
    process.terminate()
    process.wait()


@pytest.mark.aria2
def test_aria2_is_found_and_placed(
    lab: Lab, aria2_port: int, torrent_path: Path, tmp_path: Path
) -> None:
    """`crawl FILE.torrent` finds the seeding aria2c, and shows it in the country of its address."""
    workspace = tmp_path / "world"
    workspace.mkdir()
    (workspace / "config.txt").write_text(lab.config)
    out = tmp_path / "found.jsonl"
    command = [sys.executable, "main.py", "crawl", str(torrent_path), f"--workspace={workspace}"]
    deadline = time.monotonic() + DEADLINE_S
    found: list[list[object]] = []
    while not found and time.monotonic() < deadline:  # until aria2c has announced itself
        said = subprocess.run(
            [*command, "--json", "--raw-addresses", f"--out={out}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        line = json.loads(out.read_text())
        found = line["peers"]
    assert found == [["127.0.0.1", aria2_port]]
    assert line["infohash"] == parse_torrent(torrent_path.read_bytes()).infohash.hex
    summary = json.loads(said.stdout.splitlines()[-1])
    assert (summary["infohashes"], summary["peers"]) == (1, 1)

    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"{country_of(IPv4Address('127.0.0.1'))} 1" in shown
