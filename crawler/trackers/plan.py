"""What is to be asked of trackers, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from swarm.infohash import InfoHash


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackerPlan:
    """How trackers are asked. Times in seconds.

    With a proxy, HTTP trackers are asked through it alone and no tracker's name is resolved here;
    UDP cannot take that way, so UDP trackers are left out unless `direct`.
    """

    announce: bool  # False: scrape only, which registers nothing anywhere
    http_proxy: str = field(default="", repr=False)  # http:// or socks5://; may hold a password
    direct: bool = False  # with a proxy set: UDP trackers are asked past it all the same
    allow_local: bool  # loopback and private addresses count as trackers and peers
    never_contact: tuple[IPv4Network | IPv6Network, ...] = ()  # who opted out
    timeout_s: float = 15.0  # for one request, retransmissions and redirects included
    deadline_s: float  # for all of it
    pause_s: float = 1.0  # between the end of one request to a host and the start of the next

    def __post_init__(self) -> None:
        if not self.timeout_s > 0 or not self.deadline_s > 0:
            raise ValueError("timeout and deadline of a tracker plan are more than 0 seconds")
        if not self.pause_s >= 0:
            raise ValueError("the pause between two requests is not negative")


@dataclass(frozen=True, slots=True)
class TrackerTarget:
    """One swarm and the trackers to ask about it."""

    infohash: InfoHash
    trackers: tuple[str, ...] = field(repr=False)  # announce URLs as a .torrent has them: hostile
