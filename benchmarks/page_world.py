"""The worlds that the page is measured upon: workspaces with made-up runs, and their servers.

A server is `python main.py`, as a user starts it, in a process of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.seeded_run import Scale, parts, swarm_table, write_run
from observatory.configuration import open_catalogue
from observatory.job import JobKind, JobState
from observatory.joblock import JobLock
from storage.manifest import Manifest, RunCounts, RunKind, RunState
from storage.runs import RunReader, RunWriter, list_runs
from storage.workspace import Workspace

ROOT = Path(__file__).parents[1]
_LIVE_RUN = "20261121-120000-beac"


def workspace_with(folder: Path, run: Path) -> Path:
    """A workspace that shows one finished run, which stays where it lies."""
    (folder / "runs").mkdir(parents=True)
    (folder / "config.txt").write_text("ignore_environment=yes\n")
    (folder / "runs" / run.name).symlink_to(run.resolve(), target_is_directory=True)
    return folder


def made_run(folder: Path, scale: Scale) -> Path:
    """The folder of such a run; made unless it is there and whole."""
    runs = folder / f"runs-{scale.sightings}"
    for reader in list_runs(runs):
        if reader.manifest.state is RunState.COMPLETE and _swarms(reader) == scale.swarms:
            return reader.folder
    return write_run(runs, scale)


def kept_run(folder: Path) -> RunReader | None:
    """The largest whole run below a folder of `benchmarks.bench_analysis --folder`."""
    whole = [
        reader
        for runs in folder.glob("runs-*")
        for reader in list_runs(runs)
        if reader.manifest.state is RunState.COMPLETE
    ]
    return max(whole, key=lambda reader: reader.manifest.counts.peers, default=None)


def _swarms(reader: RunReader) -> int:
    return reader.manifest.counts.swarms_total


@contextmanager
def server(workspace: Path) -> Iterator[tuple[str, int]]:
    """`python main.py` over a workspace; yields its address and its process id."""
    command = [sys.executable, "main.py", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workspace", str(workspace)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield _address(process.stdout), process.pid
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def classic_server(folder: Path, peers: int) -> Iterator[str]:
    """The classic page over so many peers; yields its address."""
    command = [sys.executable, "-m", "benchmarks.rival_classic_page", str(folder), str(peers)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        try:
            yield _address(process.stdout)
        finally:
            process.terminate()
            process.wait(30)


def _address(output: Iterator[str]) -> str:
    for line in output:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found[0]
    raise SystemExit("the page's server has ended before it served")


class GrowingRun:
    """A crawl as the page sees it: its job holds the lock, its run gets part after part."""

    def __init__(self, folder: Path, scale: Scale, part_rows: int) -> None:
        """Write all parts but the last few, which `grow` adds."""
        self._workspace = Workspace(folder)
        self._workspace.prepare()
        self._workspace.config_path.write_text("ignore_environment=yes\n")
        self._lock = JobLock(self._workspace.runs_dir)
        if not self._lock.acquire(patience_s=10):
            raise SystemExit(f"another job runs in {folder}")
        self._swarms = self._done = self._peers = 0
        self._scale = scale
        manifest = Manifest(
            run_id=_LIVE_RUN,
            kind=RunKind.CRAWL,
            state=RunState.RUNNING,
            world="bench",
            started_at=datetime.now(UTC),
            code_version="bench",
            settings={},
            database=None,
            addresses_stored=False,
        )
        self._writer = RunWriter(self._workspace.runs_dir, manifest, swarm_table(scale))
        self._parts = parts(scale, part_rows)
        with closing(open_catalogue(self._workspace)) as catalogue:
            job = catalogue.add_job(JobKind.FETCH.value, {}, datetime.now(UTC))
            now = datetime.now(UTC)
            catalogue.update_job(job.id, state=JobState.RUNNING.value, started_at=now)
            catalogue.replace_runs([self._writer.manifest])

    def grow(self) -> int:
        """Add the next part; how many sightings there are then."""
        sightings, outcomes = next(self._parts)
        self._done += len(outcomes)
        self._peers += len(sightings)
        counts = RunCounts(
            swarms_total=self._scale.swarms, swarms_done=self._done, peers=self._peers
        )
        self._writer.add(sightings, outcomes, counts)
        return self._peers

    def close(self) -> None:
        """Give the lock back; whoever opens the workspace next finds the run interrupted."""
        self._lock.release()
