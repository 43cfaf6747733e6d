"""RunReader: one run as it stands on disk. Takes no lock, whoever writes meanwhile."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from storage.manifest import MANIFEST_NAME, Manifest, read_manifest
from storage.part_files import scan_parts
from storage.parts import PART_KINDS, live_parts, next_part_number, part_number
from swarm.columns import (
    OUTCOME_COLUMNS,
    SIGHTING_COLUMNS,
    SWARM_COLUMNS,
    TALLY_COLUMNS,
    TRACKER_COLUMNS,
    VISIT_COLUMNS,
)
from swarm.sighting import Source


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
        # Not by `replace_strict`: that ends streaming, and took 6 GB of memory at 10^8 rows.
        alone = pl.coalesce(
            pl.when(pl.col("source") == source.value).then(pl.lit(source.bit, pl.UInt8))
            for source in Source
        )
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
