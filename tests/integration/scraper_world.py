"""What the scraper's integration tests share: tiny torrents, listings of them, a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import bencode2

from lab.site import Listing
from scraper.collect import CATEGORIES, BrowserPlan, ScrapeEvent, ScrapePlan, StillWaiting
from scraper.fetcher import FetchLimits
from swarm.metainfo import parse_torrent

# Small enough that a test of a deadline or a cap is over at once.
TEST_LIMITS = FetchLimits(
    deadline_s=1.5, page_bytes=500_000, torrent_bytes=500_000, backoff_s=0.01, longest_wait_s=1.0
)


def tiny_torrent(name: str) -> bytes:
    """A correct v1 torrent of one file, different for each name."""
    return bencode2.bencode(
        {
            b"info": {
                b"name": name.encode(),
                b"length": 20_000,
                b"piece length": 16_384,
                b"pieces": hashlib.sha1(name.encode()).digest() * 2,
            }
        }
    )


def listing(title: str, category: str, *, seeders: int = 5, raw: bytes | None = None) -> Listing:
    """A listing with its own tiny torrent, or with the given bytes."""
    torrent = tiny_torrent(title) if raw is None else raw
    return Listing(
        title=title,
        category=category,
        subcategory="HD" if category == "Movies" else None,
        size_bytes=20_000,
        seeders=seeders,
        leechers=1,
        torrent=torrent,
        infohash=parse_torrent(torrent).infohash if raw is None else None,
    )


def listings(per_category: int, categories: Iterable[str] = CATEGORIES) -> list[Listing]:
    """So many listings in each category, the first with the fewest seeders."""
    return [
        listing(f"{category} {i} [é+%] <b>", category, seeders=i)
        for category in categories
        for i in range(per_category)
    ]


def plan(
    url: str,
    cache_dir: Path,
    *,
    per_category: int = 3,
    categories: tuple[str, ...] = CATEGORIES,
    wait_s: float = 0.0,
    wait_challenge_s: float = 20.0,
    binary: str | None = None,
    proxy: str = "",
    cache_path: Path | None = None,
) -> ScrapePlan:
    """A plan for a site on this machine, without waiting between pages."""
    return ScrapePlan(
        root_url=url,
        per_category=per_category,
        categories=categories,
        wait_s=wait_s,
        wait_challenge_s=wait_challenge_s,
        proxy=proxy,
        cache_path=cache_path,
        browser=BrowserPlan(binary=binary, driver=None, cache_dir=cache_dir, in_container=False),
    )


def next_said(events: Iterator[ScrapeEvent]) -> ScrapeEvent:
    """The next event that is no `StillWaiting`."""
    return next(event for event in events if not isinstance(event, StillWaiting))
