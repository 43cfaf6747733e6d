"""What came of a visit to a peer: a handshake, a look at what it has, a request for its peers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns


class VisitOutcome(Enum):
    """How one visit ended. Each is a row, none an exception."""

    REACHED = "reached"  # it shook hands for this swarm
    TIMEOUT = "timeout"  # no connection, or no handshake, in time
    REFUSED = "refused"  # the connection was refused, or no route leads there
    CLOSED = "closed"  # it hung up before the handshake: other swarm, full, encrypted only
    MALFORMED = "malformed"  # it speaks something else, of another swarm, or without end
    NOT_VISITED = "not visited"  # opted out, a bogon, or beyond a cap or the deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerVisit:
    """One visit to one peer of one swarm; at most one per peer, swarm and run."""

    infohash: InfoHash
    peer: Endpoint
    outcome: VisitOutcome
    seed: bool | None = None  # from bitfield, have-all or upload_only; None if it did not tell
    client: str | None = None  # one line, at most 100 characters: BEP 10 `v`, else the peer id's
    peers: SightingColumns | None = None  # whom it named by exchange (BEP 11); Source.PEX
    follows: tuple[Endpoint, ...] = ()  # of `peers`, those who are visited because it named them
    seconds: float | None = None
