"""Reads an indexer's pages: bytes and a site definition in, rows, links and facts out.

Opens nothing, reads no clock, never raises. The bytes are hostile: whatever they are, the outcome
is a value. What is absent is None, a page that is no page lists nothing.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from swarm.infohash import InfoHash

if TYPE_CHECKING:  # the keeper of the browser needs `is_challenge` alone, and quickly
    from lxml import html

    from scraper.definition import Download, Facts, Listing, SiteDefinition

_MAX_LINKS = 20_000
_MAX_ROWS = 5_000
_MAX_ROW_ELEMENTS = 2_000  # more is the page's frame, not a row of it


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRow:
    """One torrent as a listing shows it; addresses are absolute, `date` is UTC.

    One of `details` (its own page), `download` (its .torrent), `magnet` and `infohash` is there.
    """

    title: str
    details: str | None = None
    download: str | None = None
    magnet: str | None = None
    infohash: InfoHash | None = None
    category: str | None = None
    size_bytes: int | None = None
    seeders: int | None = None
    leechers: int | None = None
    date: datetime | None = None
    language: str | None = None
    files: int | None = None

    @property
    def url(self) -> str:
        """What tells it from the other rows, and names it to a person."""
        return self.details or self.download or self.magnet or f"urn:btih:{self.infohash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingPage:
    """The torrents on one listing page, each once, in its order.

    `matched` is how many elements the row selector found, usable or not; `next_url` the following
    page, None at the end; `is_empty` whether the page says itself that there is nothing.
    """

    rows: tuple[ListingRow, ...] = ()
    matched: int = 0
    next_url: str | None = None
    is_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailPage:
    """What a torrent's own page says; links are absolute, `torrent_links` in page order."""

    torrent_links: tuple[str, ...] = ()
    magnet: str | None = None
    infohash: InfoHash | None = None
    category: str | None = None
    subcategory: str | None = None
    language: str | None = None
    size_bytes: int | None = None


def read_listing(
    body: bytes,
    url: str,
    definition: SiteDefinition,
    *,
    now: datetime,
    following: str | None = None,
    charset: str | None = None,
) -> ListingPage:
    """The rows of a listing page, each torrent once.

    Args:
        body: the page as it came, not inflated any further.
        url: where it came from; relative links are resolved against it.
        definition: where things stand on this site.
        now: aware; what "3 days ago" counts from.
        following: the address of the following page, where addresses hold page numbers.
        charset: what the server declared, if anything.
    """
    from scraper.document import base_of, parse_page

    document = parse_page(body, charset or definition.encoding)
    if document is None:
        return ListingPage()
    base = base_of(document, url)
    rows: dict[str, ListingRow] = {}
    found = definition.search.rows.selector.all(document)
    for element in found[:_MAX_ROWS]:
        if len(list(islice(element.iter(), _MAX_ROW_ELEMENTS + 1))) > _MAX_ROW_ELEMENTS:
            continue
        row = _read_row(element, base, definition, now)
        if row is not None:
            rows.setdefault(row.url, row)
    empty = definition.search.rows.empty
    return ListingPage(
        rows=tuple(rows.values()),
        matched=len(found),
        next_url=_next_url(document, base, definition, following),
        is_empty=not rows and empty is not None and empty.first(document) is not None,
    )


def _read_row(
    element: html.HtmlElement, base: str, definition: SiteDefinition, now: datetime
) -> ListingRow | None:
    from scraper import fields
    from scraper.document import absolute

    found = fields.read_fields(element, definition.search.fields.given, now)
    title = fields.shortened(found.get("title"))
    magnet = _magnet(found.get("magnet")) or _magnet(found.get("download"))
    details, download = (
        absolute(base, found[name]) if name in found else None for name in ("details", "download")
    )
    infohash = fields.read_infohash(found.get("infohash")) or magnet_infohash(magnet or "")
    if title is None or not (details or download or magnet or infohash):
        return None
    return ListingRow(
        title=title,
        details=details,
        download=download,
        magnet=magnet,
        infohash=infohash,
        category=definition.category_label(found.get("category")),
        size_bytes=fields.read_size(found.get("size")),
        seeders=fields.read_count(found.get("seeders")),
        leechers=fields.read_count(found.get("leechers")),
        date=fields.read_date(found.get("date")),
        language=fields.shortened(found.get("language")),
        files=fields.read_count(found.get("files")),
    )


def _magnet(text: str | None) -> str | None:
    return text if text and text.lower().startswith("magnet:?") else None


def _next_url(
    document: html.HtmlElement, base: str, definition: SiteDefinition, following: str | None
) -> str | None:
    """The address of the following page, if there is one."""
    from scraper.document import absolute

    if definition.next is None:
        return following  # whether it brings anything is seen when it is read
    for link in definition.next.selector.all(document)[:_MAX_LINKS]:
        target = absolute(base, link.get(definition.next.attribute))
        if not definition.next.numbered:
            return target
        if "next" in (link.get("rel") or "").lower().split():
            return following or target
        if following is not None and target == following:
            return following
    return None


def read_detail(
    body: bytes,
    url: str,
    definition: SiteDefinition,
    *,
    now: datetime,
    charset: str | None = None,
) -> DetailPage:
    """What a torrent's own page says. See `read_listing` for the arguments.

    Without `download.selectors` in the definition, every link whose path ends in `.torrent` counts.
    """
    from scraper import fields
    from scraper.document import base_of, parse_page

    document = parse_page(body, charset or definition.encoding)
    if document is None:
        return DetailPage()
    base = base_of(document, url)
    hrefs = [link.get("href") for link in document.xpath("//a[@href]")[:_MAX_LINKS]]
    chosen = _chosen_links(document, definition.download, now)
    magnet = next(filter(None, map(_magnet, (*chosen, *(href.strip() for href in hrefs)))), None)
    detail = definition.detail
    found = {}
    if detail is not None:
        facts = _facts(document, detail.facts) if detail.facts else {}
        found = fields.read_fields(document, detail.fields.given, now, facts)
    return DetailPage(
        torrent_links=_torrent_links(base, chosen, hrefs, definition.download),
        magnet=magnet,
        infohash=fields.read_infohash(found.get("infohash")) or magnet_infohash(magnet or ""),
        category=definition.category_label(found.get("category")),
        subcategory=fields.shortened(found.get("subcategory")),
        language=fields.shortened(found.get("language")),
        size_bytes=fields.read_size(found.get("size")),
    )


def _chosen_links(
    document: html.HtmlElement, download: Download | None, now: datetime
) -> list[str]:
    from scraper.filters import apply_filters

    """What the first of the selectors that finds anything gives."""
    for link in download.selectors if download else ():
        found = link.selector.all(document)[:_MAX_LINKS]
        values = (
            apply_filters(link.filters, (element.get(link.attribute) or "").strip(), now)
            for element in found
        )
        if given := [value for value in values if value]:
            return given
    return []


def _torrent_links(
    base: str, chosen: list[str], hrefs: list[str], download: Download | None
) -> tuple[str, ...]:
    from scraper.document import absolute

    if download is not None and download.selectors:
        found = [absolute(base, link) for link in chosen]
    else:
        links = (absolute(base, href) for href in hrefs)
        found = [t for t in links if t and urlsplit(t).path.lower().endswith(".torrent")]
    return tuple(dict.fromkeys(filter(None, found)))


def _facts(document: html.HtmlElement, facts: Facts) -> Mapping[str, str]:
    """Name, in lower case, to value; the first of a name counts."""
    from scraper.document import text_of

    found: dict[str, str] = {}
    for row in facts.rows.all(document)[:_MAX_LINKS]:
        name, value = facts.name.first(row), facts.value.first(row)
        if name is not None and value is not None and (said := text_of(value)):
            found.setdefault(text_of(name).rstrip(": ").lower(), said)
    return found


def listing_url(root_url: str, listing: Listing, page: int) -> str:
    """The address of a page of a listing; pages count from 1."""
    return listing.url(root_url, page)


_BTIH = re.compile(r"[?&]xt=urn:btih:(?:([0-9a-f]{40})|([a-z2-7]{32}))(?:&|$)", re.IGNORECASE)


def magnet_infohash(magnet: str) -> InfoHash | None:
    """The v1 infohash that a magnet link names (BEP 9), in hexadecimal or base32; else None."""
    found = _BTIH.search(magnet)
    if found is None:
        return None
    return InfoHash(
        bytes.fromhex(found[1]) if found[1] else base64.b32decode(found[2], casefold=True)
    )


_CHALLENGE_STATUS = frozenset({403, 429, 503})
_CHALLENGE_MARKS = re.compile(
    rb"<title>\s*(?:just a moment|ddos-guard|checking your browser)"
    rb"|cf-chl|challenge-form|/cdn-cgi/challenge-platform/",
    re.IGNORECASE,
)


def is_challenge(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer is a page that wants to see a real browser first.

    `headers` has lower-case names. A status of success is never a challenge.
    """
    if status not in _CHALLENGE_STATUS:
        return False
    if headers.get("cf-mitigated", "").lower() == "challenge":
        return True
    return _CHALLENGE_MARKS.search(body[:200_000]) is not None
