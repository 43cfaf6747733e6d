"""RunWriter: adds parts to a run, beside as many other writers as there are.

What takes long, encoding and syncing, each writer does by itself, aside. Under the lock of the
run's folder the parts then get the next free number, are renamed, and the one manifest follows.
So a reader sees whole parts only, a kill of any writer stops no other, and each swarm is kept
from the writer that finished it first. See docs/adr/0018-writing-sightings.md.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import polars as pl

from storage.durable import ASIDE_PREFIX, disk_errors, replace_durably, sole_writer, sync
from storage.manifest import (
    Manifest,
    RunCounts,
    RunState,
    no_earlier,
    read_manifest,
    write_manifest,
)
from storage.part_files import PART_COLUMNS, PART_ORDER, scan_parts, write_part
from storage.parts import PART_KINDS
from storage.recounting import counted, recounted
from storage.run_reader import RunReader
from swarm.columns import SWARM_COLUMNS, TALLY_COLUMNS, Column
from swarm.errors import StorageError

_Frames = Mapping[str, pl.DataFrame]
# Renamed first to last: an outcome never promises peers that a crash took away.
_ORDER = ("sightings", "trackers", "visits", "outcomes")


class RunWriter:
    """One writer of a run. Every call returns after the disk has it. Not for several threads."""

    def __init__(self, runs_dir: Path, manifest: Manifest, swarms: pl.DataFrame) -> None:
        """Begin a run: its swarms first, then the manifest that makes it a run.

        Raises:
            StorageError: there is a run of that name, or the disk refuses.
        """
        self._go_on(runs_dir / manifest.run_id, manifest, next_number=0)
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True)
        _replace(self.folder / "swarms.parquet", swarms, SWARM_COLUMNS)
        write_manifest(self.folder, manifest)

    @classmethod
    def resume(cls, reader: RunReader, manifest: Manifest) -> RunWriter:
        """Go on with a run that was interrupted; call only while nobody else writes it."""
        writer = cls.__new__(cls)
        writer._go_on(reader.folder, manifest, next_number=reader.next_part())
        write_manifest(writer.folder, manifest)
        return writer

    @classmethod
    def join(cls, reader: RunReader) -> RunWriter:
        """Write a run that somebody else began, beside all others who do.

        The counts that are given to this writer are its own, from zero; the manifest has the sum.

        Raises:
            StorageError: the run has ended, or does not read.
        """
        writer = cls.__new__(cls)
        writer._go_on(reader.folder, reader.manifest, next_number=reader.next_part())
        writer._counts = RunCounts()
        with sole_writer(writer.folder):
            writer._refuse_if_ended(read_manifest(writer.folder))
            writer._next = reader.next_part()
            for part in reader.parts("outcomes"):
                writer._note_outcomes(part)
            for part in reader.parts("sightings"):
                writer._note_sightings(part)
        return writer

    def _go_on(self, folder: Path, manifest: Manifest, *, next_number: int) -> None:
        self.folder = folder
        self.manifest = manifest
        self._counts = manifest.counts  # as this writer last had them on disk
        self._next = next_number  # the first that was not looked at: nobody's, or another's
        self._claimed: int | None = None  # of a part that was broken off while it was put in place
        self._alone = True
        self._theirs: set[int] = set()  # swarms that others have finished
        self._half_theirs: dict[int, list[Path]] = {}  # swarms of theirs that are not, and where

    def add(
        self,
        sightings: pl.DataFrame,
        outcomes: pl.DataFrame,
        counts: RunCounts,
        *,
        answers: pl.DataFrame | None = None,
        visits: pl.DataFrame | None = None,
    ) -> RunCounts:
        """Append finished swarms: their sightings, their outcomes, and the counts until now.

        `answers` (TRACKER_COLUMNS) and `visits` (VISIT_COLUMNS) are those of these swarms. A swarm
        that another writer has finished is passed over, and so is a peer that one has named in a
        swarm that is not finished: each (swarm, peer) is there once. Broken off, call it again
        with the same rows, or more: what was there of them is replaced.

        Returns:
            `counts` without what was passed over: go on from these.

        Raises:
            StorageError: the disk refuses, or the run has ended; what was added before stands.
        """
        given = {"sightings": sightings, "outcomes": outcomes}
        given |= {} if answers is None else {"trackers": answers}
        given |= {} if visits is None else {"visits": visits}
        with sole_writer(self.folder):
            self._look_around()
        kept = self._without_theirs(given)
        aside = self._write_aside(kept)
        try:
            with sole_writer(self.folder):
                manifest = read_manifest(self.folder)
                self._refuse_if_ended(manifest)
                if self._look_around():  # somebody was faster, and may have had the same swarms
                    kept = self._without_theirs(kept)
                    _discard(aside)
                    aside = self._write_aside(kept)
                self._put_in_place(aside)
                counts = _less(counts, given, kept)
                self._write(manifest, counts)
                self._claimed = None  # last: what is broken off before is written again
        finally:
            _discard(aside)
        return counts

    def record_tallies(self, tallies: pl.DataFrame) -> None:
        """Keep an imported record's own counts per country."""
        _replace(self.folder / "tallies.parquet", tallies, TALLY_COLUMNS)

    def finish(
        self, state: RunState, ended_at: datetime, message: str, counts: RunCounts
    ) -> RunCounts:
        """Close the run, for all writers; nothing may be added afterwards.

        Returns:
            What the run holds: of several writers, or after a write that was broken off, this is
            counted anew from the parts.
        """
        with sole_writer(self.folder):
            manifest = read_manifest(self.folder)
            self._look_around()
            total = _sum(manifest.counts, self._counts, counts)
            if not self._alone or self._claimed is not None:
                total = recounted(RunReader(self.folder), total)
            ended = no_earlier(ended_at, manifest.started_at)
            closing = {"state": state, "ended_at": ended, "message": message, "counts": total}
            self._replace_manifest(manifest.model_copy(update=closing))
        return total

    def _write(self, manifest: Manifest, counts: RunCounts) -> None:
        total = _sum(manifest.counts, self._counts, counts)
        self._replace_manifest(manifest.model_copy(update={"counts": total}))
        self._counts = counts

    def _replace_manifest(self, manifest: Manifest) -> None:
        write_manifest(self.folder, manifest)
        self.manifest = manifest

    def _refuse_if_ended(self, manifest: Manifest) -> None:
        if manifest.state is not RunState.RUNNING:
            raise StorageError(
                f"{self.folder} has ended ({manifest.state}): nothing can be added to it any more"
            )

    # -- What others have written ----------------------------------------------------------------

    def _look_around(self) -> bool:
        """Note what others added; whether they did. Under the lock: a part may be half renamed."""
        before = self._next
        while there := [kind for kind in PART_KINDS if self._part(kind, self._next).exists()]:
            if "outcomes" in there:
                self._note_outcomes(self._part("outcomes", self._next))
            if "sightings" in there:
                self._note_sightings(self._part("sightings", self._next))
            self._next += 1
        return self._next > before

    def _note_outcomes(self, part: Path) -> None:
        self._alone = False
        finished = _swarms(part, "outcomes")
        self._theirs |= finished
        for swarm in finished:
            self._half_theirs.pop(swarm, None)

    def _note_sightings(self, part: Path) -> None:
        self._alone = False
        for swarm in _swarms(part, "sightings") - self._theirs:
            self._half_theirs.setdefault(swarm, []).append(part)

    def _without_theirs(self, frames: _Frames) -> _Frames:
        if self._theirs:
            mine = ~pl.col("swarm").is_in(list(self._theirs))
            frames = {kind: frame.filter(mine) for kind, frame in frames.items()}
        rows = frames["sightings"]
        if self._half_theirs:
            shared = [s for s in rows["swarm"].unique().to_list() if s in self._half_theirs]
            parts = sorted({part for swarm in shared for part in self._half_theirs[swarm]})
            if parts:
                named = scan_parts(parts, PART_COLUMNS["sightings"]).select("swarm", "peer")
                named = named.filter(pl.col("swarm").is_in(shared))
                left = rows.join(named.collect(), on=["swarm", "peer"], how="anti")
                frames = {**frames, "sightings": left}
        return frames

    # -- The disk --------------------------------------------------------------------------------

    def _part(self, kind: str, number: int) -> Path:
        return self.folder / f"{kind}-{number:06d}.parquet"

    def _write_aside(self, frames: _Frames) -> dict[str, Path]:
        """The parts, encoded and synced, under names that readers pass over."""
        aside: dict[str, Path] = {}
        try:
            for kind in _ORDER:
                frame = frames.get(kind)
                # An outcomes part is always there: it says that those of its number are whole.
                if frame is None or not (len(frame) or kind == "outcomes"):
                    continue
                name = self._part(kind, self._next)
                with disk_errors(name):
                    aside[kind] = self.folder / f"{ASIDE_PREFIX}{secrets.token_hex(8)}"
                    order = PART_ORDER.get(kind, ())
                    write_part(aside[kind], frame, PART_COLUMNS[kind], name=name.name, order=order)
                    sync(aside[kind])
        except BaseException:
            _discard(aside)
            raise
        return aside

    def _put_in_place(self, aside: Mapping[str, Path]) -> None:
        """Rename the parts; a write that was broken off here is repeated under its number."""
        if self._claimed is None:
            self._claimed, self._next = self._next, self._next + 1
        number = self._claimed
        with disk_errors(self._part("outcomes", number)):
            for kind in _ORDER[:-1]:
                if kind in aside:
                    aside[kind].replace(self._part(kind, number))
                else:
                    self._part(kind, number).unlink(missing_ok=True)
            sync(self.folder)
            # The manifest follows at once, and syncs the folder for both.
            aside["outcomes"].replace(self._part("outcomes", number))


def _swarms(part: Path, kind: str) -> set[int]:
    rows = scan_parts([part], PART_COLUMNS[kind]).select(pl.col("swarm").unique())
    return set(rows.collect()["swarm"].to_list())


def _replace(path: Path, frame: pl.DataFrame, columns: tuple[Column, ...]) -> None:
    replace_durably(path, lambda aside: write_part(aside, frame, columns, name=path.name))


def _discard(aside: Mapping[str, Path]) -> None:
    for path in aside.values():
        with suppress(OSError):  # put in place, or the next start sweeps it
            path.unlink()


def _sum(total: RunCounts, before: RunCounts, now: RunCounts) -> RunCounts:
    """The run's counts, with what one writer has come to since it last wrote.

    Counts of rows and packets add up over writers. The others (how many are asked for, how large
    the DHT is) are as the latest word has them.
    """
    changed: dict[str, int | None] = {}
    for name, count in now.model_dump().items():
        was, all_in_all = getattr(before, name), getattr(total, name)
        if name in _ADD_UP and count is not None:
            changed[name] = (all_in_all or 0) + count - (was or 0)
        elif count != was:
            changed[name] = count
    return total.model_copy(update=changed)


_ADD_UP = set(RunCounts.model_fields) - {
    *("swarms_total", "canaries_known", "nodes_known"),
    *("dht_nodes", "dht_nodes_low", "dht_nodes_high"),
    *("dht6_nodes", "dht6_nodes_low", "dht6_nodes_high"),
}


def _less(counts: RunCounts, given: _Frames, kept: _Frames) -> RunCounts:
    """The counts without what was passed over."""
    if all(len(kept[kind]) == len(frame) for kind, frame in given.items()):
        return counts
    asked = counts.model_dump()
    before = counted(given["sightings"].lazy(), given["outcomes"])
    after = counted(kept["sightings"].lazy(), kept["outcomes"])
    told = {name: asked[name] for name in before if asked[name] is not None}
    return counts.model_copy(
        update={name: count - before[name] + after[name] for name, count in told.items()}
    )
