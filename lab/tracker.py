"""The lab's tracker: HTTP and UDP on loopback, over IPv4 or IPv6, honest or faulty.

Real clients can announce to it. It listens where it is told and on ports that the system chooses.
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.tracker_book import TrackerBook, TrackerQuestion
from lab.tracker_faults import FaultDice, TrackerFault
from lab.tracker_http import HttpSide
from lab.tracker_udp import UdpSide

__all__ = ["LabTracker", "TrackerBook", "TrackerFault", "TrackerQuestion"]


class LabTracker:
    """A running tracker. Use it as a context manager, or `start()` and `stop()` it.

    `host`: a loopback address of either family. `faults`: shares of faulty answers, drawn from
    `seed`. `most_scraped`: how many swarms of one scrape are read. `is_compact`: False answers HTTP
    announces in the dictionary form. `book`: who shares what, and the log of all questions; it may
    be shared by several trackers, and outlives a restart.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        book: TrackerBook | None = None,
        faults: Mapping[TrackerFault, float] | None = None,
        seed: int = 0,
        interval_s: int = 1800,
        most_scraped: int = 74,
        is_compact: bool = True,
    ) -> None:
        self.book = book or TrackerBook()
        self._host = host
        self._dice = FaultDice(seed, faults or {})
        self._interval_s = interval_s
        self._most_scraped = most_scraped
        self._is_compact = is_compact
        self._http: HttpSide | None = None
        self._udp: UdpSide | None = None

    def start(self) -> None:
        """Begin to serve; returns when questions are answered."""
        self._http = HttpSide(
            self.book,
            self._dice,
            self._host,
            interval_s=self._interval_s,
            most_scraped=self._most_scraped,
            is_compact=self._is_compact,
        )
        self._udp = UdpSide(
            self.book,
            self._dice,
            self._host,
            interval_s=self._interval_s,
            most_scraped=self._most_scraped,
        )

    def stop(self) -> None:
        """Stop serving and free the ports; harmless when not running."""
        if self._http is not None and self._udp is not None:
            self._http.stop()
            self._udp.stop()
        self._http = self._udp = None

    def __enter__(self) -> LabTracker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def http_url(self) -> str:
        """The announce URL over HTTP; below `/moved` stands the same again, by a redirect."""
        if self._http is None:
            raise RuntimeError("the tracker is not running: call start() first")
        return f"http://{self._authority}:{self._http.port}/announce"

    @property
    def udp_url(self) -> str:
        """The announce URL over UDP."""
        if self._udp is None:
            raise RuntimeError("the tracker is not running: call start() first")
        return f"udp://{self._authority}:{self._udp.port}/announce"

    @property
    def _authority(self) -> str:
        return f"[{self._host}]" if ":" in self._host else self._host
