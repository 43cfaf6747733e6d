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
    PRIVATE = "private"  # it was not looked up: its torrent says so (BEP 27)

    @property
    def has_heard(self) -> bool:
        """Whether the DHT had anything to say; else there is nothing to estimate from."""
        return self in (CensusState.COMPLETE, CensusState.TIMEOUT)


@dataclass(frozen=True, slots=True)
class Captures:
    """How many peers each of two independent halves of the holders named, and both of them."""

    first: int = 0
    second: int = 0
    both: int = 0


@dataclass(frozen=True, slots=True)
class FamilyCensus:
    """What one of the two DHTs, that of IPv4 or that of IPv6, had to say of a swarm."""

    version: int  # 4 or 6
    state: CensusState
    peers: int
    captures: Captures = Captures()
    reach: float | None = None  # see `SwarmCensus.reach`


@dataclass(frozen=True, slots=True)
class SwarmCensus:
    """The final word of one lookup, with what the estimates of what it missed are made from."""

    infohash: InfoHash
    state: CensusState
    queries: int  # how many get_peers it cost
    sightings: SightingColumns
    captures: Captures = Captures()
    seeds: bytes | None = None  # BEP 33: united filter of the holders; None if none sent one
    downloaders: bytes | None = None  # the same of those who are no seeds
    reach: float | None = None  # share of the key space as near as the eighth closest live node
    by_family: tuple[FamilyCensus, ...] = ()  # the DHTs that were asked, IPv4 first


@dataclass(frozen=True, slots=True)
class CensusProgress:
    """How far the whole crawl is, over all processes; sent about twice a second."""

    done: int
    total: int
    peers: int
    packets_sent: int
    packets_received: int
    nodes_known: int
    liars: int = 0  # nodes that named peers where there are none
    peers_dropped: int = 0  # that only liars named, or nodes that could not be tried


CensusEvent = SwarmCensus | CensusProgress
