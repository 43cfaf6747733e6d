"""Collects torrents and magnets from the feeds that the user subscribed to, as a stream of events.

The events are those of a site's scrape. No address in them shows a key: a feed's address, and the
downloads that it names, are secrets (`scraper.feeds_addresses`).
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass, field
from pathlib import Path

from scraper.addresses import is_web_address
from scraper.events import (
    DuplicateSkipped,
    ListingRead,
    MagnetFound,
    ScrapeEvent,
    TorrentCollected,
    TorrentRefused,
)
from scraper.feeds import Feed, FeedEntry, read_feed
from scraper.feeds_addresses import shown_address, without_keys
from scraper.fetcher import Answer, Fetcher, FetchLimits, NoAnswer
from scraper.pacing import FreeAt
from scraper.page_cache import PageCache
from scraper.second_opinion import check_with_libtorrent
from scraper.streaming import Emit, stream_events
from scraper.torznab import ERROR, search_address, values
from scraper.verdict import status_reason
from swarm.errors import MalformedTorrent, SiteError
from swarm.infohash import InfoHash
from swarm.magnet import read_link
from swarm.metainfo import parse_torrent
from swarm.text import one_line

_NAMELESS = "an entry without a title"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """Which feeds to read and how politely; see `ScrapePlan`. Times in seconds.

    `must_read`: it is an error if not one of the feeds can be read.
    """

    feeds: tuple[str, ...]
    wait_s: float
    obey_robots: bool = True
    proxy: str = ""
    must_read: bool = True
    cache_path: Path | None = None
    free_at_s: FreeAt = field(default_factory=dict)


def collect_feeds(
    plan: FeedPlan, known: Collection[InfoHash], *, limits: FetchLimits | None = None
) -> Generator[ScrapeEvent, None, None]:
    """Read all feeds; exactly one result event for each entry, and one `ListingRead` for each feed.

    A feed that cannot be read is its `ListingRead` with a problem; the others go on. Closing the
    generator closes connections. Entries whose torrent is in `known` are skipped.

    Raises:
        SiteError: an address is none, or no feed could be read though one had to; says why.
    """
    for feed in plan.feeds:
        if not is_web_address(feed):
            raise SiteError(
                f"{shown_address(feed)} is no address of a feed: it must begin with http:// or "
                "https:// and name a host (config.txt, feeds; or --feed)."
            )
    yield from stream_events(_Feeds(plan, known, limits or FetchLimits()).run)


class _Feeds:
    """One reading of all feeds; `run` it once."""

    def __init__(self, plan: FeedPlan, known: Collection[InfoHash], limits: FetchLimits) -> None:
        self._plan = plan
        self._seen = set(known)
        self._noted: set[InfoHash] = set()  # as magnets: a .torrent is still worth keeping
        self._limits = limits
        self._problems: list[str] = []

    async def run(self, emit: Emit) -> None:
        """Read to the end, or until cancelled."""
        plan = self._plan
        with PageCache(plan.cache_path) as cache:
            async with Fetcher(
                "",
                feeds=plan.feeds,
                wait_s=plan.wait_s,
                limits=self._limits,
                obey_robots=plan.obey_robots,
                proxy=plan.proxy,
                cache=cache,
                free_at_s=plan.free_at_s,
            ) as self._fetcher:
                for url in plan.feeds:
                    await self._read(url, emit)
        if plan.must_read and len(self._problems) == len(plan.feeds):
            raise SiteError(
                f"No feed could be read: {'; '.join(self._problems)[:1_000]}. Check feeds in "
                "config.txt, or --feed."
            )

    async def _read(self, url: str, emit: Emit) -> None:
        shown = shown_address(url)
        feed = _understand(await self._fetcher.feed(search_address(url)))
        problem = None if feed.problem is None else without_keys(feed.problem, url)
        if problem is not None and not feed.entries:
            self._problems.append(f"{shown} {problem}")
        await emit(ListingRead(f"feed {shown}", 1, shown, len(feed.entries), problem))
        for entry in feed.entries:
            await emit(await self._take(entry, url))

    async def _take(self, entry: FeedEntry, feed_url: str) -> ScrapeEvent:
        """The one result of an entry."""
        where = shown_address(entry.link or entry.torrent_url or feed_url)
        if entry.infohash is not None and entry.infohash in self._seen:
            return DuplicateSkipped(where, entry.infohash)
        reason = "names no .torrent, magnet or infohash"
        magnet = entry.magnet
        if entry.torrent_url is not None:
            result = await self._download(entry.torrent_url)
            if isinstance(result, bytes):
                try:
                    return self._keep(result, entry, where)
                except MalformedTorrent as error:
                    reason = f"its .torrent is refused: {error}"
            elif result[:7].lower() == "magnet:":
                magnet = result
            else:
                reason = without_keys(result, feed_url)
        if magnet is not None or entry.infohash is not None:
            found = self._magnet(magnet, entry, where)
            if found is not None:
                return found
        title = one_line(entry.title or _NAMELESS)[:120]
        return TorrentRefused(where, entry.category, f"{title}: {reason}")

    async def _download(self, url: str) -> bytes | str:
        """The .torrent behind the address, or the magnet that it leads to, or why there is none."""
        answer = await self._fetcher.torrent(url)
        if isinstance(answer, NoAnswer):
            return f"its .torrent {answer.reason}"
        if answer.status == 200:
            return answer.body
        # Jackett and Prowlarr send on to the magnet where their indexer has nothing else.
        location = answer.headers.get("location", "")
        if location[:7].lower() == "magnet:":
            return location
        if answer.is_challenge:
            return "its .torrent stands behind a challenge page"
        return f"its .torrent {status_reason(answer.status)}"

    def _keep(
        self, raw: bytes, entry: FeedEntry, where: str
    ) -> TorrentCollected | DuplicateSkipped:
        torrent = parse_torrent(raw)
        if not self._seen.isdisjoint(torrent.dht_keys):
            return DuplicateSkipped(where, torrent.infohash)
        check_with_libtorrent(raw)
        self._seen.update(torrent.dht_keys)
        return TorrentCollected(torrent, raw, entry.category, _language(entry), where)

    def _magnet(
        self, magnet: str | None, entry: FeedEntry, where: str
    ) -> MagnetFound | DuplicateSkipped | None:
        try:
            uri, read = read_link(magnet or (entry.infohash.hex if entry.infohash else ""))
        except ValueError:
            return None
        if read.infohash in self._seen | self._noted:
            return DuplicateSkipped(where, read.infohash)
        self._noted.add(read.infohash)
        name = read.name or entry.title
        return MagnetFound(uri, read.infohash, name, entry.size_bytes, entry.category, where)


def _language(entry: FeedEntry) -> str | None:
    said = values(entry.attributes, "language")
    return said[0][:60] or None if said else None


def _understand(answer: Answer | NoAnswer) -> Feed:
    """What an answer says as a feed; a Torznab error counts whatever its status."""
    if isinstance(answer, NoAnswer):
        return Feed((), answer.reason)
    feed = read_feed(answer.body, answer.url, charset=answer.charset)
    if answer.status == 200 or (feed.problem or "").startswith(ERROR):
        return feed
    return Feed((), status_reason(answer.status))
