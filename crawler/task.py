"""What a census tells its worker processes, and what they tell it: pickled over a socket pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crawler.family import Family, SocketAddress
from crawler.optout import Network
from swarm.census import SwarmCensus
from swarm.infohash import InfoHash


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

    finished: list[SwarmCensus]
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
