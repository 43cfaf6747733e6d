"""What a scrape says of each site and feed: pages read, torrents found, kept, doubled, refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlsplit

from observatory.jobs import SiteReport
from scraper.events import (
    DuplicateSkipped,
    ListingRead,
    MagnetFound,
    PageRead,
    ScrapeEvent,
    TorrentCollected,
    TorrentRefused,
)

_MAX_REASONS = 20
_OTHER = "other reasons"


class SiteTallies:
    """Counts the events of a scrape by the site or feed that they come from.

    Sources are read one after another, so what comes belongs to the listing that was read last.
    """

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}
        self._current = _Tally()

    def take(self, event: ScrapeEvent) -> None:
        """Count one event; those that say nothing of a page or a torrent are passed over."""
        if isinstance(event, ListingRead):
            self._current = self._tallies.setdefault(_host(event.url), _Tally())
        self._current.take(event)

    def fail(self, url: str, error: str) -> None:
        """Note why the whole site gave nothing, or nothing more; also where no page came at all."""
        self._tallies.setdefault(_host(url), _Tally()).error = error

    def reports(self) -> list[SiteReport]:
        """One per site and feed host, in the order in which they were asked."""
        return [tally.report(host) for host, tally in self._tallies.items()]


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


class _Tally:
    def __init__(self) -> None:
        self.error: str | None = None
        self._first_problem: str | None = None
        self.counts: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()

    def take(self, event: ScrapeEvent) -> None:
        match event:
            case ListingRead():
                was_read = event.problem is None or event.rows > 0 or event.body is not None
                self.counts["pages" if was_read else "unread"] += 1
                self._first_problem = self._first_problem or event.problem
            case PageRead():
                self.counts["pages"] += 1
            case TorrentCollected():
                self.counts["kept"] += 1
            case MagnetFound():
                self.counts["magnets"] += 1
            case DuplicateSkipped():
                self.counts["doubled"] += 1
            case TorrentRefused():
                new = event.reason not in self.reasons
                many = new and len(self.reasons) >= _MAX_REASONS
                self.reasons[_OTHER if many else event.reason] += 1

    def report(self, host: str) -> SiteReport:
        refused = self.reasons.total()
        settled = sum(self.counts[name] for name in ("kept", "magnets", "doubled"))
        nothing_read = not self.counts["pages"]
        return SiteReport(
            site=host,
            pages=self.counts["pages"],
            pages_not_read=self.counts["unread"],
            found=settled + refused,
            kept=self.counts["kept"],
            magnets=self.counts["magnets"],
            doubled=self.counts["doubled"],
            refused=refused,
            reasons=dict(self.reasons.most_common()),
            error=self.error or (self._first_problem if nothing_read else None),
        )


def sentence(tally: Mapping[str, int]) -> str:
    """What a whole scrape came to, in one line for a person."""
    said = f"{tally['collected']} new torrents collected"
    if tally["magnets"]:
        said += f", {tally['magnets']} magnet{'s' if tally['magnets'] > 1 else ''} noted"
    if tally["duplicates"]:
        said += f", {tally['duplicates']} known already"
    if tally["refused"]:
        said += f", {tally['refused']} without a usable .torrent"
    return said + "."
