"""Jobs on the lab: the chain from scrape to places, and what becomes of jobs that go wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import polars as pl
import pytest

from observatory.desk import Observatory
from observatory.job import Job, JobKind, JobState
from storage.manifest import RunState
from storage.workspace import Workspace
from swarm.errors import JobRefused
from tests.integration.conftest import Lab

OpenDesk = Callable[[str], Observatory]
DEADLINE_S = 90.0


def ended(desk: Observatory, job: Job, *, until: Callable[[], bool] | None = None) -> Job:
    """Wait for the job's end, or until something else holds, with a deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if until is not None and until():
            return desk.job(job.id)
        desk.active_job()
        job = desk.job(job.id)
        if not job.is_active:
            return job
        time.sleep(0.05)
    raise AssertionError(f"job {job.kind} did not end: {job}")


def scraped(desk: Observatory) -> Observatory:
    job = ended(desk, desk.start(JobKind.SCRAPE, {"per_category": 100}))
    assert job.state is JobState.DONE, job.message
    return desk


@pytest.fixture(scope="module")
def kept(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which everything was collected and counted once, to be copied."""
    root = tmp_path_factory.mktemp("kept")
    (root / "config.txt").write_text(lab.config)
    with closing(Observatory(Workspace(root), name="Kept", description="to be copied")) as desk:
        assert ended(scraped(desk), desk.start(JobKind.FETCH, {})).state is JobState.DONE
    return root


@pytest.fixture
def open_kept(kept: Path, tmp_path: Path, open_desk: OpenDesk) -> OpenDesk:
    """Opens a copy of it in the test's folder, with the config.txt given."""

    def open_with(config: str) -> Observatory:
        shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
        return open_desk(config)

    return open_with


def slowed(lab: Lab, packets_per_s: float) -> str:
    return re.sub(r"max_packets_per_s=\S+", f"max_packets_per_s={packets_per_s}", lab.config)


def worker_pid(workspace: Workspace) -> int:
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile
        if b"observatory.worker" in words and str(workspace.root).encode() in words:
            return int(folder.name)
    raise AssertionError("no worker process")


def test_scrape_then_fetch_finds_the_world(lab: Lab, open_desk: OpenDesk) -> None:
    """All torrents are collected once, all peers found, none invented, countries as announced."""
    desk = scraped(open_desk(lab.config))
    assert desk.torrents() == len(lab.facts.torrents)
    again = ended(desk, desk.start(JobKind.SCRAPE, {"per_category": 100}))
    assert (again.counts["collected"], desk.torrents()) == (0, len(lab.facts.torrents))

    job = ended(desk, desk.start(JobKind.FETCH, {}))
    assert job.state is JobState.DONE, job.message
    run = desk.latest_run()
    assert run is not None
    assert run.state is RunState.COMPLETE
    announced = sum(len(torrent.peers) for torrent in lab.facts.torrents)
    assert 0.99 * announced <= run.peers <= announced
    counted = desk.open_run(run.id).tallies().group_by("country").agg(pl.col("peers").sum())
    expected: dict[str, int] = {}
    for torrent in lab.facts.torrents:
        for country, peers in torrent.countries.items():
            expected[country] = expected.get(country, 0) + peers
    found = dict(counted.collect().iter_rows())
    assert found.keys() <= expected.keys()
    assert all(found[country] <= expected[country] for country in found)
    bar = json.loads((desk.workspace.json_dir / "bar.json").read_text())
    assert sum(sum(c["amounts"]) for k, c in bar.items() if k != "abs") == run.peers
    assert "abs" in bar


def test_no_address_is_written(lab: Lab, open_kept: OpenDesk) -> None:
    """In the default mode no peer's address stands in any file of the workspace."""
    desk = open_kept(lab.config)
    files = [p for p in desk.workspace.root.rglob("*") if p.is_file() and p.name != "config.txt"]
    content = b"\n".join(path.read_bytes() for path in files)
    written = {text.decode() for text in re.findall(rb"\d+\.\d+\.\d+\.\d+", content)}
    assert written & {str(p.address) for t in lab.facts.torrents for p in t.peers} == set()
    run = desk.latest_run()
    assert run is not None
    columns = desk.open_run(run.id).sightings().select("address", "port").collect()
    assert columns.null_count().row(0) == (run.peers, run.peers)


def test_addresses_are_kept_on_demand(lab: Lab, open_kept: OpenDesk) -> None:
    """With store_addresses=yes the endpoints are the announced ones."""
    desk = open_kept(lab.config + "\nstore_addresses=yes\n")
    assert ended(desk, desk.start(JobKind.FETCH, {})).state is JobState.DONE
    run = desk.latest_run()
    assert run is not None
    rows = desk.open_run(run.id).sightings().select("address", "port").collect().rows()
    announced = {(str(p.address), p.port) for t in lab.facts.torrents for p in t.peers}
    assert set(rows) <= announced
    assert len(rows) >= 0.99 * len(announced)


def test_second_start_is_refused(lab: Lab, open_kept: OpenDesk) -> None:
    """While a job runs, no other starts, and the sentence says why; a second desk sees the job."""
    desk = open_kept(slowed(lab, 50))
    job = desk.start(JobKind.FETCH, {})
    with pytest.raises(JobRefused, match=rf"job {job.id} \(fetch\) is still running"):
        desk.start(JobKind.FETCH, {})
    second_tab = Observatory(desk.workspace, name="Tab", description="the same world")
    seen = second_tab.active_job()
    assert seen is not None
    assert seen.id == job.id
    second_tab.cancel(job.id)
    second_tab.close()
    assert ended(desk, job).state is JobState.CANCELLED


def test_cancelled_fetch_keeps_what_it_found(lab: Lab, open_kept: OpenDesk) -> None:
    """Cancel ends the crawl; peers written until then stand in a run called cancelled."""
    desk = open_kept(slowed(lab, 60))
    job = desk.start(JobKind.FETCH, {})
    ended(desk, job, until=lambda: desk.job(job.id).counts.get("peers", 0) > 0)
    desk.cancel(job.id)
    assert ended(desk, job).state is JobState.CANCELLED
    run = desk.latest_run()
    assert run is not None
    assert run.state is RunState.CANCELLED
    assert run.peers == len(desk.open_run(run.id).sightings().collect()) > 0


def test_killed_fetch_is_interrupted(lab: Lab, open_kept: OpenDesk) -> None:
    """kill -9 in the middle: the next start shows the run as interrupted, and its peers."""
    desk = open_kept(slowed(lab, 60))
    before = desk.latest_run()
    job = desk.start(JobKind.FETCH, {})

    def some_written() -> bool:
        run = desk.latest_run()
        return run is not None and run != before and run.peers > 0

    assert ended(desk, job, until=some_written).is_active
    os.kill(worker_pid(desk.workspace), signal.SIGKILL)
    again = Observatory(desk.workspace, name="Test", description="the next start")
    deadline = time.monotonic() + DEADLINE_S
    while again.active_job() is not None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert again.job(job.id).state is JobState.INTERRUPTED
    run = again.latest_run()
    assert run is not None
    assert run.state is RunState.INTERRUPTED
    assert run.peers == len(again.open_run(run.id).sightings().collect()) > 0
    assert ended(again, again.start(JobKind.PURGE, {})).state is JobState.DONE
    again.close()


BAD = {
    "dht out of reach": (r"dht_bootstrap=\S+", "dht_bootstrap=127.0.0.1:9", "dht_bootstrap"),
    "no geolocation": (r"geoip_city=\S+", "geoip_city=/nowhere/city.mmdb", "/nowhere/city.mmdb"),
    "unknown key": (r"allow_local_peers=yes", "allow_lokal_peers=yes", "allow_lokal_peers"),
}


@pytest.mark.parametrize("case", BAD)
def test_failed_fetch_says_what_to_edit(lab: Lab, open_kept: OpenDesk, case: str) -> None:
    """A fetch that cannot work ends failed, with one sentence, and hides no earlier run."""
    pattern, instead, named = BAD[case]
    desk = open_kept(lab.config)
    before = desk.latest_run()
    assert before is not None
    desk.workspace.config_path.write_text(re.sub(pattern, instead, lab.config))
    job = ended(desk, desk.start(JobKind.FETCH, {}))
    assert job.state is JobState.FAILED
    assert named in (job.message or "")
    assert "Traceback" not in (job.message or "")
    assert desk.latest_run() == before


def test_failed_scrape_says_what_to_edit(open_desk: OpenDesk) -> None:
    """No root_url, or one where nobody answers: the job fails and names the key to edit."""
    desk = open_desk("")
    job = ended(desk, desk.start(JobKind.SCRAPE, {}))
    assert (job.state, "root_url" in (job.message or "")) == (JobState.FAILED, True)
    desk.workspace.config_path.write_text("root_url=http://127.0.0.1:9\nwait=0\n")
    job = ended(desk, desk.start(JobKind.SCRAPE, {}))
    assert job.state is JobState.FAILED
    assert "http://127.0.0.1:9" in (job.message or "")


def test_fetch_without_torrents_is_told(open_desk: OpenDesk) -> None:
    """With nothing collected, fetch fails with the way forward."""
    desk = open_desk("")
    job = ended(desk, desk.start(JobKind.FETCH, {}))
    assert job.state is JobState.FAILED
    assert "scrape some first" in (job.message or "")


def test_purge_keeps_torrents(lab: Lab, open_kept: OpenDesk) -> None:
    """Purge deletes what its preview says, and no torrent."""
    desk = open_kept(lab.config)
    preview = desk.purge_preview()
    run = desk.latest_run()
    assert run is not None
    assert (preview.runs, preview.peers, preview.torrents_kept) == (1, run.peers, desk.torrents())
    assert ended(desk, desk.start(JobKind.PURGE, {})).state is JobState.DONE
    assert desk.latest_run() is None
    assert desk.torrents() == len(lab.facts.torrents)
    assert list(desk.workspace.json_dir.glob("*.json")) == []
    assert len(list(desk.workspace.torrents_dir.glob("*.torrent"))) == len(lab.facts.torrents)


def test_dropped_torrents_are_read(open_desk: OpenDesk, tmp_path: Path) -> None:
    """A .torrent put into the folder by hand is there at the next start, a broken one is listed."""
    desk = open_desk("")
    shipped = next((Path(__file__).parents[2] / "bulkTorrents").glob("*.torrent"))
    (tmp_path / "bulkTorrents" / "by hand.torrent").write_bytes(shipped.read_bytes())
    (tmp_path / "bulkTorrents" / "broken.torrent").write_bytes(b"<html>")
    again = open_desk("")
    assert again.torrents() == 1
    assert [refused.file_name for refused in again.refused_torrents] == ["broken.torrent"]
    desk.close()
