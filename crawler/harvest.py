"""Harvest: the peers of one swarm as replies bring them, and how many are probably still missing.

A holder of a big swarm returns a random part of it with each reply. How much of the swarm has not
been seen at all is estimated after Good (1953), "The population frequencies of species and the
estimation of population parameters", Biometrika 40: the chance that the next peer named is a new
one is about the number of peers named exactly once over the number of namings.
"""

from __future__ import annotations

from crawler.addresses import BogonFilter
from crawler.krpc import PEER_BYTES
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

_MAPPED = b"\x00" * 10 + b"\xff\xff"  # RFC 4291, 2.5.5.2: IPv4 in 16 bytes


class Harvest:
    """Distinct peers, who named each first and when."""

    def __init__(self) -> None:
        self._first_telling: dict[bytes, tuple[bytes, bytes]] = {}
        self._named_once: set[bytes] = set()
        self._namings = 0

    def __len__(self) -> int:
        return len(self._first_telling)

    def add(self, values: bytes, told_by: bytes, seen_at_us: int, bogons: BogonFilter) -> int:
        """Take in one reply's column of 6-byte peers; returns how many of them are new.

        `told_by` is the compact address of the node, `seen_at_us` the time in microseconds UTC.
        """
        named = {values[i : i + PEER_BYTES] for i in range(0, len(values), PEER_BYTES)}
        new = {peer for peer in named - self._first_telling.keys() if not bogons.is_bogus(peer)}
        self._named_once -= named
        self._named_once |= new
        self._namings += len(named)
        if new:
            telling = (_MAPPED + told_by, seen_at_us.to_bytes(8))
            self._first_telling.update(dict.fromkeys(new, telling))
        return len(new)

    @property
    def unseen_share(self) -> float:
        """The estimated share of the swarm that no reply has named yet, 0 to 1."""
        return len(self._named_once) / self._namings if self._namings else 0.0

    def columns(self, infohash: InfoHash) -> SightingColumns:
        """All peers as columns, in the order in which they were first named."""
        tellings = self._first_telling.values()
        return SightingColumns(
            infohash,
            Source.DHT,
            b"".join([_MAPPED + peer[:4] for peer in self._first_telling]),
            b"".join([peer[4:] for peer in self._first_telling]),
            b"".join([told_by for told_by, _ in tellings]),
            b"".join([seen_at for _, seen_at in tellings]),
        )
