"""PeerSighting: one peer, in one swarm, at one instant, on the word of one source.

Sightings come in millions, so between packages they travel as `SightingColumns`:
one swarm's peers as packed byte columns, which numpy reads without a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from swarm.endpoint import Endpoint, address_to_packed16, packed16_to_address
from swarm.infohash import InfoHash

_MAPPED = b"\x00" * 10 + b"\xff\xff"  # RFC 4291, 2.5.5.2: IPv4 in 16 bytes


class Source(Enum):
    """Who said that the peer is there."""

    DHT = "dht"
    TRACKER = "tracker"
    PEX = "pex"
    RECORD = "record"  # read from a file of another tool, see storage.classic

    @property
    def bit(self) -> int:
        """Its place in the column `sources`, in which all who named a peer are added up."""
        return _BITS[self]


_BITS = {Source.DHT: 1, Source.TRACKER: 2, Source.PEX: 4, Source.RECORD: 8}


@dataclass(frozen=True, slots=True)
class PeerSighting:
    """One peer, in one swarm, at one instant, on the word of one source."""

    infohash: InfoHash
    peer: Endpoint
    source: Source
    told_by: Endpoint
    seen_at: datetime  # aware, UTC


@dataclass(frozen=True, slots=True)
class SightingColumns:
    """Sightings of one swarm by one source, each peer endpoint at most once.

    Columns, one entry per peer, in one order:
    `addresses` 16 bytes each (IPv4 mapped, see `address_to_packed16`);
    `ports` 2 bytes each, big-endian;
    `told_by` 18 bytes each: address16 + port2 of the node or tracker that first said it;
    `seen_at_us` 8 bytes each, big-endian, microseconds since the Unix epoch, UTC.
    """

    infohash: InfoHash
    source: Source
    addresses: bytes
    ports: bytes
    told_by: bytes
    seen_at_us: bytes

    def __post_init__(self) -> None:
        count = len(self.ports) // 2
        widths = (len(self.addresses), len(self.ports), len(self.told_by), len(self.seen_at_us))
        if widths != (16 * count, 2 * count, 18 * count, 8 * count):
            raise ValueError(f"sighting columns differ in length: {widths} bytes")

    def __len__(self) -> int:
        return len(self.ports) // 2

    def count_of(self, version: int) -> int:
        """How many of the peers have an address of IPv4, or of IPv6."""
        mapped = sum(
            self.addresses.startswith(_MAPPED, at) for at in range(0, len(self.addresses), 16)
        )
        return mapped if version == 4 else len(self) - mapped

    def __iter__(self) -> Iterator[PeerSighting]:
        for i in range(len(self)):
            told_by = self.told_by[18 * i : 18 * i + 18]
            seen_us = int.from_bytes(self.seen_at_us[8 * i : 8 * i + 8])
            yield PeerSighting(
                self.infohash,
                Endpoint(
                    packed16_to_address(self.addresses[16 * i : 16 * i + 16]),
                    int.from_bytes(self.ports[2 * i : 2 * i + 2]),
                ),
                self.source,
                Endpoint(packed16_to_address(told_by[:16]), int.from_bytes(told_by[16:])),
                datetime.fromtimestamp(seen_us / 1_000_000, UTC),
            )

    @property
    def endpoints(self) -> list[bytes]:
        """Each peer as 18 bytes, address16 + port2, in the columns' order."""
        return [
            self.addresses[16 * i : 16 * i + 16] + self.ports[2 * i : 2 * i + 2]
            for i in range(len(self))
        ]

    @classmethod
    def of(
        cls, infohash: InfoHash, source: Source, sightings: Iterable[PeerSighting]
    ) -> SightingColumns:
        """Pack single sightings; for tests and for sources where peers come in tens."""
        rows = list(sightings)
        return cls(
            infohash,
            source,
            b"".join(address_to_packed16(s.peer.address) for s in rows),
            b"".join(s.peer.port.to_bytes(2) for s in rows),
            b"".join(
                address_to_packed16(s.told_by.address) + s.told_by.port.to_bytes(2) for s in rows
            ),
            b"".join(round(s.seen_at.timestamp() * 1_000_000).to_bytes(8) for s in rows),
        )
