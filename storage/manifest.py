"""manifest.json of a run: under which conditions its numbers came about, and how it ended."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from storage.durable import write_durably
from swarm.address_keeping import AddressKeeping
from swarm.errors import StorageError
from swarm.place import DatabaseBuild, Databases

MANIFEST_NAME = "manifest.json"
_DATABASE_FIELDS = ("database", "networks", "hosting")


class RunState(StrEnum):
    """How a run stands. Only `running` changes any more."""

    RUNNING = "running"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # its process was killed; what it had written stands


class RunKind(StrEnum):
    """Where the run's sightings come from."""

    CRAWL = "crawl"
    IMPORT = "import"


class RunCounts(BaseModel):
    """What the run holds so far."""

    model_config = ConfigDict(frozen=True)

    swarms_total: int = 0
    swarms_done: int = 0  # ended, however
    swarms_cut_off: int = 0  # of these: the deadline came first
    swarms_unreachable: int = 0  # of these: no node near the key ever answered
    swarms_private: int = 0  # of these: not looked up in the DHT (BEP 27)
    peers: int = 0  # rows: distinct (swarm, peer)
    queries: int = 0
    packets_sent: int = 0
    packets_received: int = 0
    nodes_known: int = 0
    liars: int = 0  # nodes that named peers for keys that nobody announced
    peers_dropped: int = 0  # that only liars named, or nodes that could not be tried
    canaries_known: int = 0  # peers known beforehand, in the swarms that were asked for
    canaries_found: int = 0  # of these
    dht_nodes: int | None = None  # estimated size of the DHT (IPv4), and its 95 % interval
    dht_nodes_low: int | None = None
    dht_nodes_high: int | None = None
    dht6_nodes: int | None = None  # the same of the DHT of IPv6
    dht6_nodes_low: int | None = None
    dht6_nodes_high: int | None = None
    trackers_asked: int = 0  # questions that were put to trackers, answered or not
    trackers_answered: int = 0
    visits: int = 0  # peers that were visited
    visits_reached: int = 0  # of these: shook hands
    peers_dht: int | None = None  # of `peers`, those that the DHT named; the same of the others:
    peers_trackers: int | None = None  # null where no tracker was asked for peers
    peers_pex: int | None = None  # null where no peer was visited

    @property
    def recall(self) -> float | None:
        """The measured share of known peers that was found; None where none was known."""
        return self.canaries_found / self.canaries_known if self.canaries_known else None

    @property
    def swarms_complete(self) -> int:
        """Swarms whose lookup came to its own end."""
        ended_otherwise = self.swarms_cut_off + self.swarms_unreachable + self.swarms_private
        return self.swarms_done - ended_otherwise


class DatabaseRecord(BaseModel):
    """A database that placed the peers of the run, see `swarm.place.DatabaseBuild`."""

    model_config = ConfigDict(frozen=True)

    name: str
    built_on: date | None
    attribution: str | None
    attribution_url: str | None

    @classmethod
    def of(cls, build: DatabaseBuild) -> DatabaseRecord:
        """The form in which a manifest keeps a database build."""
        return cls(
            name=build.name,
            built_on=build.built_on,
            attribution=build.attribution,
            attribution_url=build.attribution_url,
        )

    @property
    def build(self) -> DatabaseBuild:
        """The same as the rest of the project names it."""
        return DatabaseBuild(**self.model_dump())


class Manifest(BaseModel):
    """The conditions and the state of one run. Times are UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    kind: RunKind
    state: RunState
    world: str
    started_at: datetime
    ended_at: datetime | None = None
    code_version: str
    settings: dict[str, Any]
    database: DatabaseRecord | None  # of the places; None: an import keeps those of its record
    networks: DatabaseRecord | None = None
    hosting: DatabaseRecord | None = None
    addresses_stored: bool  # whole ones, with their ports
    prefixes_stored: bool = False  # the network that each is in
    addresses_removed_at: datetime | None = None  # when they were taken out, by keep_raw_days
    key_id: str | None = None  # of the pseudonyms' key; None in runs of older versions
    # How they were made by it; None in runs of older versions: keyed BLAKE2b of 64 bits.
    pseudonyms: str | None = None
    counts: RunCounts = RunCounts()
    message: str | None = None  # the closing sentence, or why it failed
    origin: str | None = None  # an import: the name of the folder it was read from

    @property
    def address_keeping(self) -> AddressKeeping:
        """What of the peers' addresses the run holds now."""
        if self.addresses_stored:
            return AddressKeeping.YES
        return AddressKeeping.PREFIX if self.prefixes_stored else AddressKeeping.NO

    def shares_pseudonyms_with(self, other: Manifest) -> bool:
        """Whether a peer of both runs has one pseudonym: by one key, in one way."""
        return (self.key_id, self.pseudonyms) == (other.key_id, other.pseudonyms)

    @property
    def databases(self) -> Databases | None:
        """Who placed the peers, as the rest of the project names it."""
        if self.database is None:
            return None
        return Databases(
            self.database.build,
            None if self.networks is None else self.networks.build,
            None if self.hosting is None else self.hosting.build,
        )


def database_records(databases: Databases | None) -> dict[str, DatabaseRecord | None]:
    """The fields of a `Manifest` that say who placed the peers; all None where nobody did."""
    if databases is None:
        return dict.fromkeys(_DATABASE_FIELDS)
    builds = (databases.places, databases.networks, databases.hosting)
    return {
        name: None if build is None else DatabaseRecord.of(build)
        for name, build in zip(_DATABASE_FIELDS, builds, strict=True)
    }


def no_earlier(ended_at: datetime, started_at: datetime) -> datetime:
    """The end of what began then, also where the clock was set back meanwhile."""
    return max(ended_at, started_at)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the run's manifest as one step."""
    write_durably(folder / MANIFEST_NAME, (manifest.model_dump_json(indent=1) + "\n").encode())


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the run in `folder`.

    Raises:
        StorageError: there is none, or it does not read; names the file.
    """
    path = folder / MANIFEST_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise StorageError(f"{path} is no manifest of ours: {where}: {first['msg']}") from None
