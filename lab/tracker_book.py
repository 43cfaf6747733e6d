"""What the lab's tracker knows: who shares what. Opens nothing; several threads may use it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from swarm.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class TrackerQuestion:
    """One question as the tracker understood it; a UDP question is logged each time it comes."""

    protocol: str  # "http" or "udp"
    action: str  # "connect", "scrape" or "announce"
    infohashes: tuple[bytes, ...] = ()
    event: str = ""  # of an announce: "started", "stopped", "completed" or ""
    peer: Endpoint | None = None  # of an announce: who, as the tracker sees it
    url_data: str = ""  # path and query, where they came (BEP 41 or HTTP)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one swarm."""

    seeders: int
    leechers: int
    completed: int


@dataclass(slots=True)
class _Swarm:
    left_bytes: dict[Endpoint, int] = field(default_factory=dict)
    completed: int = 0


class TrackerBook:
    """Swarms, their peers, and a log of every question.

    `questions` is what was asked, in the order in which it came.
    """

    def __init__(self) -> None:
        self.questions: list[TrackerQuestion] = []
        self._swarms: dict[bytes, _Swarm] = {}
        self._lock = threading.Lock()

    def plant(
        self,
        infohash: bytes,
        *,
        seeders: Iterable[Endpoint] = (),
        leechers: Iterable[Endpoint] = (),
        completed: int = 0,
    ) -> None:
        """Put peers into a swarm, as if they had announced themselves."""
        with self._lock:
            swarm = self._swarms.setdefault(infohash, _Swarm())
            swarm.left_bytes |= dict.fromkeys(seeders, 0) | dict.fromkeys(leechers, 1)
            swarm.completed += completed

    def tally(self, infohash: bytes) -> Tally | None:
        """Counts of a swarm; None if it is not known."""
        with self._lock:
            swarm = self._swarms.get(infohash)
            if swarm is None:
                return None
            seeders = sum(left == 0 for left in swarm.left_bytes.values())
            return Tally(seeders, len(swarm.left_bytes) - seeders, swarm.completed)

    def announce(self, infohash: bytes, peer: Endpoint, *, left_bytes: int, event: str) -> None:
        """Take note of a peer, or of its goodbye."""
        with self._lock:
            swarm = self._swarms.setdefault(infohash, _Swarm())
            if event == "stopped":
                swarm.left_bytes.pop(peer, None)
                return
            swarm.left_bytes[peer] = left_bytes
            swarm.completed += event == "completed"

    def peers(self, infohash: bytes, *, version: int, most: int) -> list[Endpoint]:
        """Up to `most` peers of a swarm in one address family (4 or 6)."""
        with self._lock:
            swarm = self._swarms.get(infohash, _Swarm())
            return [p for p in swarm.left_bytes if p.address.version == version][: max(0, most)]

    def log(self, question: TrackerQuestion) -> None:
        """Keep a question."""
        with self._lock:
            self.questions.append(question)
