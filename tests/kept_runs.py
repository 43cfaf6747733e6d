"""A seeded workspace with two crawled runs, for exports and notebooks. Torrents are legal ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from storage.manifest import DatabaseRecord, RunCounts, RunState
from storage.runs import RunReader, RunWriter, open_run
from storage.workspace import Workspace
from swarm.columns import OUTCOME_COLUMNS, SIGHTING_COLUMNS, SWARM_COLUMNS, polars_schema
from tests.frames import NOON, manifest

BEFORE, AFTER = "20261120-120000-aaaa", "20261121-120000-bbbb"
CITIES = (
    ("FR", "Lyon", 45.75, 4.85, 3215, "Orange", False),
    ("FR", "Paris", 48.85, 2.35, 16276, "OVH SAS", True),
    ("DE", "Berlin", 52.52, 13.4, 3320, "Deutsche Telekom AG", False),
    ("US", "Dallas", 32.78, -96.8, 7922, "Comcast", False),
    ("NZ", "Wellington", -41.3, 174.8, 4771, "Spark", False),
    ("US", None, 37.75, -97.8, None, None, None),
    ("ZZ", None, None, None, None, None, None),
)
WEIGHTS = (0.28, 0.12, 0.25, 0.2, 0.003, 0.097, 0.05)
SWARMS = 24
DATABASE = DatabaseRecord(
    name="DB-IP City Lite",
    built_on=date(2026, 6, 5),
    attribution="IP Geolocation by DB-IP",
    attribution_url="https://db-ip.com",
)


def keep_two_runs(root: Path, *, seed: int = 5) -> tuple[RunReader, RunReader]:
    """Two runs a day apart that share about four peers in five; books have more of France."""
    workspace = Workspace(root)
    workspace.prepare()
    random = np.random.default_rng(seed)
    people = [_people(random, number) for number in range(SWARMS)]
    for run_id, at in ((BEFORE, NOON - timedelta(days=1)), (AFTER, NOON)):
        seen = [frame.filter(random.random(len(frame)) < 0.9) for frame in people]
        _keep(workspace, run_id, at, seen)
    return open_run(workspace.runs_dir, BEFORE), open_run(workspace.runs_dir, AFTER)


def _people(random: np.random.Generator, swarm: int) -> pl.DataFrame:
    count = int(np.exp(random.normal(4, 0.8))) + 5
    weights = np.array(WEIGHTS)
    if swarm % 2:  # books
        weights[:2] *= 3
    chosen = random.choice(len(CITIES), count, p=weights / weights.sum())
    names = ("country", "city", "latitude", "longitude", "asn", "as_name", "hosting")
    rows: list[dict[str, Any]] = []
    for peer, place in zip(random.integers(0, 4_000, count), chosen, strict=True):
        number = int(peer)
        rows.append(
            {"swarm": swarm, "peer": number, "host": number}
            | dict(zip(names, CITIES[place], strict=True))
        )
    frame = pl.DataFrame(rows, schema_overrides={"asn": pl.UInt32})
    return frame.unique("peer", maintain_order=True)


def _keep(workspace: Workspace, run_id: str, at: datetime, seen: list[pl.DataFrame]) -> None:
    swarms = [
        {
            "swarm": n,
            "infohash": f"{n:040x}",
            "name": f"=Debian {n}" if n == 3 else f"Debian {n}",
            "size_bytes": 150_000_000 * (n + 1),
            "category": "Books" if n % 2 else "Software",
        }
        for n in range(SWARMS)
    ]
    outcomes = [
        {"swarm": n, "state": "complete", "queries": 20, "unique_peers": len(frame), "ended_at": at}
        | {"estimate": len(frame) * 1.1, "low": len(frame) * 1.02, "high": len(frame) * 1.25}
        | {"seeds": 30.0, "seeds_low": 25.0, "seeds_high": 36.0}
        | {"downloaders": 20.0, "downloaders_low": 15.0, "downloaders_high": None}
        for n, frame in enumerate(seen)
    ]
    schema = polars_schema(SIGHTING_COLUMNS)
    full = pl.concat(seen).with_columns(
        source=pl.lit("dht"), sources=pl.lit(1), seen_at=pl.lit(at), radius_km=pl.lit(20)
    )
    rest = [pl.lit(None).alias(name) for name in schema if name not in full.columns]
    sightings = full.with_columns(rest).select(pl.col(n).cast(kind) for n, kind in schema.items())
    counts = RunCounts(
        swarms_total=SWARMS,
        swarms_done=SWARMS,
        peers=len(sightings),
        peers_dht=len(sightings),
        canaries_known=50,
        canaries_found=45,
    )
    begun = manifest(run_id, started_at=at, database=DATABASE, settings={"processes": 2})
    writer = RunWriter(
        workspace.runs_dir, begun, pl.DataFrame(swarms, schema=polars_schema(SWARM_COLUMNS))
    )
    writer.add(sightings, pl.DataFrame(outcomes, schema=polars_schema(OUTCOME_COLUMNS)), counts)
    writer.finish(RunState.COMPLETE, at + timedelta(minutes=5), "Done.", counts)
