"""Runs as immutable Parquet parts: any number of writers and readers, no lock for readers.

A part appears whole or not at all. Sightings of a swarm are on disk before the outcome that calls
it finished, so an outcome never promises peers that a crash took away. Columns: `swarm.columns`.
"""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from storage.manifest import MANIFEST_NAME, Manifest, RunState, no_earlier, write_manifest
from storage.recounting import recounted
from storage.run_reader import RunReader as RunReader  # noqa: PLC0414 - said here too
from storage.run_writer import RunWriter as RunWriter  # noqa: PLC0414 - said here too
from swarm.errors import StorageError

_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_SECOND = "%Y%m%d-%H%M%S"
_TRASH_PREFIX = ".trash-"


def new_run_id(runs_dir: Path, now: datetime) -> str:
    """A name that sorts by start time and never repeats: `20261121-101530-3f9c`.

    Where the clock stands before the latest run's start, it was set back: the name is then of the
    second after that, so that the newest run still comes last.
    """
    named = runs_dir.iterdir() if runs_dir.exists() else ()
    taken = [folder.name for folder in named if _RUN_ID.fullmatch(folder.name)]
    second = f"{now:{_SECOND}}"
    if taken and second < (latest := max(taken).rpartition("-")[0]):
        with suppress(ValueError, OverflowError):  # a folder that somebody named so
            second = f"{datetime.strptime(latest, _SECOND) + timedelta(seconds=1):{_SECOND}}"
    while (name := f"{second}-{secrets.token_hex(2)}") in taken:
        pass
    return name


def list_runs(runs_dir: Path) -> Iterator[RunReader]:
    """Every run of the folder that has a manifest, oldest first."""
    for folder in sorted(runs_dir.iterdir()) if runs_dir.exists() else ():
        if _RUN_ID.fullmatch(folder.name) and (folder / MANIFEST_NAME).exists():
            yield RunReader(folder)


def open_run(runs_dir: Path, run_id: str) -> RunReader:
    """The run of that name.

    Raises:
        StorageError: there is none; the name is also refused where it is no run id at all.
    """
    folder = runs_dir / run_id
    if not _RUN_ID.fullmatch(run_id) or not (folder / MANIFEST_NAME).exists():
        raise StorageError(f"there is no run {run_id[:40]!r} in {runs_dir}")
    return RunReader(folder)


def mark_interrupted(reader: RunReader, ended_at: datetime) -> Manifest:
    """Close a run whose process was killed. Its counts are taken anew from the parts."""
    manifest = reader.manifest
    closed = manifest.model_copy(
        update={
            "state": RunState.INTERRUPTED,
            "ended_at": no_earlier(ended_at, manifest.started_at),
            "counts": recounted(reader, manifest.counts),
            "message": "Its process ended in the middle; what it had written by then stands.",
        }
    )
    write_manifest(reader.folder, closed)
    return closed


def delete_run(runs_dir: Path, run_id: str) -> None:
    """Remove a run; killed in the middle, the rest is swept by `sweep_trash`."""
    folder = open_run(runs_dir, run_id).folder
    trash = runs_dir / f"{_TRASH_PREFIX}{run_id}"
    folder.rename(trash)
    shutil.rmtree(trash)


def sweep_trash(runs_dir: Path) -> None:
    """Finish deletions that a kill left half-done, and remove runs that never got a manifest.

    Call only while no job runs.
    """
    for folder in runs_dir.iterdir():
        unborn = _RUN_ID.fullmatch(folder.name) and not (folder / MANIFEST_NAME).exists()
        if unborn or folder.name.startswith(_TRASH_PREFIX):
            shutil.rmtree(folder)
