"""The metadata job behind a click: in a worker process, cancelled, with trackers, from the list."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import libtorrent as lt

from lab.tracker import LabTracker
from observatory.desk import Observatory
from observatory.job import Job, JobKind, JobState
from storage.magnets import KeptMagnet, MagnetList
from swarm.magnet import parse_magnet
from tests.integration.peer_world import FakePeers, LibtorrentPeer, share, wait_until
from tests.integration.test_crawler_peers_metadata import TRUE, Giver

OpenDesk = Callable[[str], Observatory]
ALONE = "dht_bootstrap=\nallow_local_peers=yes\nignore_environment=yes\n"
DEADLINE_S = 60.0


def ended(desk: Observatory, job: Job) -> Job:
    """Wait for the job's end, with a deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        desk.active_job()
        job = desk.job(job.id)
        if not job.is_active:
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job did not end: {job}")


def outcomes(job: Job) -> list[str]:
    return [row["outcome"] for row in (job.report or {})["outcomes"]]


def test_cancel_hangs_up_and_tells_each_input(open_desk: OpenDesk) -> None:
    """Cancelled while a peer keeps silent: the peer is left, and every input has its row."""
    desk = open_desk(ALONE)
    with FakePeers(Giver(TRUE, gives=1)) as fakes:
        link = f"magnet:?xt=urn:btih:{'ab' * 20}&x.pe={fakes.endpoints[0]}"
        job = desk.start(JobKind.METADATA, {"inputs": [link, "not a magnet"]})
        wait_until(lambda: len(fakes.visits) == 1)
        desk.cancel(job.id)
        job = ended(desk, job)
        wait_until(lambda: len(fakes.received) == 1)
    assert job.state is JobState.CANCELLED, job.message
    assert outcomes(job) == ["unreadable", "not asked"]


def test_the_list_of_magnets_is_worked_off(open_desk: OpenDesk, tmp_path: Path) -> None:
    """Without inputs the kept magnets are fetched; with its torrent each leaves the list."""
    desk = open_desk(ALONE)
    shared = share(tmp_path / "payload")
    seed = LibtorrentPeer("127.0.9.1", shared.raw, shared.folder, seed=True)
    link = lt.make_magnet_uri(lt.load_torrent_buffer(shared.raw)) + f"&x.pe={seed.endpoint}"
    kept = KeptMagnet(
        uri=link,
        magnet=parse_magnet(link),
        name="Tides",
        category="Other",
        added_at=datetime.now(UTC),
    )
    MagnetList(desk.workspace.torrents_dir).add([kept])
    assert desk.magnets() == 1
    job = ended(desk, desk.start(JobKind.METADATA, {}))
    assert (job.state, outcomes(job)) == (JobState.DONE, ["fetched"])
    assert (desk.magnets(), desk.torrents()) == (0, 1)
    again = ended(desk, desk.start(JobKind.METADATA, {}))
    assert again.state is JobState.FAILED
    assert "no magnet" in (again.message or "")


def test_trackers_name_peers_where_an_announce_is_allowed(
    open_desk: OpenDesk, tmp_path: Path
) -> None:
    """A peer that only a tracker knows: not found by default, found with announce_to_trackers."""
    shared = share(tmp_path / "payload")
    seed = LibtorrentPeer("127.0.9.1", shared.raw, shared.folder, seed=True)
    with LabTracker() as tracker:
        tracker.book.plant(shared.key, seeders=[seed.endpoint])
        link = f"magnet:?xt=urn:btih:{shared.torrent.infohash}&tr={tracker.udp_url}"
        desk = open_desk(ALONE)
        job = ended(desk, desk.start(JobKind.METADATA, {"inputs": [link]}))
        assert outcomes(job) == ["no peers"]
        assert tracker.book.questions == []
        desk.workspace.config_path.write_text(ALONE + "announce_to_trackers=yes\n")
        job = ended(desk, desk.start(JobKind.METADATA, {"inputs": [link]}))
        assert outcomes(job) == ["fetched"], job
