"""What a census tells its worker processes, and what they tell it: pickled over a socket pair."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from crawler.addresses import SocketAddress
from swarm.census import SwarmCensus
from swarm.infohash import InfoHash


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerTask:
    """What the parent sends first."""

    infohashes: tuple[InfoHash, ...]
    bootstrap: tuple[SocketAddress, ...]
    pacing_descriptor: int
    max_packets_per_s: float
    max_lookups: int
    bootstrap_timeout_s: float
    deadline: float  # on the system-wide monotonic clock
    allow_local: bool
    never_contact: tuple[IPv4Network, ...]


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What the worker sends about ten times a second; the figures count from its start."""

    finished: list[SwarmCensus]
    packets_sent: int
    packets_received: int
    peers: int
    nodes_known: int
    liars: int
    peers_dropped: int
    ended: bool = False
    unreachable: bool = False
