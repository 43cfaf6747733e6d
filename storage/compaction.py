"""Compacting: a run's many small parts become few, in one step that no reader and no kill splits.

The new parts are written and synced in a folder aside; one rename makes them the live ones
(`storage.parts`). What they replaced stays for GRACE, since a reader may have begun with it.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from storage.durable import ASIDE_PREFIX, sync
from storage.manifest import RunState
from storage.part_files import PART_COLUMNS, PART_ORDER, scan_parts
from storage.parts import PART_KINDS, Generation, generations, part_number
from storage.polars_files import ROW_GROUP_ROWS
from storage.run_reader import RunReader
from swarm.errors import StorageError

GRACE: Final = timedelta(minutes=10)
TARGET_ROWS: Final = 1_500_000  # of a part: few enough to be read quickly, many enough to be few
_ASIDE: Final = f"{ASIDE_PREFIX}compacted-"

Rewrite = Callable[[pl.LazyFrame], pl.LazyFrame]


@dataclass(frozen=True, slots=True)
class Compaction:
    """What a compaction came to. Files and bytes are those of live parts."""

    parts_before: int
    parts_after: int
    bytes_before: int
    bytes_after: int


def compact_run(
    reader: RunReader,
    *,
    target_rows: int = TARGET_ROWS,
    rewrite: Mapping[str, Rewrite] | None = None,
    report: Callable[[int, int], None] = lambda _done, _total: None,
) -> Compaction | None:
    """Write the live parts of a run anew, about `target_rows` rows each; None: no need to.

    Call only while nobody else writes the run. Every row stays; the order is that of any part.

    Args:
        reader: the run.
        target_rows: a part has this many rows or up to one old part more.
        rewrite: by kind of part, what is done with its rows on the way, such as emptying a column.
        report: is told how many of the new parts are written, and of how many; may raise.

    Raises:
        StorageError: the run is running, a part does not read, or the disk refuses; then nothing
            has changed.
    """
    if reader.manifest.state is RunState.RUNNING:
        raise StorageError(f"run {reader.run_id} is running: wait until it ends, or cancel it")
    rewrite = rewrite or {}
    old = {kind: reader.parts(kind) for kind in PART_KINDS}
    groups = {kind: list(_groups(parts, target_rows)) for kind, parts in old.items()}
    parts_before = sum(map(len, old.values()))
    parts_after = sum(map(len, groups.values()))
    if parts_after == parts_before and not rewrite:
        return None
    past = generations(reader.folder)
    live = Generation(reader.next_part(), past[-1].number + 1 if past else 1)
    aside = reader.folder / f"{_ASIDE}{secrets.token_hex(8)}"
    try:
        aside.mkdir()
        done = 0
        for kind in PART_KINDS:
            for number, group in enumerate(groups[kind]):
                report(done, parts_after)
                rows = scan_parts(group, PART_COLUMNS[kind])
                rows = rewrite.get(kind, _as_it_is)(rows)
                if kind in PART_ORDER:
                    rows = rows.sort(PART_ORDER[kind], maintain_order=True)
                path = aside / f"{kind}-{number:06d}.parquet"
                rows.sink_parquet(path, compression="zstd", row_group_size=ROW_GROUP_ROWS)
                sync(path)
                done += 1
        os.utime(aside)  # the grace of what it replaces begins now
        sync(aside)
        aside.rename(reader.folder / live.folder_name)
        sync(reader.folder)
    except (OSError, PolarsError) as error:
        raise StorageError(
            f"cannot compact {reader.folder}: {str(error)[:200]}; the run is as it was"
        ) from error
    finally:
        with suppress(OSError):  # the next sweep takes it
            if aside.exists():
                shutil.rmtree(aside)
    return Compaction(
        parts_before=parts_before,
        parts_after=parts_after,
        bytes_before=_bytes(old),
        bytes_after=_bytes({kind: reader.parts(kind) for kind in PART_KINDS}),
    )


def sweep_replaced(run_folder: Path, now: datetime) -> int:
    """Delete parts that a compaction replaced longer than GRACE ago; returns the bytes freed.

    A compaction that was killed goes too. Call only while nobody writes the run.
    """
    freed = 0
    for leftover in run_folder.glob(f"{_ASIDE}*"):
        shutil.rmtree(leftover)
    past = generations(run_folder)
    if not past:
        return 0
    live = past.pop()
    if now.timestamp() - (run_folder / live.folder_name).stat().st_mtime < GRACE.total_seconds():
        return 0
    loose = (part for kind in PART_KINDS for part in run_folder.glob(f"{kind}-*.parquet"))
    for part in loose:
        if part_number(part) < live.first_loose:
            freed += part.stat().st_size
            part.unlink()
    for older in past:
        folder = run_folder / older.folder_name
        freed += sum(part.stat().st_size for part in folder.iterdir())
        shutil.rmtree(folder)
    return freed


def _groups(parts: list[Path], target_rows: int) -> Iterator[list[Path]]:
    """Neighbours that together have `target_rows` rows."""
    group: list[Path] = []
    rows = 0
    for part in parts:
        group.append(part)
        rows += _rows(part)
        if rows >= target_rows:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _rows(part: Path) -> int:
    """From the file's foot; nothing else of it is read."""
    try:
        return int(pl.scan_parquet(part).select(pl.len()).collect().item())
    except (OSError, PolarsError) as error:
        raise StorageError(f"{part} does not read as Parquet ({str(error)[:120]})") from None


def _as_it_is(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows


def _bytes(parts: Mapping[str, list[Path]]) -> int:
    return sum(path.stat().st_size for paths in parts.values() for path in paths)
