"""Canaries: peers that are known to be in a swarm, so that a run can say what share it found. Pure.

A file of them is text: an infohash and one peer a line, `address:port` or `[IPv6 address]:port`;
`#` begins a comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from swarm.census import SwarmCensus
from swarm.endpoint import Endpoint, address_to_packed16
from swarm.errors import SettingsError
from swarm.infohash import InfoHash

_ADDRESS_BYTES = 16
_PORT_BYTES = 2


@dataclass(frozen=True, slots=True)
class Canaries:
    """The known peers by the infohash under which the DHT has them."""

    peers: Mapping[InfoHash, frozenset[Endpoint]]

    def __len__(self) -> int:
        return sum(map(len, self.peers.values()))

    def within(self, infohashes: Iterable[InfoHash]) -> Canaries:
        """Those of these infohashes only."""
        return Canaries({key: self.peers[key] for key in infohashes if key in self.peers})

    def found_by(self, census: SwarmCensus) -> int:
        """How many of the census' infohash it has found."""
        known = self.peers.get(census.infohash)
        if not known:
            return 0
        addresses, ports = census.sightings.addresses, census.sightings.ports
        found = {
            addresses[_ADDRESS_BYTES * i : _ADDRESS_BYTES * (i + 1)]
            + ports[_PORT_BYTES * i : _PORT_BYTES * (i + 1)]
            for i in range(len(census.sightings))
        }
        packed = {address_to_packed16(p.address) + p.port.to_bytes(_PORT_BYTES) for p in known}
        return len(packed & found)


def read_canaries(text: str, *, file: str) -> Canaries:
    """The canaries of a file's text; one that stands there twice is one.

    Raises:
        SettingsError: a line is not an infohash and a peer; names file and line.
    """
    peers: dict[InfoHash, set[Endpoint]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        entry = line.partition("#")[0].split()
        if not entry:
            continue
        try:
            infohash, peer = entry
            peers.setdefault(InfoHash.from_hex(infohash), set()).add(Endpoint.parse(peer))
        except ValueError:
            raise SettingsError(
                f"{file}, line {number}: {line.strip()[:80]!r} is no infohash with a peer. Write "
                "40 hexadecimal digits, a space, and address:port, such as 192.0.2.7:6881."
            ) from None
    return Canaries({infohash: frozenset(found) for infohash, found in peers.items()})
