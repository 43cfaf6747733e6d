"""Runs on disk as the snapshots that `analysis` compares."""

from __future__ import annotations

from analysis.snapshot import Snapshot
from storage.runs import RunReader


def snapshot_of(reader: RunReader) -> Snapshot:
    """The run as lazy frames.

    Raises:
        StorageError: a part of it does not read; names it.
    """
    # Of a swarm that is told of twice, since a kill came in between, the last word counts.
    outcomes = reader.outcomes().unique("swarm", keep="last", maintain_order=True)
    return Snapshot(
        run_id=reader.run_id,
        taken_at=reader.manifest.started_at,
        swarms=reader.swarms(),
        sightings=reader.sightings(),
        outcomes=outcomes,
        tallies=reader.tallies(),
    )
