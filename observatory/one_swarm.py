"""One swarm over the runs and at its trackers, as its own page tells it. Reads, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

import polars as pl

from analysis.life import life_table
from analysis.snapshot import Snapshot
from storage.runs import RunReader
from swarm.errors import StorageError


def tracker_answers(reader: RunReader, swarm: int) -> pl.DataFrame:
    """TRACKER_COLUMNS of the last question of each kind to each of a swarm's trackers.

    Counts of several trackers overlap, so nothing here may be added up.
    """
    rows = reader.answers().filter(pl.col("swarm") == swarm).collect()
    last = rows.unique(["tracker", "action", "infohash"], keep="last", maintain_order=True)
    return last.sort("tracker", "action", maintain_order=True)


def life_of(readers: Iterable[RunReader], infohash: str) -> pl.DataFrame:
    """The `life_table` of one torrent over these runs; those that do not read are passed over."""
    snapshots = []
    for reader in readers:
        with suppress(StorageError):
            snapshot = _of_one(reader, infohash)
            if snapshot is not None:
                snapshots.append(snapshot)
    return life_table(snapshots)


def _of_one(reader: RunReader, infohash: str) -> Snapshot | None:
    """The run with that torrent alone, so that no more is read than it; None: not asked for."""
    swarms = reader.swarms().filter(pl.col("infohash") == infohash)
    found = swarms.head(1).collect()
    if found.is_empty():
        return None
    number = pl.col("swarm") == found["swarm"][0]
    outcomes = reader.outcomes().filter(number)
    return Snapshot(
        run_id=reader.run_id,
        taken_at=reader.manifest.started_at,
        swarms=found.lazy(),
        sightings=reader.sightings().filter(number),
        outcomes=outcomes.unique("swarm", keep="last", maintain_order=True),
        tallies=reader.tallies().filter(number),
    )
