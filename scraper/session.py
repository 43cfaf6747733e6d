"""One scrape of one site: who is asked next, and what each answer makes of a torrent.

Listings are read one after another, the torrents on them by several workers where the plan has no
waiting, else by one. A challenge stops all of them until a browser has passed it.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from scraper.definition import Listing
from scraper.events import (
    DuplicateSkipped,
    ListingRead,
    MagnetFound,
    PageRead,
    ScrapeEvent,
    TorrentCollected,
    TorrentRefused,
)
from scraper.fetcher import Answer, Fetcher, FetchLimits, NoAnswer
from scraper.page_cache import PageCache
from scraper.pages import (
    DetailPage,
    ListingPage,
    ListingRow,
    listing_url,
    read_detail,
    read_listing,
)
from scraper.passage import Passage, shows_challenge
from scraper.plan import ScrapePlan
from scraper.second_opinion import check_with_libtorrent
from scraper.streaming import Emit
from scraper.templates import fill
from scraper.verdict import SiteVerdict, status_reason
from swarm.errors import MalformedTorrent, SiteError
from swarm.infohash import InfoHash
from swarm.magnet import read_link
from swarm.metainfo import parse_torrent

_WORKERS = 8
_MAX_LISTING_PAGES = 1_000
_MAX_LINKS_TRIED = 3  # sites link the same file on several hosts

_Work = tuple[Listing, ListingRow]


class Scrape:
    """One scrape; `run` it once."""

    def __init__(self, plan: ScrapePlan, known: frozenset[InfoHash], limits: FetchLimits) -> None:
        self._plan = plan
        self._site = plan.definition
        self._limits = limits
        self._seen = set(known)
        self._noted: set[InfoHash] = set()  # as magnets: a .torrent is still worth keeping
        self._by_url: dict[str, InfoHash] = {}
        self._verdict = SiteVerdict(plan.root_url)

    async def run(self, emit: Emit) -> None:
        """Scrape to the end, or until cancelled.

        Raises:
            SiteError: the site gives nothing.
        """
        self._emit = emit
        work: asyncio.Queue[_Work | None] = asyncio.Queue(maxsize=2 * _WORKERS)
        workers = 1 if self._plan.wait_s > 0 else _WORKERS
        with PageCache(self._plan.cache_path) as cache:
            async with self._make_fetcher(cache) as self._fetcher:
                self._passage = Passage(self._plan, self._fetcher, emit)
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(self._list_all(work, workers))
                        for _ in range(workers):
                            group.create_task(self._work_off(work))
                except* SiteError as errors:
                    raise _first(errors) from None
        self._verdict.conclude()

    def _make_fetcher(self, cache: PageCache) -> Fetcher:
        return Fetcher(
            self._plan.root_url,
            wait_s=self._plan.wait_s,
            limits=self._limits,
            obey_robots=self._plan.obey_robots,
            proxy=self._plan.proxy,
            cache=cache,
            credentials=self._plan.credentials,
            free_at_s=self._plan.free_at_s,
            is_challenge=lambda answer: shows_challenge(self._plan, answer),
        )

    async def _list_all(self, work: asyncio.Queue[_Work | None], workers: int) -> None:
        for listing in self._plan.listings:
            await self._walk(listing, work)
        for _ in range(workers):
            await work.put(None)

    async def _walk(self, listing: Listing, work: asyncio.Queue[_Work | None]) -> None:
        """Read a listing page by page until there are enough torrents, or no more."""
        wanted: set[str] = set()
        url: str | None = listing_url(self._plan.root_url, listing, 1)
        for page in range(1, _MAX_LISTING_PAGES + 1):
            if url is None:
                return
            read = await self._read_page(listing, url, page)
            if read is None:
                return
            new = [row for row in read.rows if row.url not in wanted]
            for row in new[: self._plan.per_category - len(wanted)]:
                wanted.add(row.url)
                await work.put((listing, row))
            # A page with nothing new is a site that repeats its last page for ever.
            if len(wanted) >= self._plan.per_category or not new:
                return
            url = read.next_url

    async def _read_page(self, listing: Listing, url: str, page: int) -> ListingPage | None:
        """One page of a listing; None where it could not be had."""
        label, answer = listing.label, await self._passage.get(url, self._fetcher.page)
        problem = self._verdict.listing(answer)
        if problem is not None or not isinstance(answer, Answer):
            await self._emit(ListingRead(label, page, url, 0, problem))
            return None
        root_url = self._plan.root_url
        following = listing_url(root_url, listing, page + 1) if listing.is_numbered else None
        read = read_listing(
            answer.body,
            answer.url,
            self._site,
            now=datetime.now(UTC),
            following=following,
            charset=answer.charset,
        )
        self._verdict.rows += len(read.rows)
        if read.rows or read.is_empty or page > 1:
            await self._emit(ListingRead(label, page, url, len(read.rows)))
        else:
            problem = self._verdict.nothing_found(answer.url, self._site, read.matched)
            await self._emit(ListingRead(label, page, url, 0, problem, answer.body))
        return read

    async def _work_off(self, work: asyncio.Queue[_Work | None]) -> None:
        while (item := await work.get()) is not None:
            await self._emit(await self._take(*item))

    async def _take(self, listing: Listing, row: ListingRow) -> ScrapeEvent:
        """The one result of a listed torrent."""
        url, category = row.url, row.category or listing.category or listing.label
        known = self._by_url.get(url) or (row.infohash if row.infohash in self._seen else None)
        if known is not None:
            return DuplicateSkipped(url, known)
        detail = DetailPage()
        if row.details and (self._site.detail or not self._links(row, detail)):
            answer = await self._passage.get(row.details, self._fetcher.page)
            self._verdict.answered(answer)
            if not isinstance(answer, Answer) or answer.status != 200:
                return TorrentRefused(url, category, f"its page {_why_not(answer)}")
            await self._emit(PageRead(url))
            detail = read_detail(
                answer.body, answer.url, self._site, now=datetime.now(UTC), charset=answer.charset
            )
            if detail.infohash is not None and detail.infohash in self._seen:
                # on the page's word: it saves a download
                return DuplicateSkipped(url, detail.infohash)
            if row.category is None and listing.category is None:
                category = detail.category or category
        links = self._links(row, detail)
        if not links:
            return self._without_link(row, detail, category)
        return await self._first_good(links, row, detail, category)

    def _links(self, row: ListingRow, detail: DetailPage) -> tuple[str, ...]:
        """Where the .torrent may be, the likeliest first."""
        links = [row.download] if row.download else []
        links += detail.torrent_links
        infohash, address = row.infohash or detail.infohash, self._site.download_address
        if infohash is not None and address is not None:
            values = {"Infohash": infohash.hex, "Config.sitelink": f"{self._plan.root_url}/"}
            links.append(fill(address, values))
        return tuple(dict.fromkeys(links))

    def _without_link(
        self, row: ListingRow, detail: DetailPage, category: str
    ) -> MagnetFound | DuplicateSkipped | TorrentRefused:
        if row.details:
            only = ", only a magnet" if detail.magnet or row.magnet else ""
            return TorrentRefused(row.url, category, f"its page has no .torrent link{only}")
        uri = row.magnet or f"magnet:?xt=urn:btih:{row.infohash}"
        try:
            uri, magnet = read_link(uri)
        except ValueError as error:
            return TorrentRefused(row.url, category, f"has only a magnet link: {error}")
        if magnet.infohash in self._seen | self._noted:
            return DuplicateSkipped(row.url, magnet.infohash)
        self._noted.add(magnet.infohash)
        name = magnet.name or row.title
        return MagnetFound(
            uri, magnet.infohash, name, row.size_bytes, category, self._plan.root_url
        )

    async def _first_good(
        self, links: tuple[str, ...], row: ListingRow, detail: DetailPage, category: str
    ) -> ScrapeEvent:
        """The first link that gives a good .torrent, or why the last one did not."""
        url, reason = row.url, ""
        language = detail.language or row.language
        if detail.subcategory and " > " not in category:
            category = f"{category} > {detail.subcategory}"
        for link in links[:_MAX_LINKS_TRIED]:
            result = await self._download(link, row.details)
            if isinstance(result, bytes):
                try:
                    return self._keep(result, category, language, url)
                except MalformedTorrent as error:
                    result = f"its .torrent is refused: {error}"
            reason = result
        return TorrentRefused(url, category, reason)

    async def _download(self, link: str, page_url: str | None) -> bytes | str:
        """The bytes behind the link, or why there are none."""
        answer = await self._passage.get(link, self._fetcher.torrent, page_url)
        if isinstance(answer, Answer) and answer.status == 200:
            return answer.body
        return f"its .torrent {_why_not(answer)}"

    def _keep(
        self, raw: bytes, category: str, language: str | None, url: str
    ) -> TorrentCollected | DuplicateSkipped:
        torrent = parse_torrent(raw)
        self._by_url[url] = torrent.infohash
        if not self._seen.isdisjoint(torrent.dht_keys):
            return DuplicateSkipped(url, torrent.infohash)
        check_with_libtorrent(raw)
        self._seen.update(torrent.dht_keys)
        return TorrentCollected(torrent, raw, category, language, url)


def _why_not(answer: Answer | NoAnswer) -> str:
    return answer.reason if isinstance(answer, NoAnswer) else status_reason(answer.status)


def _first(errors: BaseExceptionGroup[SiteError]) -> SiteError:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, SiteError)
    return error
