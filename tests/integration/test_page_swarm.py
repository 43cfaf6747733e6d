"""A swarm's own page: files, trackers, life over runs, and fetching that swarm alone again."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import bencode2
import polars as pl
import pytest

from dashboard.live import LiveView
from dashboard.page import Visit
from dashboard.swarms.cards import magnet_of
from dashboard.swarms.known import find_swarm, infohash_of
from dashboard.swarms.one import SWARM, again
from observatory.collected import all_collected, collected_targets
from observatory.desk import Observatory
from observatory.host import Host
from observatory.job import JobKind, JobState
from storage.magnets import KeptMagnet, MagnetList
from storage.manifest import RunCounts, RunState
from storage.runs import RunWriter
from storage.workspace import Workspace
from swarm.errors import JobRefused
from swarm.magnet import parse_magnet
from swarm.metainfo import parse_torrent
from tests import frames
from tests.integration.conftest import Lab
from tests.integration.test_observatory_jobs import ended
from tests.unit.test_dashboard_jobs_methods import texts

HOSTILE = "<img src=x onerror=alert(1)>"
SECRET = "0123456789abcdef"
RUNS = ("20261120-120000-aaaa", "20261121-120000-bbbb")


def document(name: str, *, private: bool = False) -> bytes:
    """A .torrent with a hostile file name and a tracker whose path is a secret."""
    files = [{b"length": 7_000_000, b"path": [b"sub", HOSTILE.encode()]}]
    info = {b"name": name.encode(), b"piece length": 8_388_608, b"pieces": bytes(20)}
    info |= {b"files": files} | ({b"private": 1} if private else {})
    announce = f"http://tracker.example/{SECRET}/announce".encode()
    return cast(bytes, bencode2.bencode({b"announce": announce, b"info": info}))


def write_run(workspace: Workspace, run_id: str, infohash: str, peers: int, day: int) -> None:
    """A run that asked for one swarm and one tracker."""
    started = frames.NOON + timedelta(days=day)
    swarms = frames.swarms(HOSTILE).with_columns(infohash=pl.lit(infohash))
    manifest = frames.manifest(run_id, started_at=started)
    writer = RunWriter(workspace.runs_dir, manifest, swarms)
    named = pl.Series([1, 1, 2, 3] * peers, dtype=pl.UInt8)[:peers]
    sightings = frames.sightings(*((0, peer, "FR") for peer in range(peers)))
    sightings = sightings.with_columns(
        sources=named,
        asn=pl.Series([1, 2, None, 2] * peers, dtype=pl.UInt32)[:peers],
        as_name=pl.lit(HOSTILE),
        hosting=pl.Series([True, False, None, False] * peers)[:peers],
    ).cast(dict(sightings.schema))
    outcome = frames.outcomes((0, peers)).with_columns(
        estimate=pl.lit(peers * 1.1), low=pl.lit(float(peers)), high=pl.lit(peers * 1.3)
    )
    answers = frames.answers((0, 5), (0, 6)).with_columns(message=pl.lit(HOSTILE))
    counts = RunCounts(swarms_total=1, swarms_done=1, peers=peers)
    writer.add(sightings, outcome.select(frames.outcomes().columns), counts, answers=answers)
    writer.finish(RunState.COMPLETE, started, "done", counts)


@pytest.fixture(scope="module")
def infohash() -> str:
    return parse_torrent(document("film")).infohash.hex


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, infohash: str) -> Iterator[LiveView]:
    """Two runs of one torrent that is collected, beside a private one and a magnet."""
    workspace = Workspace(tmp_path_factory.mktemp("one"))
    workspace.prepare()
    for day, (run_id, peers) in enumerate(zip(RUNS, (8, 12), strict=True)):
        write_run(workspace, run_id, infohash, peers, day)
    desk = Observatory(workspace, name="Internet", description="one swarm")
    desk.add_files([("a", document("film")), ("b", document("secret", private=True))])
    desk.add_links("b" * 40)
    yield LiveView(cast(Host, SimpleNamespace(current=desk, lab_state="off", lab_message="")))
    desk.close()


def said(live: LiveView, infohash: str) -> list[str]:
    return texts(SWARM.layout(live, Visit({"infohash": infohash}, "")))


def test_the_page_tells_all_that_is_known(live: LiveView, infohash: str) -> None:
    """Files, networks with likely hosting, overlap of sources, trackers' last word, both runs."""
    words = said(live, infohash)
    assert f"sub / {HOSTILE}" in words  # text, as it stands
    assert "7 MB" in words
    assert "Likely hosting: 33.3 % of 9 peers; of 3 more nobody can say." in words
    assert words[words.index("dht + tracker") + 1] == "3"
    at = words.index("udp://t:1")
    assert words[at + 1 : at + 4] == ["scrape", "answered", "6"]
    assert words[words.index("http://tracker.example:80") + 1] == "not asked in this run"
    assert words[words.index("Found") :].count("complete") == 2
    assert not any(SECRET in word for word in words)


def test_the_magnet_is_ours(live: LiveView, infohash: str) -> None:
    """Infohash and name and nothing else: no tracker, and the name breaks out of nothing."""
    known = find_swarm(live, infohash, "")
    assert known is not None
    link = magnet_of(infohash, known.name or "", known.collected)
    assert set(link) <= set(string.ascii_letters + string.digits + "?:=&%.-_~")
    read = parse_magnet(link)
    assert (read.infohash.hex, read.name, read.trackers) == (infohash, HOSTILE, ())


def test_only_a_document_allows_another_fetch(live: LiveView, infohash: str) -> None:
    """A private torrent keeps its flag; a bare infohash is refused with the reason (BEP 27)."""
    desk = live.host.current
    private = parse_torrent(document("secret", private=True)).infohash.hex
    assert again(desk.collected(infohash))[0] is False
    disabled, plan = again(desk.collected(private))
    assert (disabled, "never the DHT" in plan) == (False, True)
    disabled, plan = again(desk.collected("c" * 40))
    assert (disabled, "BEP 27" in plan) == (True, True)
    asked = (infohash, private, "b" * 40)
    targets = collected_targets(desk.workspace, desk._catalogue, asked)
    assert [(t.infohash, t.private) for t in targets] == [
        (infohash, False), (private, True), ("b" * 40, False),
    ]  # fmt: skip
    assert SECRET in targets[1].trackers[0]  # asked, though never shown or written
    with pytest.raises(JobRefused, match="BEP 27"):
        collected_targets(desk.workspace, desk._catalogue, ("c" * 40,))


@pytest.mark.parametrize("lost", [b"no torrent", document("another")])
def test_a_lost_document_is_no_leave_to_ask(tmp_path: Path, infohash: str, lost: bytes) -> None:
    """A file that no longer reads, or is another's, might have been private: not asked."""
    workspace = Workspace(tmp_path)
    workspace.prepare()
    desk = Observatory(workspace, name="Test", description="a test")
    desk.add_files([("a", document("film"))])
    (workspace.torrents_dir / f"{infohash}.torrent").write_bytes(lost)
    assert desk.collected(infohash).target is None
    assert again(desk.collected(infohash))[0] is True
    desk.close()


@pytest.mark.parametrize("lost", [b"no torrent", document("another"), None])
def test_a_fetch_of_everything_leaves_out_what_might_be_private(
    tmp_path: Path, lost: bytes | None
) -> None:
    """A damaged, swapped or missing file: no target, also not by a magnet, but a said reason."""
    workspace = Workspace(tmp_path)
    workspace.prepare()
    desk = Observatory(workspace, name="Test", description="a test")
    secret, film = document("secret", private=True), document("film")
    desk.add_files([("a", secret), ("b", film)])
    damaged, sound = (parse_torrent(raw).infohash.hex for raw in (secret, film))
    uri = f"magnet:?xt=urn:btih:{damaged}"
    magnet = KeptMagnet(uri=uri, magnet=parse_magnet(uri), name=None, added_at=frames.NOON)
    MagnetList(workspace.torrents_dir).add([magnet])
    path = workspace.torrents_dir / f"{damaged}.torrent"
    path.unlink() if lost is None else path.write_bytes(lost)
    targets, left_out = all_collected(workspace, desk._catalogue)
    assert [target.infohash for target in targets] == [sound]
    (line,) = left_out
    assert line.startswith(f"{damaged}.torrent: ")
    assert "BEP 27" in line
    desk.close()


def test_a_damaged_torrent_is_counted_and_named_in_the_report(
    lab: Lab, open_desk: Callable[[str], Observatory]
) -> None:
    """The run has the other swarm alone; the sentence, a figure and a line say what is missing."""
    desk = open_desk(lab.config)
    plain = next(t.infohash.hex for t in lab.facts.torrents if len(t.dht_keys) == 1)
    desk.add_links(plain)
    desk.add_files([("a", document("film"))])
    torrent = parse_torrent(document("film"))
    (desk.workspace.torrents_dir / torrent.file_name).write_bytes(b"no torrent")
    job = ended(desk, desk.start(JobKind.FETCH, {}))
    assert job.state is JobState.DONE, job.message
    assert f"1 torrent was left out ({torrent.file_name}: " in (job.message or "")
    report = job.report or {}
    assert report["figures"]["torrents_left_out"] == 1
    assert len(report["refused"]) == 1
    run = desk.latest_run()
    assert run is not None
    assert desk.open_run(run.id).swarms().collect()["infohash"].to_list() == [plain]


def test_a_swarm_of_another_run_is_still_told(live: LiveView) -> None:
    """What is collected has a page before any run asked for it; what nobody knows has none."""
    assert any("did not ask for this swarm" in word for word in said(live, "b" * 40))
    assert any("knows no swarm" in word for word in said(live, "d" * 40))


@pytest.mark.parametrize("path", ["/swarms/", "/swarms/../x", "/runs", "/swarms/" + "g" * 40, None])
def test_paths_of_others_name_no_swarm(path: str | None) -> None:
    """Only a whole infohash is taken from the address bar."""
    assert infohash_of(path) is None


def test_one_swarm_is_fetched_again(lab: Lab, open_desk: Callable[[str], Observatory]) -> None:
    """Of all that is collected the run asks for that swarm alone, and finds its peers."""
    desk = open_desk(lab.config)
    plain = [t.infohash.hex for t in lab.facts.torrents if len(t.dht_keys) == 1][:3]
    desk.add_links("\n".join(plain))
    job = ended(desk, desk.start(JobKind.FETCH, cast(Any, {"infohashes": [plain[1]]})))
    assert job.state is JobState.DONE, job.message
    run = desk.latest_run()
    assert run is not None
    assert desk.open_run(run.id).swarms().collect()["infohash"].to_list() == [plain[1]]
    assert run.peers > 0
    with pytest.raises(JobRefused, match="infohashes"):
        desk.start(JobKind.FETCH, {"infohashes": ["../x"]})
