"""Roll-ups of runs: read where they are kept, made where not, grown with a run that is running."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from analysis.rollup import Rollup, roll_up, united
from storage.manifest import RunKind, RunState
from storage.rollups import read_rollup, rollup_stamp, write_rollup
from storage.runs import RunReader
from swarm.errors import StorageError

_KEPT_RUNS = 4
_BATCH_BYTES = 300_000_000  # of parts that are counted at once: some ten million rows


@dataclass(frozen=True, slots=True)
class _Grown:
    """A roll-up and the parts that it is of."""

    parts: frozenset[Path]
    rollup: Rollup


class Rollups:
    """The roll-ups of the runs that were asked for last; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._grown: OrderedDict[Path, _Grown] = OrderedDict()

    def of(self, reader: RunReader) -> Rollup:
        """The roll-up of a run as it stands now. That of a run which has ended is kept on disk.

        Raises:
            StorageError: a part of it does not read; names it.
        """
        with self._lock:
            parts = reader.parts("sightings")
            known = self._grown.get(reader.folder)
            if known is None or known.parts != frozenset(parts):
                known = _Grown(frozenset(parts), _read_or_make(reader, parts, known))
            self._grown[reader.folder] = known
            self._grown.move_to_end(reader.folder)
            while len(self._grown) > _KEPT_RUNS:
                self._grown.popitem(last=False)
            return known.rollup


def keep_rollup(reader: RunReader) -> None:
    """Make and keep the roll-up of a run that has ended, unless it is there.

    Raises:
        StorageError: a part of the run does not read, or the disk refuses.
    """
    if read_rollup(reader) is None:
        stamp = rollup_stamp(reader)
        write_rollup(reader, stamp, make_rollup(reader).frames())


def make_rollup(reader: RunReader, parts: list[Path] | None = None) -> Rollup:
    """Count a run, or some of its parts, batch by batch, so that any size fits into memory.

    Raises:
        StorageError: a part of it does not read; names it.
    """
    swarms = reader.swarms().collect()
    tallies = reader.tallies() if reader.manifest.kind is RunKind.IMPORT else None
    parts = reader.parts("sightings") if parts is None else parts
    if tallies is not None:  # they are of all parts at once
        return _counted(reader, parts, swarms, tallies)
    batches = [_counted(reader, batch, swarms) for batch in _batches(parts)]
    return united(batches)


def _read_or_make(reader: RunReader, parts: list[Path], known: _Grown | None) -> Rollup:
    running = reader.manifest.state is RunState.RUNNING
    stamp = rollup_stamp(reader)
    if not running and (tables := read_rollup(reader)) is not None:
        return Rollup.of(tables)
    if known is not None and known.parts < set(parts) and reader.manifest.kind is RunKind.CRAWL:
        new = [part for part in parts if part not in known.parts]
        rollup = united([known.rollup, make_rollup(reader, new)])
    else:
        rollup = make_rollup(reader, parts)
    if not running:
        with suppress(StorageError):  # a full disk: it is made again next time
            write_rollup(reader, stamp, rollup.frames())
    return rollup


def _counted(
    reader: RunReader,
    parts: list[Path],
    swarms: pl.DataFrame,
    tallies: pl.LazyFrame | None = None,
) -> Rollup:
    with readable(reader.run_id):
        return roll_up(reader.sightings(parts), swarms, tallies)


@contextmanager
def readable(run_id: str) -> Iterator[None]:
    """Around what reads parts: one that does not read, or is gone by now, is a StorageError."""
    try:
        yield
    except (OSError, PolarsError) as error:
        raise StorageError(
            f"run {run_id} does not read just now ({str(error)[:120]}): try again; "
            "if it stays so, restore the part that is named, or delete the run"
        ) from None


def _batches(parts: list[Path]) -> list[list[Path]]:
    """Neighbours whose files are of about _BATCH_BYTES together; at least one, maybe empty."""
    batches: list[list[Path]] = [[]]
    size = 0
    for part in parts:
        if size >= _BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(part)
        size += part.stat().st_size
    return batches
