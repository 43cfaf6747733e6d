"""One swarm, many sources: the DHT, trackers and peers together, against what is really there."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.dht import SimulatedDht
from lab.tracker import LabTracker
from lab.world import World
from storage.runs import RunReader, list_runs
from swarm.endpoint import Endpoint, endpoint_to_compact
from swarm.infohash import InfoHash
from tests.integration.peer_world import LibtorrentPeer, share

ROOT = Path(__file__).resolve().parents[2]
CROWD = InfoHash(b"\x33" * 20)
PASSKEY = "a-secret-of-the-user"
# Behind these nobody listens; each is refused at once.
DHT_PEERS = [Endpoint.parse(f"127.77.0.{n}:{6000 + n}") for n in range(1, 31)]
TRACKER_PEERS = DHT_PEERS[:12] + [Endpoint.parse(f"127.77.1.{n}:{7000 + n}") for n in range(1, 9)]


@dataclass(frozen=True)
class Crawled:
    """What a crawl left: its summary, its lines by infohash, its run, all bytes of its folder."""

    summary: dict[str, Any]
    lines: dict[str, dict[str, Any]]
    run: RunReader
    workspace: Path


def crawl(workspace: Path, magnets: list[str], dht: SimulatedDht, *settings: str) -> Crawled:
    workspace.mkdir()
    lines = ["allow_local_peers=yes", "max_packets_per_s=0", "processes=1", *settings]
    (workspace / "config.txt").write_text("".join(f"{line}\n" for line in lines))
    out = workspace.with_suffix(".jsonl")
    command = [
        sys.executable,
        str(ROOT / "main.py"),
        "crawl",
        *magnets,
        "--json",
        "--raw-addresses",
    ]
    command += ["--workspace", str(workspace), "--bootstrap", dht.bootstrap, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = list_runs(workspace / "runs")
    found = [json.loads(line) for line in out.read_text().splitlines()]
    summary = json.loads(done.stdout.splitlines()[-1])
    return Crawled(summary, {line["infohash"]: line for line in found}, run, workspace)


def magnet(infohash: InfoHash, *trackers: str) -> str:
    return f"magnet:?xt=urn:btih:{infohash.hex}" + "".join(f"&tr={url}" for url in trackers)


def told(run: RunReader, infohash: InfoHash) -> dict[str, tuple[str, int]]:
    """Each peer of a swarm: who named it first, and the bits of all who did."""
    rows = (
        run.sightings()
        .join(run.swarms().select("swarm", "infohash"), on="swarm")
        .collect()
        .filter(infohash=infohash.hex)
    )
    found = {
        f"{address}:{port}": (source, bits)
        for address, port, source, bits in rows.select(
            "address", "port", "source", "sources"
        ).iter_rows()
    }
    assert len(found) == len(rows)
    return found


@pytest.mark.timeout(240)
def test_the_union_of_all_sources_is_what_is_there(tmp_path: Path) -> None:
    """DHT, tracker and exchange: each peer is one row, with all who named it, and none invented."""
    shared = share(tmp_path / "payload")
    known = LibtorrentPeer("127.0.9.2", shared.raw, tmp_path / "b", seed=False)
    hidden = LibtorrentPeer("127.0.9.3", shared.raw, tmp_path / "c", seed=False)
    hidden.connect(known)
    swarm = shared.torrent.infohash
    with SimulatedDht(seed=4, nodes=300, dead_share=0.0) as dht, LabTracker() as tracker:
        dht.plant(
            {
                CROWD.digest: [endpoint_to_compact(peer) for peer in DHT_PEERS],
                swarm.digest: [endpoint_to_compact(known.endpoint)],
            }
        )
        tracker.book.plant(CROWD.digest, seeders=TRACKER_PEERS[:5], leechers=TRACKER_PEERS[5:])
        crawled = crawl(
            tmp_path / "world",
            [magnet(CROWD, f"{tracker.http_url}?passkey={PASSKEY}"), magnet(swarm)],
            dht,
            "announce_to_trackers=yes",
            "visit_peers=yes",
        )
    bits = {str(peer): 1 for peer in DHT_PEERS}
    for peer in TRACKER_PEERS:
        bits[str(peer)] = bits.get(str(peer), 0) + 2
    crowd = told(crawled.run, CROWD)
    assert {peer: named for peer, (_, named) in crowd.items()} == bits
    # Trackers are asked first.
    assert {source for source, named in crowd.values() if named & 2} == {"tracker"}

    assert {peer: named & ~4 for peer, (_, named) in told(crawled.run, swarm).items()} == {
        str(known.endpoint): 1,
        str(hidden.endpoint): 0,
    }
    line = crawled.lines[CROWD.hex]
    assert line["sources"] == {"dht": 30, "tracker": 20, "pex": 0}
    assert (line["unique"], line["estimate"], line["state"]) == (38, 30.0, "complete")
    between = line["between_sources"]
    assert between["estimate"] == pytest.approx(31 * 21 / 13 - 1)
    assert 38 <= between["low"] <= between["estimate"] <= between["high"]
    assert crawled.lines[swarm.hex]["between_sources"] is None
    assert crawled.lines[swarm.hex]["sources"]["tracker"] is None
    assert crawled.summary["sources"]["dht"] == 31
    assert crawled.summary["sources"]["tracker"] == 20

    answers = crawled.run.answers().sort("action").collect()
    assert answers["action"].to_list() == ["announce", "scrape"]
    assert answers.select("seeders", "leechers").rows() == [(5, 15), (5, 15)]
    assert answers["peers"].to_list() == [20, None]
    visits = crawled.run.visits().collect()
    assert (crawled.summary["visits"], crawled.summary["visits_reached"]) == (40, 2)
    assert visits["outcome"].value_counts().sort("outcome").rows() == [
        ("reached", 2),
        ("refused", 38),
    ]
    outcomes = crawled.run.outcomes().sort("unique_peers").collect()
    assert outcomes.select("reached", "seeds_met", "leechers_met").rows() == [(2, 0, 2), (0, 0, 0)]
    for path in crawled.workspace.rglob("*"):
        assert not path.is_file() or PASSKEY.encode() not in path.read_bytes(), path


def test_by_default_trackers_are_counted_and_no_peer_is_visited(tmp_path: Path) -> None:
    """Settings as shipped: a scrape is kept for each swarm, nothing is announced or visited."""
    with SimulatedDht(seed=4, nodes=300, dead_share=0.0) as dht, LabTracker() as tracker:
        dht.plant({CROWD.digest: [endpoint_to_compact(peer) for peer in DHT_PEERS]})
        tracker.book.plant(CROWD.digest, seeders=TRACKER_PEERS[:5], leechers=TRACKER_PEERS[5:])
        url = tracker.udp_url
        crawled = crawl(tmp_path / "world", [magnet(CROWD, url)], dht)
        assert {question.action for question in tracker.book.questions} <= {"connect", "scrape"}
    assert crawled.lines[CROWD.hex]["sources"] == {"dht": 30, "tracker": None, "pex": None}
    (row,) = crawled.run.answers().collect().iter_rows(named=True)
    assert (row["action"], row["outcome"]) == ("scrape", "answered")
    assert (row["seeders"], row["leechers"], row["peers"]) == (5, 15, None)
    assert row["tracker"] == url.removesuffix("/announce")
    assert crawled.run.visits().collect().is_empty()


def test_nothing_is_asked_past_a_proxy(tmp_path: Path) -> None:
    """With http_proxy set a crawl is refused, says why and what to do, and sends no packet."""
    with SimulatedDht(seed=4, nodes=300, dead_share=0.0) as dht:
        workspace = tmp_path / "world"
        workspace.mkdir()
        (workspace / "config.txt").write_text(
            "allow_local_peers=yes\nhttp_proxy=http://127.0.0.1:9\n"
        )
        command = [sys.executable, str(ROOT / "main.py"), "crawl", CROWD.hex, "--json"]
        command += ["--workspace", str(workspace), "--bootstrap", dht.bootstrap]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert dht.counters().queries == {}
    assert done.returncode != 0
    assert "direct_crawl=yes" in done.stdout
    assert list(list_runs(workspace / "runs")) == []


@pytest.mark.timeout(240)
def test_a_world_is_found_whole(tmp_path: Path) -> None:
    """In the lab, the union of DHT, tracker and exchange is just who is there, hidden ones too."""
    size = {"nodes": 600, "sessions": 8, "torrents_per_category": 3}
    with World(tmp_path / "lab", seed=11, **size) as world:
        facts = world.facts
        torrents = facts.torrents[:2]
        assert torrents[0].hidden_peers
        assert torrents[0].tracker_peers
        assert not torrents[1].tracker_peers
        crawled = crawl(
            tmp_path / "world",
            [
                magnet(key, *([facts.tracker] if torrent.tracker_peers else []))
                for torrent in torrents
                for key in torrent.dht_keys[:1]
            ],
            world.dht,
            "announce_to_trackers=yes",
            "visit_peers=yes",
        )
    for torrent in torrents:
        found = told(crawled.run, torrent.dht_keys[0])
        tracked = {str(peer) for peer in torrent.tracker_peers}
        hidden = {str(peer) for peer in torrent.hidden_peers}
        there = {str(peer) for peer in torrent.peers} | tracked | hidden
        assert found.keys() <= there
        assert hidden <= {peer for peer, (_, bits) in found.items() if bits == 4}
        assert tracked <= {peer for peer, (_, bits) in found.items() if bits & 2}
        if len(torrent.dht_keys) == 1:
            assert found.keys() == there
