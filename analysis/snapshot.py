"""A run as analysis reads it: lazy frames with the columns of `swarm.columns`, and when it was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import polars as pl


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of swarms at the time of one run. Nothing is loaded before it is collected."""

    run_id: str
    taken_at: datetime
    swarms: pl.LazyFrame  # SWARM_COLUMNS
    sightings: pl.LazyFrame  # SIGHTING_COLUMNS
    outcomes: pl.LazyFrame  # OUTCOME_COLUMNS
    tallies: pl.LazyFrame  # TALLY_COLUMNS


def same_torrent() -> pl.Expr:
    """What tells that swarms of two runs are of one torrent: infohash, else the record's name."""
    return pl.coalesce("infohash", "file_name", "name").alias("torrent")
