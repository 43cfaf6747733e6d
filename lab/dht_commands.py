"""What the simulated DHT's process is told to do: one small type per command. Pure.

All but `Stop` are answered once, in the order in which they are sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lab.traits import DhtTraits

Announcement = tuple[bytes, bytes]
"""A 20-byte key of the DHT and a compact peer, 6 or 18 bytes."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which nodes the process plays; handed over as it starts. Answered by the UDP port."""

    seed: int
    nodes: int
    dead_share: float
    is_fresh: bool
    traits: DhtTraits
    is_ipv6: bool


@dataclass(frozen=True, slots=True)
class Plant:
    """Put announcements at the closest nodes, `seeds` of them by seeders. Answered by None."""

    peers_by_key: Mapping[bytes, Sequence[bytes]]
    seeds_by_key: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class Surround:
    """Put so many sybils around each key. Answered by None."""

    sybils_by_key: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class Age:
    """Show dead contacts from now on. Answered by None."""


@dataclass(frozen=True, slots=True)
class TellCounters:
    """Answered by `Counters`."""


@dataclass(frozen=True, slots=True)
class TellAsked:
    """Answered by a dictionary of each key that is held to the number of get_peers for it."""


@dataclass(frozen=True, slots=True)
class TellHolders:
    """Answered by a dictionary of each peer to the number of nodes that hold it."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Await:
    """Answered by the set of what does not stand at `holders` nodes: empty, or at the deadline."""

    announcements: frozenset[Announcement]
    holders: int
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Watch:
    """Count from now on what comes to these addresses, as numbers. Answered by None."""

    addresses: range


@dataclass(frozen=True, slots=True)
class Stop:
    """End the process."""
