"""Runs on disk as the snapshots that `analysis` reads and compares. What a notebook opens."""

from __future__ import annotations

from pathlib import Path

from analysis.snapshot import Snapshot
from storage.runs import RunReader, list_runs, open_run
from storage.workspace import Workspace
from swarm.errors import StorageError


def open_snapshot(workspace: str | Path, run_id: str | None = None) -> Snapshot:
    """A run of the workspace in this folder; the one that was started last where none is named.

    Raises:
        StorageError: there is no such run, or a part of it does not read.
    """
    runs_dir = Workspace(Path(workspace)).runs_dir
    if run_id is not None:
        return snapshot_of(open_run(runs_dir, run_id))
    runs = list(list_runs(runs_dir))
    if not runs:
        raise StorageError(f"there is no run in {runs_dir}: fetch or import one first")
    return snapshot_of(runs[-1])


def open_history(workspace: str | Path) -> list[Snapshot]:
    """All runs of the workspace in this folder, oldest first.

    Raises:
        StorageError: a part of one does not read.
    """
    return [snapshot_of(run) for run in list_runs(Workspace(Path(workspace)).runs_dir)]


def snapshot_of(reader: RunReader) -> Snapshot:
    """The run as lazy frames.

    Raises:
        StorageError: a part of it does not read; names it.
    """
    # Of a swarm that is told of twice, since a kill came in between, the last word counts.
    outcomes = reader.outcomes().unique("swarm", keep="last", maintain_order=True)
    return Snapshot(
        run_id=reader.run_id,
        taken_at=reader.manifest.started_at,
        swarms=reader.swarms(),
        sightings=reader.sightings(),
        outcomes=outcomes,
        tallies=reader.tallies(),
    )
