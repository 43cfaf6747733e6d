"""What a crawl says while it runs: swarm after swarm, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns


class CensusState(Enum):
    """How the lookup of one infohash ended. Each is a row, none an exception."""

    COMPLETE = "complete"  # the closest verified nodes have all answered or are known dead
    TIMEOUT = "timeout"  # the deadline came first; what was found until then stands
    UNREACHABLE = "unreachable"  # no node near the key ever answered


@dataclass(frozen=True, slots=True)
class SwarmCensus:
    """The final word of one lookup. `queries` is how many get_peers it cost."""

    infohash: InfoHash
    state: CensusState
    queries: int
    sightings: SightingColumns


@dataclass(frozen=True, slots=True)
class CensusProgress:
    """How far the whole crawl is, over all processes; sent about twice a second."""

    done: int
    total: int
    peers: int
    packets_sent: int
    packets_received: int
    nodes_known: int


CensusEvent = SwarmCensus | CensusProgress
