"""A real client of another make, seeding on loopback, is found by the command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path

import libtorrent as lt
import pytest

from lab.dht import SimulatedDht
from lab.geography import country_of
from swarm.endpoint import endpoint_to_compact
from swarm.metainfo import parse_torrent
from tests.integration.aria2 import seeding
from tests.integration.conftest import Lab

ROOT = Path(__file__).parents[2]
DEADLINE_S = 120.0
HOLDERS = 4


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


@pytest.mark.aria2
def test_aria2_is_found_and_placed(lab: Lab, torrent_path: Path, tmp_path: Path) -> None:
    """aria2c takes simulated nodes, the dead among them, for a DHT, and announces itself there.

    `crawl FILE.torrent` finds it, and shows it in the country of its address.
    """
    workspace = tmp_path / "world"
    workspace.mkdir()
    torrent = parse_torrent(torrent_path.read_bytes())
    out = tmp_path / "found.jsonl"
    command = [sys.executable, "main.py", "crawl", str(torrent_path), f"--workspace={workspace}"]
    with (
        SimulatedDht(seed=1, nodes=200) as dht,
        seeding(tmp_path / "seed", torrent_path, bootstrap=dht.bootstrap) as peer,
    ):
        config = re.sub(r"dht_bootstrap=\S+", f"dht_bootstrap={dht.bootstrap}", lab.config)
        (workspace / "config.txt").write_text(config)
        announcement = (torrent.infohash.digest, endpoint_to_compact(peer))
        missing = dht.wait_for([announcement], holders=HOLDERS, deadline_s=DEADLINE_S)
        assert missing == frozenset()
        said = crawled(*command, "--json", "--raw-addresses", f"--out={out}")
        shown = crawled(*command)
    line = json.loads(out.read_text())
    assert line["peers"] == [["127.0.0.1", peer.port]]
    assert line["infohash"] == torrent.infohash.hex
    summary = json.loads(said.splitlines()[-1])
    assert (summary["infohashes"], summary["peers"]) == (1, 1)
    assert f"{country_of(IPv4Address('127.0.0.1'))} 1" in shown


def crawled(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout
