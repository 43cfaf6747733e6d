"""Private torrents (BEP 27) in a crawl: their own trackers are scraped, nobody else is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bencode2 import bdecode, bencode

from lab.dht import SimulatedDht
from lab.tracker import LabTracker
from storage.runs import list_runs
from swarm.endpoint import Endpoint, endpoint_to_compact
from swarm.metainfo import parse_torrent
from swarm.torrent import Torrent
from tests.integration.peer_world import FakePeers, share

ROOT = Path(__file__).resolve().parents[2]
TRACKED = [Endpoint.parse(f"127.78.0.{n}:6881") for n in range(1, 6)]


def private(folder: Path, name: bytes, announce: str | None) -> tuple[bytes, Torrent]:
    document = bdecode(share(folder).raw)
    document[b"info"] |= {b"private": 1, b"name": name}
    if announce is not None:
        document[b"announce"] = announce.encode()
    raw: bytes = bencode(document)
    return raw, parse_torrent(raw)


@pytest.mark.parametrize("kept", [False, True], ids=["given", "collected"])
def test_a_private_torrent_is_asked_for_at_its_own_tracker_alone(
    tmp_path: Path, kept: bool
) -> None:
    """No query for its key, no announce, no visit; its row says so, with its tracker's counts."""
    workspace = tmp_path / "world"
    torrents = workspace / "bulkTorrents"
    torrents.mkdir(parents=True)
    with (
        SimulatedDht(seed=4, nodes=200, dead_share=0.0) as dht,
        LabTracker() as tracker,
        FakePeers(lambda _sock, _handshake: None) as peer,
    ):
        (workspace / "config.txt").write_text(
            "allow_local_peers=yes\nmax_packets_per_s=0\nprocesses=1\nignore_environment=yes\n"
            f"announce_to_trackers=yes\nvisit_peers=yes\ndht_bootstrap={dht.bootstrap}\n"
        )
        raw, torrent = private(tmp_path / "a", b"tracked", tracker.http_url)
        bare, trackerless = private(tmp_path / "b", b"bare", None)
        public = share(tmp_path / "c")
        for content in (raw, bare, public.raw):
            (torrents / parse_torrent(content).file_name).write_bytes(content)
        for key in (torrent, trackerless, public.torrent):
            dht.plant({key.infohash.digest: [endpoint_to_compact(peer.endpoints[0])]})
        tracker.book.plant(torrent.infohash.digest, seeders=TRACKED[:2], leechers=TRACKED[2:])
        # The bare infohash beside the file must not lead around it.
        inputs = [] if kept else [str(torrents), torrent.infohash.hex]
        done = subprocess.run(
            [sys.executable, str(ROOT / "main.py"), "crawl", *inputs, "--json",
             f"--workspace={workspace}", f"--out={tmp_path / 'out.jsonl'}"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        asked = tracker.book.questions
        assert {(q.action, q.infohashes) for q in asked} == {("scrape", (torrent.infohash.digest,))}
        assert len(peer.visits) == 1  # in the public swarm
        heard = [handshake[28:48] for handshake in peer.received]
    assert heard == [public.key]
    summary = json.loads(done.stdout.splitlines()[-1])
    assert "2 are private" in summary["message"]
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    states = {line["infohash"]: (line["state"], line["queries"], line["peers"]) for line in lines}
    assert states.pop(public.torrent.infohash.hex)[0] == "complete"
    assert states == {
        torrent.infohash.hex: ("private", 0, []),
        trackerless.infohash.hex: ("private", 0, []),
    }
    (run,) = list_runs(workspace / "runs")
    (answer,) = run.answers().collect().iter_rows(named=True)
    assert (answer["action"], answer["seeders"], answer["leechers"]) == ("scrape", 2, 3)
    assert run.manifest.counts.swarms_complete == 1
