"""Collects torrents from an indexer: listing after listing, page after page, as a stream of events.

Composes the rest of the package and decides the order; what a page means is decided in
`scraper.pages`, what a request may cost in `scraper.fetcher`.
"""

from __future__ import annotations

import asyncio
import queue
import threading
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

# How many events may wait to be taken: a slow taker slows the scrape, it does not fill the memory.
_ROOM = 32
_POLL_S = 0.2


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
    scrape = _Thread(Scrape(plan, frozenset(known), limits or FetchLimits()))
    try:
        scrape.start()
        while True:
            try:
                event = scrape.take(_POLL_S)
            except queue.Empty:
                yield StillWaiting()
                continue
            if event is None:
                return
            yield event
    finally:
        scrape.close()


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


class _Thread:
    """Runs the scrape's event loop beside the taker of its events, and ends it on demand."""

    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape
        self._events: queue.SimpleQueue[ScrapeEvent | BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="scrape", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._room = asyncio.Semaphore(_ROOM)

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    def take(self, timeout_s: float) -> ScrapeEvent | None:
        """The next event; None at the end; raises what the scrape raised, or queue.Empty."""
        event = self._events.get(timeout=timeout_s)
        if isinstance(event, BaseException):
            raise event
        if event is not None and self._loop is not None and self._thread.is_alive():
            self._call(self._room.release)
        return event

    def close(self) -> None:
        if self._task is not None:
            self._call(self._task.cancel)
        if self._thread.is_alive():
            self._thread.join()

    def _call(self, function: object) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(function)  # type: ignore[arg-type]
        except RuntimeError:
            return  # the loop has just ended

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            self._events.put(None)
        except BaseException as error:  # noqa: BLE001 - the thread's edge: the taker raises it
            self._events.put(error)
        else:
            self._events.put(None)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._started.set()
        await self._scrape.run(self._emit)

    async def _emit(self, event: ScrapeEvent) -> None:
        await self._room.acquire()
        self._events.put(event)
