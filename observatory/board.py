"""The job board: who may start what, how it is run, and what a kill leaves to be tidied.

A job is a row of the catalogue plus a plain function (see `kinds`). Whoever runs it, the worker
process behind a click or the command line, comes through `run_job`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from observatory.aggregates import write_classic_aggregates
from observatory.configuration import open_catalogue
from observatory.job import Job, JobKind, JobState, row_to_job
from observatory.joblock import JobLock
from observatory.jobs import Report
from observatory.kinds import KINDS
from observatory.progress import Both, Progress, StoppedBySignal, Throttled
from storage.compaction import sweep_replaced
from storage.manifest import RunState
from storage.runs import list_runs, mark_interrupted, sweep_trash
from storage.workspace import Workspace, sweep_aside
from swarm.errors import JobCancelled, JobRefused, StorageError, SwarmError

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue

log = logging.getLogger(__name__)

# A queued job whose worker did not take the lock by then never will.
QUEUE_PATIENCE = timedelta(seconds=60)
_REPORT_INTERVAL_S = 0.25


def queue_job(workspace: Workspace, kind: JobKind, arguments: Mapping[str, object]) -> Job:
    """Put a job on the board.

    Raises:
        JobRefused: another job is active, or the arguments make no sense; says which and what.
    """
    try:
        checked = KINDS[kind].arguments.model_validate(dict(arguments))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise JobRefused(f"{kind.value}: {where}={first['input']!r}: {first['msg']}") from None
    with closing(open_catalogue(workspace)) as catalogue:
        settle(workspace, catalogue)
        plain = checked.model_dump(mode="json")
        return row_to_job(catalogue.add_job(kind.value, plain, datetime.now(UTC)))


def run_job(
    workspace: Workspace,
    job_id: int,
    *,
    watch: Progress | None = None,
    unwritten: Mapping[str, object] | None = None,
) -> Job:
    """Run a queued job in this process until it ends; how it ended is in the answer and the table.

    Args:
        workspace: the world it belongs to.
        job_id: from `queue_job`.
        watch: a second place to report to, such as a terminal.
        unwritten: arguments that are secret, and so stand in no row.
    """
    with (
        closing(open_catalogue(workspace)) as catalogue,
        JobLock(workspace.runs_dir) as lock,
    ):
        if not lock.acquire(patience_s=10):
            _end(catalogue, job_id, JobState.FAILED, "another process is running a job here")
            return row_to_job(catalogue.job(job_id))
        row = catalogue.job(job_id)
        if row.state != JobState.QUEUED:
            raise JobRefused(f"job {job_id} is {row.state}, it does not start again")
        now = datetime.now(UTC)
        catalogue.update_job(job_id, state=JobState.RUNNING.value, started_at=now)
        board = Throttled(_BoardProgress(catalogue, job_id), interval_s=_REPORT_INTERVAL_S)
        progress = board if watch is None else Both(board, watch)
        try:
            with StoppedBySignal(progress) as stoppable:
                arguments = {**row.arguments, **(unwritten or {})}
                report = KINDS[JobKind(row.kind)].run(workspace, arguments, stoppable)
        except JobCancelled:
            _end(catalogue, job_id, JobState.CANCELLED, "What was collected by then is kept.")
        except KeyboardInterrupt:
            _end(catalogue, job_id, JobState.CANCELLED, "What was written by then is kept.")
        except SwarmError as error:
            log.warning("job=%d kind=%s failed error=%s", job_id, row.kind, error)
            _end(catalogue, job_id, JobState.FAILED, str(error))
        except Exception as error:
            log.exception("job=%d kind=%s crashed", job_id, row.kind)
            said = f"A fault in Swarm Atlas ended the job: {type(error).__name__}: {error}"
            _end(catalogue, job_id, JobState.FAILED, said[:500])
        else:
            catalogue.update_job(job_id, report=report.model_dump(mode="json"))
            _end(catalogue, job_id, _state(report), report.sentence)
        job = row_to_job(catalogue.job(job_id))
        if job.state is JobState.FAILED:
            _settle_runs(workspace, catalogue)  # a run that could not even be closed, say
        return job


def settle(workspace: Workspace, catalogue: Catalogue) -> None:
    """Mark what a killed process left `running` as interrupted, and sweep its half-written files.

    Does nothing while a job really runs.
    """
    with JobLock(workspace.runs_dir) as lock:
        if not lock.acquire():
            return
        # Read with the lock in hand: a job that ended just now is no longer active.
        active = catalogue.active_job()
        if active is not None:
            young = datetime.now(UTC) - active.created_at < QUEUE_PATIENCE
            if active.state == JobState.QUEUED and young:
                return
            said = "Its process ended in the middle; what it had collected is kept."
            _end(catalogue, active.id, JobState.INTERRUPTED, said)
        _settle_runs(workspace, catalogue)


def _settle_runs(workspace: Workspace, catalogue: Catalogue) -> None:
    workspace.sweep()
    sweep_trash(workspace.runs_dir)
    manifests = []
    for run in list_runs(workspace.runs_dir):
        try:
            manifest = run.manifest
            sweep_replaced(run.folder, datetime.now(UTC))
            if manifest.state is RunState.RUNNING:
                sweep_aside(run.folder)
                manifest = mark_interrupted(run, datetime.now(UTC))
                write_classic_aggregates(workspace, run.run_id)
        except StorageError as error:
            log.warning("run=%s skipped error=%s", run.run_id, error)
            continue
        manifests.append(manifest)
    if manifests[::-1] != catalogue.runs():
        catalogue.replace_runs(manifests)


def _state(report: Report) -> JobState:
    if report.failed:
        return JobState.FAILED
    return JobState.CANCELLED if report.cancelled else JobState.DONE


def _end(catalogue: Catalogue, job_id: int, state: JobState, message: str) -> None:
    catalogue.update_job(
        job_id, state=state.value, active=None, ended_at=datetime.now(UTC), message=message
    )


class _BoardProgress:
    """Writes reports into the job's row, and reads there whether the user wants it to stop."""

    def __init__(self, catalogue: Catalogue, job_id: int) -> None:
        self._catalogue = catalogue
        self._job_id = job_id

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """See `Progress.report`."""
        wanted = self._catalogue.update_job(
            self._job_id,
            doing=doing,
            done=done,
            total=total,
            counts=counts,
            heartbeat_at=datetime.now(UTC),
        )
        if wanted:
            raise JobCancelled("cancelled by the user")
