"""What may still tell who somebody is: the key of pseudonyms, and addresses in older runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from observatory.aggregates import write_classic_aggregates
from observatory.joblock import JobLock
from storage.compaction import compact_run, sweep_replaced
from storage.manifest import RunState, write_manifest
from storage.pseudonym_key import key_id, load_or_make_key, replace_key
from storage.runs import RunReader, list_runs
from storage.workspace import Workspace
from swarm.errors import JobRefused

if TYPE_CHECKING:
    import polars as pl

_RAW_COLUMNS = ("address", "port", "prefix")
_AFTER_ANY_GRACE = datetime.max.replace(tzinfo=UTC)  # what held addresses goes at once


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The names of the key that was and of the key that is; see `storage.pseudonym_key.key_id`."""

    before: str
    after: str


def rotate_key(workspace: Workspace) -> KeyRotation:
    """Make a new key for pseudonyms; the old one is gone for good.

    Older runs stay readable. Their peers can no longer be told apart from, or linked to, those
    of runs from now on, by nobody: that is what it is for.

    Raises:
        JobRefused: a job runs, which still uses the old key.
        StorageError: the disk refuses; the old key stands.
    """
    with _no_job(workspace):
        before = key_id(load_or_make_key(workspace.key_path))
        return KeyRotation(before, key_id(replace_key(workspace.key_path)))


def forget_old_addresses(
    workspace: Workspace, keep_raw_days: float | None, now: datetime
) -> list[str]:
    """Take what older runs kept of addresses out of them; returns which runs those were.

    Those are the runs that began more than `keep_raw_days` ago; None keeps it as long as the runs.
    Killed at any instant, a run has its addresses or has them no more, and the next call goes on.

    Raises:
        JobRefused: a job runs.
        StorageError: a run does not read, or the disk refuses; those before it are done.
    """
    if keep_raw_days is None:
        return []
    with _no_job(workspace):
        runs = list(list_runs(workspace.runs_dir))
        old = [run for run in runs if _is_due(run, now - timedelta(days=keep_raw_days))]
        for run in old:
            _forget(run, now)
            if run.run_id == runs[-1].run_id:  # json/ shows the latest run, addresses and all
                write_classic_aggregates(workspace, run.run_id)
    return [run.run_id for run in old]


def _is_due(run: RunReader, limit: datetime) -> bool:
    manifest = run.manifest
    ended = manifest.state is not RunState.RUNNING
    holds_any = manifest.addresses_stored or manifest.prefixes_stored
    return holds_any and ended and manifest.started_at < limit


def _forget(run: RunReader, now: datetime) -> None:
    from observatory.rollups import keep_rollup  # NumPy stays out where nothing is to be forgotten

    emptied = dict.fromkeys(("sightings", "visits"), _without_addresses)
    compact_run(run, rewrite=emptied)
    sweep_replaced(run.folder, _AFTER_ANY_GRACE)
    manifest = run.manifest
    forgotten = {
        "addresses_stored": False,
        "prefixes_stored": False,
        "addresses_removed_at": now,
    }
    write_manifest(run.folder, manifest.model_copy(update=forgotten))  # last: it says it is done
    keep_rollup(run)


def _without_addresses(rows: pl.LazyFrame) -> pl.LazyFrame:
    import polars as pl

    schema = rows.collect_schema()
    return rows.with_columns(pl.lit(None, schema[name]).alias(name) for name in _RAW_COLUMNS)


@contextmanager
def _no_job(workspace: Workspace) -> Iterator[None]:
    with JobLock(workspace.runs_dir) as lock:
        if not lock.acquire():
            raise JobRefused("a job is running: wait until it ends, or cancel it, then try again")
        yield
