"""Resuming: a crawl that was killed goes on in the same run, if it asks for the same swarms."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from analysis.pseudonyms import SCHEME
from storage.manifest import Manifest, RunKind, RunState
from storage.runs import RunReader, open_run
from storage.workspace import Workspace
from swarm.place import Databases
from swarm.settings import Settings

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue

RESUMABLE_FOR = timedelta(hours=24)  # older sightings belong to another snapshot of the swarms


@dataclass(frozen=True)
class InterruptedRun:
    """What a killed crawl left."""

    reader: RunReader
    manifest: Manifest
    numbers: dict[str, int]  # infohash -> swarm
    finished: frozenset[int]  # swarms that need not be asked again
    half_written: pl.DataFrame  # (swarm, peer) on disk of the others


_SOURCES = ("ask_trackers", "announce_to_trackers", "visit_peers")


def _sources(settings: Mapping[str, Any]) -> list[Any]:
    """Which sources are asked beside the DHT; a run is of one method."""
    return [settings.get(name) for name in _SOURCES]


def interrupted_run(
    workspace: Workspace,
    catalogue: Catalogue,
    infohashes: Collection[str],
    *,
    databases: Databases,
    settings: Settings,
    key: str,
    now: datetime,
) -> InterruptedRun | None:
    """The latest run, if it was interrupted and can go on with just these swarms; else None.

    It must be younger than `RESUMABLE_FOR`, placed by the same databases, have pseudonyms by the
    key that is named `key`, keep addresses, or not, as the new one is to do, and ask the same
    sources.
    """
    run_id = catalogue.latest_run_id()
    if run_id is None:
        return None
    reader = open_run(workspace.runs_dir, run_id)
    manifest = reader.manifest
    fits = (
        manifest.state is RunState.INTERRUPTED
        and manifest.kind is RunKind.CRAWL
        and now - manifest.started_at < RESUMABLE_FOR
        and manifest.databases == databases
        and (manifest.key_id, manifest.pseudonyms) == (key, SCHEME)
        and manifest.address_keeping is settings.store_addresses
        and _sources(manifest.settings) == _sources(settings.model_dump(mode="json"))
    )
    if not fits:
        return None
    swarms = reader.swarms().select("infohash", "swarm").collect()
    numbers = dict(swarms.iter_rows())
    if numbers.keys() != set(infohashes):
        return None
    finished = reader.outcomes().select("swarm").collect()["swarm"]
    half_written = (
        reader.sightings()
        .filter(~pl.col("swarm").is_in(finished.to_list()))
        .select("swarm", "peer")
        .collect()
    )
    return InterruptedRun(reader, manifest, numbers, frozenset(finished.to_list()), half_written)
