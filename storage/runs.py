"""Runs as immutable Parquet parts: one writer, any number of readers, no lock between them.

A part appears whole or not at all. Sightings of a swarm are on disk before the outcome that calls
it finished, so an outcome never promises peers that a crash took away. Columns: `swarm.columns`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from storage.durable import replace_durably
from storage.manifest import (
    MANIFEST_NAME,
    Manifest,
    RunCounts,
    RunState,
    read_manifest,
    write_manifest,
)
from storage.parts import PART_KINDS, live_parts, next_part_number, part_number
from swarm.census import CensusState
from swarm.columns import (
    OUTCOME_COLUMNS,
    SIGHTING_COLUMNS,
    SWARM_COLUMNS,
    TALLY_COLUMNS,
    TRACKER_COLUMNS,
    VISIT_COLUMNS,
    Column,
    polars_schema,
)
from swarm.errors import StorageError
from swarm.sighting import Source

PART_COLUMNS = {
    "sightings": SIGHTING_COLUMNS,
    "outcomes": OUTCOME_COLUMNS,
    "trackers": TRACKER_COLUMNS,
    "visits": VISIT_COLUMNS,
}
_RUN_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
_TRASH_PREFIX = ".trash-"


def new_run_id(now: datetime) -> str:
    """A name that sorts by start time and never repeats: `20261121-101530-3f9c`."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


class RunWriter:
    """The one writer of a run. Every call returns after the disk has it."""

    def __init__(self, runs_dir: Path, manifest: Manifest, swarms: pl.DataFrame) -> None:
        """Begin a run: its swarms first, then the manifest that makes it a run."""
        self.folder = runs_dir / manifest.run_id
        self.manifest = manifest
        self._parts = 0
        _write_part(self.folder / "swarms.parquet", swarms, SWARM_COLUMNS)
        write_manifest(self.folder, manifest)

    @classmethod
    def resume(cls, reader: RunReader, manifest: Manifest) -> RunWriter:
        """Go on with a run that was interrupted; call only while nobody else writes it."""
        writer = cls.__new__(cls)
        writer.folder = reader.folder
        writer.manifest = manifest
        writer._parts = reader.next_part()
        write_manifest(writer.folder, manifest)
        return writer

    def add(
        self,
        sightings: pl.DataFrame,
        outcomes: pl.DataFrame,
        counts: RunCounts,
        *,
        answers: pl.DataFrame | None = None,
        visits: pl.DataFrame | None = None,
    ) -> None:
        """Append finished swarms: their sightings, their outcomes, and the counts until now.

        `answers` (TRACKER_COLUMNS) and `visits` (VISIT_COLUMNS) are those of these swarms.

        Raises:
            StorageError: the disk refuses; what was added before stands.
        """
        number = f"{self._parts:06d}"
        if len(sightings):
            _write_part(self.folder / f"sightings-{number}.parquet", sightings, SIGHTING_COLUMNS)
        if answers is not None and len(answers):
            _write_part(self.folder / f"trackers-{number}.parquet", answers, TRACKER_COLUMNS)
        if visits is not None and len(visits):
            _write_part(self.folder / f"visits-{number}.parquet", visits, VISIT_COLUMNS)
        _write_part(self.folder / f"outcomes-{number}.parquet", outcomes, OUTCOME_COLUMNS)
        self._update(counts=counts)
        self._parts += 1  # last: what is broken off before is written again under its number

    def record_tallies(self, tallies: pl.DataFrame) -> None:
        """Keep an imported record's own counts per country."""
        _write_part(self.folder / "tallies.parquet", tallies, TALLY_COLUMNS)

    def finish(self, state: RunState, ended_at: datetime, message: str, counts: RunCounts) -> None:
        """Close the run; nothing may be added afterwards."""
        self._update(state=state, ended_at=ended_at, message=message, counts=counts)

    def _update(self, **changes: object) -> None:
        self.manifest = self.manifest.model_copy(update=changes)
        write_manifest(self.folder, self.manifest)


class RunReader:
    """One run as it stands on disk, complete or not. Frames are lazy: nothing is loaded here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run_id = folder.name

    @property
    def manifest(self) -> Manifest:
        """Read afresh each time, since a running run changes it."""
        return read_manifest(self.folder)

    @property
    def revision(self) -> str:
        """Changes whenever a part or the manifest does; costs a directory listing."""
        parts = [part for kind in PART_KINDS for part in live_parts(self.folder, kind)]
        names = [str(part.relative_to(self.folder)) for part in parts]
        stamp = (self.folder / MANIFEST_NAME).stat().st_mtime_ns
        return hashlib.blake2b(f"{names}{stamp}".encode(), digest_size=8).hexdigest()

    def sightings(self, parts: list[Path] | None = None) -> pl.LazyFrame:
        """SIGHTING_COLUMNS, one row per (swarm, peer); of some of its `parts`, or of all.

        Where the part is of a version that did not have it, `sources` is the one source.
        """
        bits = {source.value: source.bit for source in Source}
        alone = pl.col("source").replace_strict(bits, default=None, return_dtype=pl.UInt8)
        chosen = self.parts("sightings") if parts is None else parts
        return scan_parts(chosen, SIGHTING_COLUMNS).with_columns(pl.col("sources").fill_null(alone))

    def swarms(self) -> pl.LazyFrame:
        """SWARM_COLUMNS, one row per swarm asked."""
        return scan_parts([self.folder / "swarms.parquet"], SWARM_COLUMNS)

    def outcomes(self) -> pl.LazyFrame:
        """OUTCOME_COLUMNS, one row per swarm that is finished."""
        return scan_parts(self.parts("outcomes"), OUTCOME_COLUMNS)

    def answers(self) -> pl.LazyFrame:
        """TRACKER_COLUMNS, one row per question to a tracker about a finished swarm."""
        return scan_parts(self.parts("trackers"), TRACKER_COLUMNS)

    def visits(self) -> pl.LazyFrame:
        """VISIT_COLUMNS, one row per visit to a peer of a finished swarm."""
        return scan_parts(self.parts("visits"), VISIT_COLUMNS)

    def parts(self, kind: str) -> list[Path]:
        """The live parts of a kind: a key of PART_COLUMNS.

        Of trackers and visits without those whose outcomes a kill prevented: their swarms were
        asked again, so their rows would stand there twice.
        """
        parts = live_parts(self.folder, kind)
        if kind not in ("trackers", "visits"):
            return parts
        whole = {part_number(part) for part in live_parts(self.folder, "outcomes")}
        # What was compacted is of finished swarms alone.
        return [p for p in parts if p.parent != self.folder or part_number(p) in whole]

    def next_part(self) -> int:
        """The number after that of every part."""
        return next_part_number(self.folder)

    def tallies(self) -> pl.LazyFrame:
        """TALLY_COLUMNS: the record's own counts for an import, else counted from sightings."""
        if (self.folder / "tallies.parquet").exists():
            return scan_parts([self.folder / "tallies.parquet"], TALLY_COLUMNS)
        counted = self.sightings().group_by("swarm", "country").agg(peers=pl.len().cast(pl.Int64))
        return counted.select("swarm", pl.col("country").alias("label"), "country", "peers")


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
    outcomes = reader.outcomes().select("state", "queries", "canaries").collect()
    states = outcomes["state"]
    bits = {"peers_dht": Source.DHT, "peers_trackers": Source.TRACKER, "peers_pex": Source.PEX}
    named = [
        ((pl.col("sources") & source.bit) != 0).sum().alias(name) for name, source in bits.items()
    ]
    peers, *by_source = reader.sightings().select(pl.len(), *named).collect().row(0)
    manifest = reader.manifest
    asked = manifest.counts.model_dump()
    counts = manifest.counts.model_copy(
        update={
            **{
                name: count
                for name, count in zip(bits, by_source, strict=True)
                if asked[name] is not None
            },
            "swarms_done": len(outcomes),
            "swarms_cut_off": int((states == CensusState.TIMEOUT.value).sum()),
            "swarms_unreachable": int((states == CensusState.UNREACHABLE.value).sum()),
            "swarms_private": int((states == CensusState.PRIVATE.value).sum()),
            "queries": int(outcomes["queries"].sum()),
            # Null where an older version wrote the run: then its own count is all there is.
            "canaries_found": manifest.counts.canaries_found
            if outcomes["canaries"].null_count()
            else int(outcomes["canaries"].sum()),
            "peers": peers,
        }
    )
    closed = manifest.model_copy(
        update={
            "state": RunState.INTERRUPTED,
            "ended_at": ended_at,
            "counts": counts,
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


def _write_part(path: Path, frame: pl.DataFrame, columns: tuple[Column, ...]) -> None:
    expected = polars_schema(columns)
    if frame.schema != expected:
        raise StorageError(f"{path.name}: columns {frame.schema} instead of {expected}")

    def write(aside: Path) -> None:
        try:
            frame.write_parquet(aside, compression="zstd")
        except PolarsError as error:  # how polars says that the disk is full
            raise OSError(str(error)) from error

    replace_durably(path, write)


def scan_parts(parts: list[Path], columns: tuple[Column, ...]) -> pl.LazyFrame:
    """The rows of parts of one kind; the columns that older ones lack are null.

    Raises:
        StorageError: a part does not read, or has other columns; names it.
    """
    schema = polars_schema(columns)
    if not parts:
        return pl.LazyFrame(schema=schema)
    for part in parts:
        _check_part(part, columns)
    return pl.scan_parquet(parts, schema=schema, missing_columns="insert")


def _check_part(path: Path, columns: tuple[Column, ...]) -> None:
    """Refuse a part of another shape; columns that may be null may be missing, in older runs."""
    schema = polars_schema(columns)
    try:
        found = pl.read_parquet_schema(path)
    except (PolarsError, OSError) as error:
        raise StorageError(
            f"{path} does not read as Parquet ({str(error)[:120]}): restore it or move it away; "
            "the run's other parts are untouched"
        ) from None
    nullable = {column.name for column in columns if column.nullable}
    odd = sorted(set(found.items()) ^ set(schema.items()), key=str)
    if any(name in found or name not in nullable for name, _ in odd):
        raise StorageError(f"{path} has other columns than ours: {[name for name, _ in odd]}")
