"""What an announce of ours says: that nobody is there to be connected to, and then goodbye."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from enum import Enum

from swarm.infohash import InfoHash

# Nobody listens there on this machine: we share nothing, so we offer no port. Any other number
# could be somebody's behind the same address.
PORT = 1
LEFT_BYTES = 1  # not 0: that would count us among the seeders
WANTED_PEERS = 200
_ID_PREFIX = b"-SA0001-"


class Event(Enum):
    """Why we announce (BEP 3, with its number in BEP 15). `completed` is never sent."""

    STARTED = 2
    STOPPED = 3

    @property
    def word(self) -> str:
        """Its name in HTTP."""
        return self.name.lower()

    @property
    def wanted_peers(self) -> int:
        """How many peers are asked for: none with the goodbye."""
        return WANTED_PEERS if self is Event.STARTED else 0


@dataclass(frozen=True, slots=True)
class Announcement:
    """One appearance in one swarm at one tracker: `started` and `stopped` carry the same names."""

    infohash: InfoHash
    peer_id: bytes = field(default_factory=lambda: _ID_PREFIX + secrets.token_bytes(12))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(4))
