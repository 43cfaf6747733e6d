"""What a tracker said of a swarm: counts, peers, or why there is neither. One row per question."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns


class TrackerOutcome(Enum):
    """How one question to one tracker ended. Each is a row, none an exception."""

    ANSWERED = "answered"
    REFUSED = "refused"  # the tracker's own failure reason, see `message`
    UNKNOWN = "unknown"  # it answered, and does not know the swarm
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # no such host, connection refused, TLS failure
    MALFORMED = "malformed"  # what came is no answer, or one to another transaction
    UNSUPPORTED = "unsupported"  # a scheme we do not speak, or no scrape at that address
    NOT_ASKED = "not asked"  # opted out, a bogon, or beyond the deadline; see `message`


class TrackerAction(Enum):
    """What was asked (BEP 3, 15, 48)."""

    SCRAPE = "scrape"
    ANNOUNCE = "announce"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerAnswer:
    """One tracker's word on one swarm. Counts of several trackers are never added up."""

    infohash: InfoHash
    tracker: str  # "scheme://host:port" alone: the path may hold a user's passkey
    action: TrackerAction
    outcome: TrackerOutcome
    seeders: int | None = None
    leechers: int | None = None
    completed: int | None = None
    sightings: SightingColumns | None = None  # of an announce; Source.TRACKER
    message: str | None = None  # one line, at most 200 characters, safe to show
    seconds: float | None = None
