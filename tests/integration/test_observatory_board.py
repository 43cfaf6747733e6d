"""observatory.board: what `settle` takes for dead, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from observatory import board
from observatory.board import QUEUE_PATIENCE, queue_job, run_job, settle
from observatory.configuration import open_catalogue
from observatory.job import JobKind, JobState
from observatory.joblock import JobLock
from storage.catalogue import Catalogue
from storage.manifest import RunState
from storage.runs import RunWriter, open_run
from storage.workspace import Workspace
from swarm.errors import JobRefused
from tests import frames


@pytest.fixture
def workspace(tmp_path: Path, database: Path | str) -> Workspace:
    world = Workspace(tmp_path)
    world.prepare()
    if not isinstance(database, Path):
        world.config_path.write_text(f"database_url={database}\n")
    return world


@pytest.fixture
def catalogue(workspace: Workspace) -> Iterator[Catalogue]:
    opened = open_catalogue(workspace)
    yield opened
    opened.close()


def test_job_that_ends_meanwhile_stays_done(
    workspace: Workspace, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that ends between two looks is not taken for killed."""
    job = queue_job(workspace, JobKind.PURGE, {})

    class EndsJustNow(JobLock):
        def acquire(self, *, patience_s: float = 0.0) -> bool:
            catalogue.update_job(job.id, state="done", active=None)
            return super().acquire(patience_s=patience_s)

    catalogue.update_job(job.id, state="running")
    monkeypatch.setattr(board, "JobLock", EndsJustNow)
    settle(workspace, catalogue)
    assert catalogue.job(job.id).state == JobState.DONE


def test_killed_job_and_its_run_are_interrupted(workspace: Workspace, catalogue: Catalogue) -> None:
    """A row that says running while nobody holds the lock belongs to a killed process."""
    job = queue_job(workspace, JobKind.FETCH, {})
    catalogue.update_job(job.id, state="running")
    RunWriter(workspace.runs_dir, frames.manifest(), frames.swarms("film"))
    settle(workspace, catalogue)
    assert catalogue.job(job.id).state == JobState.INTERRUPTED
    run = open_run(workspace.runs_dir, frames.manifest().run_id)
    assert run.manifest.state is RunState.INTERRUPTED
    assert [m.run_id for m in catalogue.runs()] == [run.run_id]


def test_running_job_is_left_alone(workspace: Workspace, catalogue: Catalogue) -> None:
    """While a process holds the lock, its job and its run stay as they are."""
    job = queue_job(workspace, JobKind.FETCH, {})
    catalogue.update_job(job.id, state="running")
    RunWriter(workspace.runs_dir, frames.manifest(), frames.swarms("film"))
    with JobLock(workspace.runs_dir) as lock:
        assert lock.acquire()
        settle(workspace, catalogue)
        assert catalogue.job(job.id).state == JobState.RUNNING
    run = open_run(workspace.runs_dir, frames.manifest().run_id)
    assert run.manifest.state is RunState.RUNNING


def test_queued_job_has_time_to_start(workspace: Workspace, catalogue: Catalogue) -> None:
    """A job waits for its worker; one whose worker never came frees the place."""
    job = queue_job(workspace, JobKind.PURGE, {})
    settle(workspace, catalogue)
    assert catalogue.job(job.id).state == JobState.QUEUED
    long_ago = datetime.now(UTC) - QUEUE_PATIENCE - timedelta(seconds=1)
    catalogue.update_job(job.id, created_at=long_ago)
    settle(workspace, catalogue)
    assert catalogue.job(job.id).state == JobState.INTERRUPTED


def test_job_runs_once(workspace: Workspace) -> None:
    """A job that has ended does not start again."""
    job = queue_job(workspace, JobKind.PURGE, {})
    assert run_job(workspace, job.id).state is JobState.DONE
    with pytest.raises(JobRefused, match="does not start again"):
        run_job(workspace, job.id)


def test_senseless_arguments_are_refused(workspace: Workspace) -> None:
    """Arguments from outside are checked before anything is queued."""
    with pytest.raises(JobRefused, match="per_category=0"):
        queue_job(workspace, JobKind.SCRAPE, {"per_category": 0})
    with pytest.raises(JobRefused, match="nonsense"):
        queue_job(workspace, JobKind.PURGE, {"nonsense": 1})
