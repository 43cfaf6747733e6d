"""Collects torrents from an indexer: listing after listing, page after page, as a stream of events.

Composes the rest of the package and decides the order; what a page means is decided in
`scraper.pages`, what a request may cost in `scraper.fetcher`.
"""

from __future__ import annotations

from collections.abc import Collection, Generator

from scraper.addresses import is_web_address
from scraper.browser import BrowserPlan
from scraper.events import (
    ChallengePassed,
    ChallengeSeen,
    DuplicateSkipped,
    ListingRead,
    ScrapeEvent,
    StillWaiting,
    TorrentCollected,
    TorrentRefused,
)
from scraper.fetcher import FetchLimits
from scraper.plan import CATEGORIES, ScrapePlan
from scraper.session import Scrape
from scraper.streaming import stream_events
from swarm.errors import SiteError
from swarm.infohash import InfoHash

__all__ = [
    "CATEGORIES",
    "BrowserPlan",
    "ChallengePassed",
    "ChallengeSeen",
    "DuplicateSkipped",
    "ListingRead",
    "ScrapeEvent",
    "ScrapePlan",
    "StillWaiting",
    "TorrentCollected",
    "TorrentRefused",
    "collect",
]


def collect(
    plan: ScrapePlan,
    known: Collection[InfoHash],
    *,
    limits: FetchLimits | None = None,
) -> Generator[ScrapeEvent, None, None]:
    """Scrape the site; exactly one result event for each torrent that is taken from a listing.

    Closing the generator closes connections and browser; `StillWaiting` comes often enough to do so
    in the middle of a wait. What went wrong with one torrent is an
    event; only what concerns the whole site is raised.

    Args:
        plan: what to collect.
        known: infohashes that are kept already; these are skipped.
        limits: what one request may cost; the defaults suit the open web.

    Raises:
        SiteError: the site gives nothing; the text says what was tried and what to edit.
    """
    _check(plan)
    yield from stream_events(Scrape(plan, frozenset(known), limits or FetchLimits()).run)


def _check(plan: ScrapePlan) -> None:
    if not plan.root_url:
        raise SiteError(
            "No site is set: write the address of an indexer of the classic layout into "
            "config.txt, root_url=https://..."
        )
    if not is_web_address(plan.root_url):
        raise SiteError(
            f"root_url in config.txt is {plan.root_url[:200]!r}, which is no address of the web: "
            "it must begin with http:// or https:// and name a site."
        )
    if plan.per_category < 1:
        raise SiteError(f"{plan.per_category} torrents per category is none: ask for 1 or more.")
