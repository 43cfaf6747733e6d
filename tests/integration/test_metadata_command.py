"""`python main.py metadata`: a magnet that one peer knows becomes a .torrent of the same bytes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import libtorrent as lt
import pytest
from bencode2 import bdecode, bencode

from lab.metainfo import MetainfoVersion
from swarm.endpoint import Endpoint
from swarm.metainfo import parse_torrent
from tests.integration.aria2 import seeding
from tests.integration.conftest import Lab
from tests.integration.peer_world import (
    FakePeers,
    LibtorrentPeer,
    Shared,
    share,
    transmission,
    wait_until,
)
from tests.integration.test_crawler_peers_metadata import Giver

ROOT = Path(__file__).parents[2]
Fetch = Callable[..., dict[str, Any]]
ALONE = "dht_bootstrap=\nallow_local_peers=yes\nignore_environment=yes\n"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    (folder / "config.txt").write_text(ALONE)
    return folder


@pytest.fixture
def atlas(workspace: Path) -> Fetch:
    """Runs `metadata ... --json`; the answer is its object, with the exit code under "code"."""

    def run(*arguments: object) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "main.py", "metadata", *map(str, arguments), "--json",
             f"--workspace={workspace}"],
            cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        lines = done.stdout.splitlines()
        document = json.loads(lines[-1]) if lines else {}
        return {**document, "code": done.returncode, "stderr": done.stderr}

    return run


def magnet(shared: Shared, *peers: Endpoint, more: str = "") -> str:
    """Its magnet link as libtorrent writes it, with the peers in it."""
    params = lt.load_torrent_buffer(shared.raw)
    link: str = lt.make_magnet_uri(params)
    return link + "".join(f"&x.pe={quote(str(peer))}" for peer in peers) + more


def info_of(raw: bytes) -> bytes:
    info: bytes = bencode(bdecode(raw)[b"info"])
    assert info in raw
    return info


def kept(workspace: Path, shared: Shared) -> bytes:
    return (workspace / "bulkTorrents" / shared.torrent.file_name).read_bytes()


@pytest.mark.parametrize("version", list(MetainfoVersion))
def test_magnet_becomes_the_torrent(
    atlas: Fetch, workspace: Path, tmp_path: Path, version: MetainfoVersion
) -> None:
    """v1, v2, hybrid from a libtorrent peer named in the magnet: the same `info`, byte by byte."""
    shared = share(tmp_path / "payload", version)
    seed = LibtorrentPeer("127.0.9.1", shared.raw, shared.folder, seed=True)
    more = "&tr=udp%3A%2F%2F127.0.0.1%3A9%2Fannounce&ws=http%3A%2F%2F127.0.0.1%3A9%2Ffilm"
    result = atlas(magnet(shared, seed.endpoint, more=more))
    assert (result["code"], result["state"], result["fetched"]) == (0, "done", 1), result
    (row,) = result["outcomes"]
    assert (row["outcome"], row["file_name"]) == ("fetched", shared.torrent.file_name)
    raw = kept(workspace, shared)
    assert info_of(raw) == info_of(shared.raw)
    torrent = parse_torrent(raw)
    assert torrent.infohash_v2 == shared.torrent.infohash_v2
    assert torrent.trackers == ("udp://127.0.0.1:9/announce",)
    assert torrent.web_seeds == ("http://127.0.0.1:9/film",)
    index = json.loads((workspace / "bulkTorrents" / "index.json").read_text())
    assert index.keys() == {shared.torrent.file_name}
    again = atlas(shared.torrent.infohash.hex)
    assert [row["outcome"] for row in again["outcomes"]] == ["known"]
    assert again["code"] == 0


@pytest.mark.transmission
@pytest.mark.aria2
@pytest.mark.parametrize("make", ["transmission", "aria2"])
def test_other_makes_give_it_too(atlas: Fetch, workspace: Path, tmp_path: Path, make: str) -> None:
    """The bare infohash and one peer, transmission or aria2, are enough."""
    shared = share(tmp_path / "payload")
    torrent = tmp_path / "it.torrent"
    torrent.write_bytes(shared.raw)
    if make == "aria2":
        client = seeding(shared.folder, torrent)
    else:
        client = transmission(tmp_path / "t", torrent, shared.folder, "127.0.0.1")
    with client as peer:
        # transmission checks its files first, and hangs up until then.
        wait_until(
            lambda: atlas(shared.torrent.infohash.hex, "--peer", peer)["code"] == 0, every_s=0.2
        )
    assert info_of(kept(workspace, shared)) == info_of(shared.raw)


def test_peers_are_found_in_the_dht(atlas: Fetch, workspace: Path, lab: Lab) -> None:
    """A bare infohash of the lab becomes its torrent: the DHT names peers, and they give it."""
    wanted = next(swarm for swarm in lab.facts.torrents if swarm.real_peers)
    (workspace / "config.txt").write_text(lab.config)
    result = atlas(wanted.infohash.hex, "--bootstrap", lab.facts.bootstrap)
    assert result["fetched"] == 1, result


def test_poison_and_nonsense_are_told(atlas: Fetch, workspace: Path, tmp_path: Path) -> None:
    """One row for each line of a list: refused poison, proven nonsense, nobody, not readable."""
    shared = share(tmp_path / "payload")
    nonsense = b"d4:name1:xe"
    key = sha1_hex(nonsense)
    listed = tmp_path / "list.txt"
    with (
        FakePeers(Giver(info_of(shared.raw)[:-1] + b"x")) as liar,
        FakePeers(Giver(nonsense)) as honest,
    ):
        listed.write_text(
            "# magnets\n"
            f"{magnet(shared, *liar.endpoints)}\n"
            f"magnet:?xt=urn:btih:{key}&x.pe={honest.endpoints[0]}\n"
            f"{'ab' * 20}\n"
            "what is this\n"
        )
        result = atlas(listed)
    assert result["code"] == 1
    outcomes = {row["infohash"]: row["outcome"] for row in result["outcomes"]}
    assert outcomes == {
        shared.torrent.infohash.hex: "poisoned",
        key: "refused",
        "ab" * 20: "no peers",
        None: "unreadable",
    }
    assert all(row["reason"] for row in result["outcomes"])
    assert list((workspace / "bulkTorrents").glob("*.torrent")) == []


def sha1_hex(info: bytes) -> str:
    return hashlib.sha1(info, usedforsecurity=False).hexdigest()


def test_optout_and_proxy_are_honoured(atlas: Fetch, workspace: Path, tmp_path: Path) -> None:
    """A peer of optout.txt is not contacted; with a proxy set the job refuses."""
    shared = share(tmp_path / "payload")
    with FakePeers(Giver(info_of(shared.raw))) as fakes:
        link = magnet(shared, *fakes.endpoints)
        (workspace / "optout.txt").write_text("127.0.0.0/24\n")
        assert [row["outcome"] for row in atlas(link)["outcomes"]] == ["no peers"]
        (workspace / "optout.txt").unlink()
        (workspace / "config.txt").write_text(ALONE + "http_proxy=http://127.0.0.1:9\n")
        refused = atlas(link)
        assert (refused["code"], refused["state"]) == (1, "failed")
        assert "http_proxy" in refused["message"]
        assert fakes.visits == []
        (workspace / "config.txt").write_text(ALONE)
        assert atlas(link)["code"] == 0


@pytest.mark.parametrize(
    "arguments",
    [("zzz",), ("ab" * 20, "--peer", "nowhere"), ("ab" * 20, "--bootstrap", "x:99999")],
    ids=["not a magnet", "no peer", "no node"],
)
def test_wrong_usage_is_2(atlas: Fetch, arguments: tuple[str, ...]) -> None:
    """What was typed wrongly leaves with 2 and an error."""
    result = atlas(*arguments)
    assert result["code"] == 2
    assert "Error" in result["stderr"]
