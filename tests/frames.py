"""Small frames and manifests with the project's columns, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from storage.manifest import Manifest, RunKind, RunState
from swarm.columns import (
    OUTCOME_COLUMNS,
    SIGHTING_COLUMNS,
    SWARM_COLUMNS,
    TALLY_COLUMNS,
    TRACKER_COLUMNS,
    polars_schema,
)

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def manifest(run_id: str = "20261121-120000-abcd", **changes: Any) -> Manifest:
    """A running crawl of the default settings."""
    values: dict[str, Any] = {
        "run_id": run_id,
        "kind": RunKind.CRAWL,
        "state": RunState.RUNNING,
        "world": "test",
        "started_at": NOON,
        "code_version": "0.1.0",
        "settings": {},
        "database": None,
        "addresses_stored": False,
    }
    return Manifest(**(values | changes))


def swarms(*names: str) -> pl.DataFrame:
    """One row per name, 100 MB each."""
    rows = [{"swarm": i, "infohash": f"{i:040x}", "name": n} for i, n in enumerate(names)]
    filled = [{"size_bytes": 100_000_000, "category": "Movies", **row} for row in rows]
    return pl.DataFrame(filled, schema=polars_schema(SWARM_COLUMNS))


def sightings(*rows: tuple[int, int, str]) -> pl.DataFrame:
    """Rows of (swarm, peer pseudonym, country)."""
    full = [
        {"swarm": s, "peer": p, "host": p, "source": "dht", "seen_at": NOON, "country": c}
        for s, p, c in rows
    ]
    return pl.DataFrame(full, schema=polars_schema(SIGHTING_COLUMNS))


def outcomes(*rows: tuple[int, int]) -> pl.DataFrame:
    """Rows of (swarm, unique peers), each complete after 20 queries."""
    full = [
        {"swarm": s, "state": "complete", "queries": 20, "unique_peers": n, "ended_at": NOON}
        for s, n in rows
    ]
    return pl.DataFrame(full, schema=polars_schema(OUTCOME_COLUMNS))


def answers(*rows: tuple[int, int]) -> pl.DataFrame:
    """Rows of (swarm, seeders that one tracker counts)."""
    full = [
        {"swarm": s, "infohash": "0" * 40, "tracker": "udp://t:1", "seeders": n}
        | {"action": "scrape", "outcome": "answered"}
        for s, n in rows
    ]
    return pl.DataFrame(full, schema=polars_schema(TRACKER_COLUMNS))


def tallies(*rows: tuple[int, str, str, int]) -> pl.DataFrame:
    """Rows of (swarm, label, country, peers)."""
    return pl.DataFrame(rows, schema=polars_schema(TALLY_COLUMNS), orient="row")
