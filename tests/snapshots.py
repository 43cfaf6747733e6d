"""Two runs of the same swarms, as analysis reads them, for tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl

from analysis.snapshot import Snapshot
from swarm.columns import OUTCOME_COLUMNS, SWARM_COLUMNS, polars_schema
from tests.frames import NOON, sightings


def snapshot(
    members: dict[str, list[int]],
    *,
    run_id: str = "20261121-120000-abcd",
    days: float = 0,
    outcomes: dict[str, dict[str, Any]] | None = None,
) -> Snapshot:
    """A run that found these peers in swarms by their one-letter infohash; all were complete."""
    keys = list(members)
    at: datetime = NOON + timedelta(days=days)
    swarms = [{"swarm": i, "infohash": key * 40, "name": key} for i, key in enumerate(keys)]
    ended = [
        {"swarm": i, "state": "complete", "queries": 20, "unique_peers": len(members[key])}
        | {"ended_at": at}
        | (outcomes or {}).get(key, {})
        for i, key in enumerate(keys)
    ]
    seen = sightings(*((i, peer, "FR") for i, key in enumerate(keys) for peer in members[key]))
    counted = seen.lazy().group_by("swarm", "country").agg(peers=pl.len().cast(pl.Int64))
    return Snapshot(
        run_id,
        at,
        pl.LazyFrame(swarms, schema=polars_schema(SWARM_COLUMNS)),
        seen.lazy(),
        pl.LazyFrame(ended, schema=polars_schema(OUTCOME_COLUMNS)),
        counted.select("swarm", pl.col("country").alias("label"), "country", "peers"),
    )
