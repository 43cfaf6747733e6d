"""A disk that takes nothing holds up the writing of a crawl, and nothing else of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.dht import SimulatedDht
from observatory import recording
from observatory.fetch import fetch
from observatory.jobs import FetchArguments, Report
from observatory.progress import Progress
from observatory.targets import infohash_target
from storage import run_writer
from storage.manifest import RunState
from storage.runs import RunReader, list_runs
from storage.workspace import Workspace
from swarm.errors import StorageError
from swarm.infohash import InfoHash

INFOHASHES = 900
PEERS_EACH = 4
PACKETS_PER_S = 2_000  # so that progress is reported many times, however fast the machine
NODES = 8_000  # so many that few of them have to be asked twice
DEADLINE_S = 100.0


class Disk:
    """Stands still at the first part of sightings until it is let go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stands_still = threading.Event()
        self.goes_on = threading.Event()
        self._write = run_writer.write_part
        monkeypatch.setattr(run_writer, "write_part", self.write_part)
        monkeypatch.setattr(recording, "FLUSH_INTERVAL_S", 0.0)

    def write_part(self, path: Path, *arguments: Any, name: str, **options: Any) -> None:
        if name.startswith("sightings-"):
            self.stands_still.set()
            assert self.goes_on.wait(DEADLINE_S), "nobody let the disk go on"
        self._write(path, *arguments, name=name, **options)


class Watch(Progress):
    """Keeps what the crawl reports, and shows each report to `look`."""

    def __init__(self, look: Callable[[int, dict[str, int]], None]) -> None:
        self._look = look

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        if "packets_sent" in counts:
            self._look(done, counts)


def crawl(root: Path, look: Callable[[int, dict[str, int]], None]) -> Report:
    draw = random.Random(6)
    keys = [draw.randbytes(20) for _ in range(INFOHASHES)]
    workspace = Workspace(root)
    workspace.prepare()
    with SimulatedDht(seed=3, nodes=NODES, dead_share=0.0) as dht:
        dht.plant(
            {
                key: [b"\x7f\x08" + draw.randbytes(2) + b"\x1a\xe1" for _ in range(PEERS_EACH)]
                for key in keys
            }
        )
        workspace.config_path.write_text(
            f"allow_local_peers=yes\nmax_packets_per_s={PACKETS_PER_S}\nprocesses=1\n"
            f"ignore_environment=yes\nask_trackers=no\ndht_bootstrap={dht.bootstrap}\n"
        )
        targets = tuple(infohash_target(InfoHash(key)) for key in keys)
        return fetch(workspace, FetchArguments(targets=targets), Watch(look))


def only_run(root: Path) -> RunReader:
    (run,) = list_runs(root / "runs")
    return run


def test_the_crawl_goes_on_while_the_disk_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every lookup ends and packets are sent meanwhile; then all that was found is written once."""
    disk = Disk(monkeypatch)
    meanwhile: list[tuple[int, int]] = []

    def look(done: int, counts: dict[str, int]) -> None:
        if disk.stands_still.is_set() and not disk.goes_on.is_set():
            meanwhile.append((done, counts["packets_sent"]))
            assert not list(only_run(tmp_path).folder.glob("sightings-*"))
        if done == INFOHASHES:
            disk.goes_on.set()

    report = crawl(tmp_path, look)
    assert report.figures["swarms_done"] == INFOHASHES
    (first_done, first_sent), (last_done, last_sent) = meanwhile[0], meanwhile[-1]
    assert (first_done < INFOHASHES, last_done) == (True, INFOHASHES)
    assert last_sent > first_sent
    run = only_run(tmp_path)
    rows = run.sightings().select("swarm", "peer").collect().rows()
    assert len(rows) == len(set(rows)) == report.figures["peers"] > INFOHASHES
    assert sorted(run.outcomes().collect()["swarm"]) == list(range(INFOHASHES))
    # What waited became few parts, not one for each time it was handed over.
    assert len(run.parts("outcomes")) < len(meanwhile)
    assert run.manifest.state is RunState.COMPLETE


def test_too_much_that_waits_ends_the_crawl_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the bound the job ends and says why; what had been found by then is in the run."""
    disk = Disk(monkeypatch)
    monkeypatch.setattr(recording, "MOST_WAITING_BYTES", 150_000)
    seen: list[int] = []

    def close(self: recording.RunRecorder, *arguments: Any) -> None:
        disk.goes_on.set()
        exit_(self, *arguments)

    exit_ = recording.RunRecorder.__exit__
    monkeypatch.setattr(recording.RunRecorder, "__exit__", close)
    with pytest.raises(StorageError, match="the disk has not kept up"):
        crawl(tmp_path, lambda done, _counts: seen.append(done))
    run = only_run(tmp_path)
    finished = run.outcomes().collect()["swarm"].to_list()
    assert max(seen) <= len(finished) == len(set(finished)) < INFOHASHES
    manifest = run.manifest
    assert (manifest.state, manifest.counts.swarms_done) == (RunState.FAILED, len(finished))
    assert "has not kept up" in (manifest.message or "")
    rows = run.sightings().select("swarm", "peer").collect().rows()
    assert len(rows) == len(set(rows)) == manifest.counts.peers
