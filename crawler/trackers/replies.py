"""What comes of one request to one tracker, whichever protocol carried it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from swarm.endpoint import address_to_packed16, compact_to_endpoint
from swarm.infohash import InfoHash
from swarm.tracking import TrackerOutcome

IPV4_PEER_BYTES, IPV6_PEER_BYTES = 6, 18  # compact peers (BEP 23; BEP 7, BEP 15)
PEER_BYTES = 18  # one entry of a column of peers: address16 (see swarm.endpoint), port big-endian


@dataclass(frozen=True, slots=True)
class Counts:
    """How many share a torrent, by one tracker's word; None is what it did not say."""

    seeders: int | None = None
    leechers: int | None = None
    completed: int | None = None


@dataclass(frozen=True, slots=True)
class AnnounceReply:
    """What a tracker answers to an announce."""

    counts: Counts
    peers: bytes  # column of PEER_BYTES, as it came: bogons, doubles and ourselves among them
    warning: str | None = None  # the tracker's own text, raw


@dataclass(frozen=True, slots=True)
class NoReply:
    """Why a request brought nothing. `message` may hold a tracker's own text, raw."""

    outcome: TrackerOutcome
    message: str | None = None

    @property
    def is_silence(self) -> bool:
        """Whether nobody useful was there, so that asking again makes little sense."""
        return self.outcome in _SILENCE


_SILENCE = (TrackerOutcome.TIMEOUT, TrackerOutcome.UNREACHABLE, TrackerOutcome.MALFORMED)

# The swarms that a tracker knows, of those it was asked for.
ScrapeReply = Mapping[InfoHash, Counts]


def widen_peers(compact: bytes, peer_bytes: int) -> bytes:
    """Compact peers of 6 or 18 bytes (BEP 23, BEP 7) as 18-byte entries; port 0 is left out."""
    if peer_bytes == IPV6_PEER_BYTES:
        whole = len(compact) - len(compact) % IPV6_PEER_BYTES
        entries = (compact[at : at + IPV6_PEER_BYTES] for at in range(0, whole, IPV6_PEER_BYTES))
        return b"".join(entry for entry in entries if entry[16:] != b"\x00\x00")
    wide = []
    for at in range(0, len(compact) - peer_bytes + 1, peer_bytes):
        entry = compact[at : at + peer_bytes]
        if entry[4:] != b"\x00\x00":
            endpoint = compact_to_endpoint(entry)
            wide.append(address_to_packed16(endpoint.address) + entry[4:])
    return b"".join(wide)
