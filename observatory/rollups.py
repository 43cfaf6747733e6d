"""Roll-ups of runs: read where they are kept, made where not, grown with a run that is running.

What would take long is counted by a thread, so that nobody at the page waits for an answer: whoever
asks meanwhile is told so.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from polars.exceptions import PolarsError

from analysis.rollup import Rollup, roll_up, united, with_distinct
from observatory.later import Later
from storage.manifest import RunKind, RunState
from storage.rollups import read_rollup, rollup_folder, rollup_stamp, write_rollup
from storage.runs import RunReader
from swarm.errors import StorageError

_KEPT_RUNS = 4


@dataclass(frozen=True, slots=True)
class _Grown:
    """A roll-up and the parts that it is of; `folder` is where its long tables are read."""

    parts: frozenset[Path]
    rollup: Rollup
    folder: Path | None = None

    def is_of(self, parts: list[Path]) -> bool:
        there = self.folder is None or self.folder.exists()
        return there and self.parts == frozenset(parts)


class Rollups:
    """The roll-ups of the runs that were asked for last; safe for threads."""

    def __init__(self, *, at_once_bytes: int | None = None) -> None:
        """Parts of more than `at_once_bytes` are counted by a thread; None: whoever asks waits."""
        self._at_once_bytes = at_once_bytes
        self._lock = threading.Lock()
        self._grown: OrderedDict[Path, _Grown] = OrderedDict()
        self._later: Later[_Grown] = Later()

    @property
    def counted(self) -> int:
        """How many runs were counted by a thread until now: a new number, a new answer."""
        return self._later.done

    def of(self, reader: RunReader) -> Rollup:
        """The roll-up of a run as it stands now. That of a run which has ended is kept on disk.

        Raises:
            StorageError: a part of it does not read; names it. Or it is being counted.
        """
        with self._lock:
            parts = reader.parts("sightings")
            known = self._known(reader)
            if known is None or not known.is_of(parts):
                known = self._now_or_later(reader, parts, known)
            self._grown[reader.folder] = known
            self._grown.move_to_end(reader.folder)
            while len(self._grown) > _KEPT_RUNS:
                self._grown.popitem(last=False)
            return known.rollup

    def _known(self, reader: RunReader) -> _Grown | None:
        counted = self._later.result(reader.folder, meanwhile=partial(_being_counted, reader))
        return self._grown.get(reader.folder) if counted is None else counted

    def _now_or_later(self, reader: RunReader, parts: list[Path], known: _Grown | None) -> _Grown:
        kept = None if reader.manifest.state is RunState.RUNNING else _read(reader, parts)
        if kept is not None:
            return kept
        if known is not None and not _grows(reader, parts, known):
            known = None
        new = parts if known is None else [part for part in parts if part not in known.parts]
        if self._at_once_bytes is None or _bytes(new) <= self._at_once_bytes:
            return _make(reader, parts, known, new)
        work = partial(_make, reader, parts, known, new)
        self._later.begin(reader.folder, work, name=f"count {reader.run_id}")
        raise StorageError(_being_counted(reader))


def keep_rollup(reader: RunReader) -> None:
    """Make and keep the roll-up of a run that has ended, unless it is there.

    Raises:
        StorageError: a part of the run does not read, or the disk refuses.
    """
    if read_rollup(reader) is None:
        stamp = rollup_stamp(reader)
        write_rollup(reader, stamp, _whole(reader, make_rollup(reader)).frames())


def _whole(reader: RunReader, rollup: Rollup) -> Rollup:
    """The roll-up of a run that has ended, with what is counted of a whole run alone.

    Raises:
        StorageError: a part of the run does not read; names it.
    """
    with readable(reader.run_id):
        return with_distinct(rollup, reader.sightings(), reader.swarms().collect())


def make_rollup(reader: RunReader, parts: list[Path] | None = None) -> Rollup:
    """Count a run, or some of its parts.

    Raises:
        StorageError: a part of it does not read; names it.
    """
    swarms = reader.swarms().collect()
    tallies = reader.tallies() if reader.manifest.kind is RunKind.IMPORT else None
    parts = reader.parts("sightings") if parts is None else parts
    with readable(reader.run_id):
        return roll_up(reader.sightings(parts), swarms, tallies)


def _make(reader: RunReader, parts: list[Path], known: _Grown | None, new: list[Path]) -> _Grown:
    """Count what is `new` since `known`; what is of a run that has ended is kept, and read anew."""
    stamp = rollup_stamp(reader)
    rollup = make_rollup(reader, new)
    if known is not None:
        with readable(reader.run_id):
            rollup = united([known.rollup, rollup])
    if reader.manifest.state is not RunState.RUNNING:
        rollup = _whole(reader, rollup)
        with suppress(StorageError):  # a full disk: it is made again next time
            write_rollup(reader, stamp, rollup.frames())
            return _read(reader, parts) or _Grown(frozenset(parts), rollup)
    return _Grown(frozenset(parts), rollup)


def _read(reader: RunReader, parts: list[Path]) -> _Grown | None:
    """What is kept of just these parts; None: nothing, or it does not read."""
    tables = read_rollup(reader)
    if tables is None:
        return None
    with suppress(OSError, PolarsError):
        return _Grown(frozenset(parts), Rollup.of(tables), rollup_folder(reader))
    return None


def _grows(reader: RunReader, parts: list[Path], known: _Grown) -> bool:
    """Whether what is known is of some of the parts, and still there; an import's is of all."""
    there = known.folder is None or known.folder.exists()
    return there and known.parts < set(parts) and reader.manifest.kind is RunKind.CRAWL


def _being_counted(reader: RunReader) -> str:
    return (
        f"Run {reader.run_id} is being counted for the first time, "
        f"{reader.manifest.counts.peers:,} peers: its figures come by themselves when that is done."
    )


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


def _bytes(parts: list[Path]) -> int:
    return sum(part.stat().st_size for part in parts)
