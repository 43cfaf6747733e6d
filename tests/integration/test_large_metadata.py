"""Metadata of more than 10 MB: a real one byte for byte, hostile ones within the memory stated."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from bencode2 import bdecode, bencode

from lab.metainfo import MetainfoVersion, PayloadFile, make_torrent
from swarm.endpoint import Endpoint
from swarm.metainfo import MAX_VALUES, parse_torrent
from tests.integration.peer_world import FakePeers, LibtorrentPeer
from tests.integration.test_crawler_peers_metadata import Giver

ROOT = Path(__file__).parents[2]
PIECE_BYTES = 16 * 1024
MOST_BESIDE_MB = 600  # what docs/peers-and-magnets.md states, libtorrent's second look included
MOST_OF_THE_JOB_MB = 1000  # docs/peers-and-magnets.md

# The kernel's own high-water mark of this process; what getrusage says begins with the parent's.
PEAK_MB = """
def peak_mb():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 // 1_000_000
"""
# Reads a file's bytes as a .torrent and prints what that cost beside them, in MB.
MEASURE = f"""{PEAK_MB}
import sys
from pathlib import Path
from scraper.second_opinion import check_with_libtorrent
from swarm.errors import MalformedTorrent
raw = Path(sys.argv[1]).read_bytes()
before = peak_mb()
try:
    said = len(check_with_libtorrent(raw).files), "files"
except MalformedTorrent as error:
    said = (error,)
print(peak_mb() - before, *said)
"""
COMMAND = f"""{PEAK_MB}
import atexit, runpy, sys
atexit.register(lambda: print(peak_mb()))
sys.argv[0] = "main.py"
runpy.run_path("main.py", run_name="__main__")
"""


def info(pieces: int, more: bytes = b"", files: bytes = b"") -> bytes:
    """A v1 `info` with so many pieces; `more` stands behind them."""
    size = b"5:filesl%be" % files if files else b"6:lengthi%de" % (pieces * PIECE_BYTES)
    head = b"d%b4:name1:x12:piece lengthi%de" % (size, PIECE_BYTES)
    return head + b"6:pieces%d:" % (20 * pieces) + bytes(20 * pieces) + more + b"e"


def many_files() -> bytes:
    """As many bytes of paths as are read, with an emoji in each: four bytes a letter in memory."""
    count = 150_000
    names = (b"%06d%b" % (n, b"a" * 120 + "\U0001f30d".encode()) for n in range(count))
    entries = (b"d6:lengthi%de4:pathl%d:%bee" % (PIECE_BYTES, len(n), n) for n in names)
    filler = b"1:z%d:%b" % (60_000_000, bytes(60_000_000))
    return info(count, filler, b"".join(entries))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "49 million lists": (lambda: info(1, b"1:zl" + b"le" * 49_000_000 + b"e"), "values"),
    "values to the limit": (
        lambda: info(4_700_000, b"1:zl" + b"d1:a0:e" * (MAX_VALUES // 3 - 50) + b"e"),
        "1 files",
    ),
    "paths to the limit": (many_files, "150000 files"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_info_of_100_mb_costs_what_is_stated(case: str, tmp_path: Path) -> None:
    """Read or refused, by our parser and libtorrent: at most 600 MB beside the bytes themselves."""
    make, expected = HOSTILE[case]
    path = tmp_path / "it.torrent"
    path.write_bytes(b"d4:info" + make() + b"e")
    assert 85_000_000 < path.stat().st_size < 101_000_000
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    cost_mb, _, said = done.stdout.partition(" ")
    assert expected in said
    assert int(cost_mb) <= MOST_BESIDE_MB


def fetch(workspace: Path, infohash: str, peer: Endpoint) -> tuple[str, int]:
    """The one outcome of the command `metadata`, and the most memory that it had, in MB."""
    workspace.mkdir()
    (workspace / "config.txt").write_text(
        "dht_bootstrap=\nallow_local_peers=yes\nignore_environment=yes\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, "metadata", infohash, "--json", "--peer", str(peer),
         f"--workspace={workspace}"],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=True,
    )  # fmt: skip
    *_, document, peak_mb = done.stdout.splitlines()
    (row,) = json.loads(document)["outcomes"]
    return row["outcome"], int(peak_mb)


def test_libtorrent_gives_12_mb_to_the_byte(tmp_path: Path) -> None:
    """A torrent of 600,000 pieces, from a libtorrent seed by its bare infohash alone."""
    size = 600_000 * PIECE_BYTES
    raw = make_torrent(
        "zeros", [PayloadFile(("zeros",), size)],
        version=MetainfoVersion.V1, piece_bytes=PIECE_BYTES, comment="", created_s=0,
    )  # fmt: skip
    with (tmp_path / "zeros").open("wb") as payload:
        payload.truncate(size)  # sparse
    expected: bytes = bencode(bdecode(raw)[b"info"])
    assert len(expected) > 12_000_000
    seed = LibtorrentPeer("127.0.9.1", raw, tmp_path, seed=True)
    torrent = parse_torrent(raw)
    outcome, _ = fetch(tmp_path / "world", torrent.infohash.hex, seed.endpoint)
    assert outcome == "fetched"
    kept = (tmp_path / "world" / "bulkTorrents" / torrent.file_name).read_bytes()
    assert kept == b"d4:info" + expected + b"e"


def test_a_job_that_gets_100_mb_stays_within_its_memory(tmp_path: Path) -> None:
    """The whole command, its libraries included, has never more than is stated."""
    metadata = info(4_999_900)
    key = hashlib.sha1(metadata, usedforsecurity=False).hexdigest()
    with FakePeers(Giver(metadata)) as fakes:
        outcome, peak_mb = fetch(tmp_path / "world", key, fakes.endpoints[0])
    assert outcome == "fetched"
    assert 100 < peak_mb <= MOST_OF_THE_JOB_MB
