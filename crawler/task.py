"""What a census tells its worker processes, and what they tell it: pickled over a socket pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crawler.family import Family, SocketAddress
from crawler.optout import Network
from swarm.census import Captures, CensusState, SwarmCensus
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

# A SwarmCensus as plain values: its dataclasses take five times as long to pickle and unpickle.
PackedCensus = tuple[
    bytes, CensusState, int,  # infohash, state, queries
    bytes, bytes, bytes, bytes,  # sightings: addresses, ports, told_by, seen_at_us
    int, int, int,  # captures: first, second, both
    bytes | None, bytes | None, float | None,  # seeds, downloaders, reach
]  # fmt: skip


def pack(census: SwarmCensus) -> PackedCensus:
    """What one network said of a swarm, as plain values; `by_family` is left out."""
    sightings, captures = census.sightings, census.captures
    return (
        census.infohash.digest, census.state, census.queries,
        sightings.addresses, sightings.ports, sightings.told_by, sightings.seen_at_us,
        captures.first, captures.second, captures.both,
        census.seeds, census.downloaders, census.reach,
    )  # fmt: skip


def unpack(packed: PackedCensus) -> SwarmCensus:
    """What `pack` was given."""
    digest, state, queries, addresses, ports, told_by, seen_at_us, *captures = packed[:10]
    infohash = InfoHash(digest)
    return SwarmCensus(
        infohash,
        state,
        queries,
        SightingColumns(infohash, Source.DHT, addresses, ports, told_by, seen_at_us),
        Captures(*captures),
        *packed[10:],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTask:
    """What the parent sends first."""

    family: Family  # which of the two DHTs is asked
    infohashes: tuple[InfoHash, ...]
    bootstrap: tuple[SocketAddress, ...]
    known: tuple[bytes, ...]  # contacts that answered an earlier run, freshest first
    pacing_descriptor: int
    max_packets_per_s: float
    max_lookups: int
    bootstrap_timeout_s: float
    deadline: float  # on the system-wide monotonic clock
    allow_local: bool
    never_contact: tuple[Network, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """What the worker sends about ten times a second; the figures count from its start."""

    finished: list[PackedCensus]
    packets_sent: int
    packets_received: int
    peers: int
    nodes_known: int
    liars: int
    peers_dropped: int
    nodes_replied: Mapping[bytes, int]  # since the last report of nodes; see `kept_nodes.Nodes`
    nodes_silent: tuple[bytes, ...]  # of those that the task named
    ended: bool = False
    unreachable: bool = False
