"""RunSummary: a run as one line of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from storage.manifest import Manifest, RunKind, RunState
from swarm.place import DatabaseBuild, Databases


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What is known of a run without opening its parts. Times are UTC."""

    id: str
    kind: RunKind
    state: RunState
    started_at: datetime
    ended_at: datetime | None
    swarms_total: int
    swarms_done: int  # whose lookup came to its own end
    peers: int
    databases: Databases | None  # None: an import keeps the places of its record
    message: str | None

    @property
    def database(self) -> DatabaseBuild | None:
        """The database of places alone."""
        return None if self.databases is None else self.databases.places


def summarise(manifest: Manifest) -> RunSummary:
    """The summary of a run's manifest."""
    return RunSummary(
        id=manifest.run_id,
        kind=manifest.kind,
        state=manifest.state,
        started_at=manifest.started_at,
        ended_at=manifest.ended_at,
        swarms_total=manifest.counts.swarms_total,
        swarms_done=manifest.counts.swarms_complete,
        peers=manifest.counts.peers,
        databases=manifest.databases,
        message=manifest.message,
    )
