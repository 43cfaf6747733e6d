"""Reads an indexer's pages: bytes in, rows, links and facts out. Opens nothing, never raises.

The bytes are hostile: whatever they are, the outcome is a value. What is absent is None, a page
that is no page lists nothing.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from lxml import etree, html

from swarm.infohash import InfoHash

_MAX_LINKS = 20_000
_MAX_TEXT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassicLayout:
    """Where things stand on a site of the classic layout; CSS selectors.

    One value holds all that is particular to a site, so that another site is another value.
    """

    listing_path: str = "/sort-cat/{category}/seeders/desc/{page}/"
    row: str = "table.table-list tr"
    row_link: str = 'td.name a[href*="/torrent/"]'
    row_seeders: str = "td.seeds"
    row_leechers: str = "td.leeches"
    row_size: str = "td.size"
    next_page: str = '.pagination a[href], a[rel~="next"]'
    fact: str = "ul.list li, table.torrent-facts tr, dl.torrent-facts > div"
    fact_name: str = "strong, th, dt"
    fact_value: str = "span, td, dd"
    category_facts: tuple[str, ...] = ("category",)
    type_facts: tuple[str, ...] = ("type", "subcategory")
    language_facts: tuple[str, ...] = ("language", "languages")
    size_facts: tuple[str, ...] = ("total size", "size")


CLASSIC = ClassicLayout()


@dataclass(frozen=True, slots=True)
class ListingRow:
    """One torrent as a listing shows it; `size` is the site's own text."""

    url: str
    title: str
    seeders: int | None
    leechers: int | None
    size: str | None


@dataclass(frozen=True, slots=True)
class ListingPage:
    """The torrents on one listing page, in its order, and whether another page follows."""

    rows: tuple[ListingRow, ...]
    has_next: bool


@dataclass(frozen=True, slots=True)
class DetailPage:
    """What a torrent's own page says; links are absolute, `torrent_links` in page order."""

    torrent_links: tuple[str, ...]
    magnet: str | None
    category: str | None
    subcategory: str | None
    language: str | None
    size: str | None


def listing_url(root_url: str, category: str, page: int, layout: ClassicLayout = CLASSIC) -> str:
    """The address of a category's listing by seeders; pages count from 1."""
    path = layout.listing_path.format(category=quote(category, safe=""), page=page)
    return root_url.rstrip("/") + path


def read_listing(
    body: bytes,
    url: str,
    *,
    next_url: str | None = None,
    charset: str | None = None,
    layout: ClassicLayout = CLASSIC,
) -> ListingPage:
    """The rows of a listing page, each address once.

    Args:
        body: the page as it came, not inflated any further.
        url: where it came from; relative links are resolved against it.
        next_url: the address the following page would have; a link to it counts as "next".
        charset: what the server declared, if anything.
        layout: where things stand on this site.
    """
    document = _document(body, charset)
    if document is None:
        return ListingPage((), has_next=False)
    base = _base(document, url)
    rows: dict[str, ListingRow] = {}
    for element in document.cssselect(layout.row)[:_MAX_LINKS]:
        row = _read_row(element, base, layout)
        if row is not None:
            rows.setdefault(row.url, row)
    return ListingPage(tuple(rows.values()), _has_next(document, base, next_url, layout))


def _read_row(element: html.HtmlElement, base: str, layout: ClassicLayout) -> ListingRow | None:
    for link in element.cssselect(layout.row_link):
        target, title = _absolute(base, link.get("href")), _text(link)
        if target is not None and title is not None:
            return ListingRow(
                target,
                title,
                _count(_first_text(element, layout.row_seeders)),
                _count(_first_text(element, layout.row_leechers)),
                _own_text(element, layout.row_size),
            )
    return None


def _has_next(
    document: html.HtmlElement, base: str, next_url: str | None, layout: ClassicLayout
) -> bool:
    for link in document.cssselect(layout.next_page)[:_MAX_LINKS]:
        if "next" in (link.get("rel") or "").lower().split():
            return True
        if next_url is not None and _absolute(base, link.get("href")) == next_url:
            return True
    return False


def read_detail(
    body: bytes, url: str, *, charset: str | None = None, layout: ClassicLayout = CLASSIC
) -> DetailPage:
    """What a torrent's own page says. See `read_listing` for the arguments."""
    document = _document(body, charset)
    if document is None:
        return DetailPage((), None, None, None, None, None)
    base = _base(document, url)
    links = [link.get("href") for link in document.xpath("//a[@href]")[:_MAX_LINKS]]
    facts = _facts(document, layout)
    return DetailPage(
        torrent_links=tuple(dict.fromkeys(filter(None, (_torrent_link(base, h) for h in links)))),
        magnet=next((h.strip() for h in links if h.strip().lower().startswith("magnet:?")), None),
        category=_pick(facts, layout.category_facts),
        subcategory=_pick(facts, layout.type_facts),
        language=_pick(facts, layout.language_facts),
        size=_pick(facts, layout.size_facts),
    )


def _torrent_link(base: str, href: str) -> str | None:
    target = _absolute(base, href)
    return target if target and urlsplit(target).path.lower().endswith(".torrent") else None


def _facts(document: html.HtmlElement, layout: ClassicLayout) -> Mapping[str, str]:
    """Name, in lower case, to value, of the page's table of facts; the first of a name counts."""
    facts: dict[str, str] = {}
    for element in document.cssselect(layout.fact)[:_MAX_LINKS]:
        name = _first_text(element, layout.fact_name)
        value = _first_text(element, layout.fact_value)
        if name and value:
            facts.setdefault(name.rstrip(": ").lower(), value)
    return facts


def _pick(facts: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((facts[name] for name in names if name in facts), None)


def _document(body: bytes, charset: str | None) -> html.HtmlElement | None:
    encoding = _known(charset) or _undeclared(body)
    parser = html.HTMLParser(encoding=encoding, no_network=True, recover=True)
    try:
        root = etree.fromstring(body, parser)  # HTML: no entities, no network
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return None
    return root if isinstance(root, html.HtmlElement) else None


def _known(charset: str | None) -> str | None:
    try:
        return codecs.lookup(charset).name if charset else None
    except (LookupError, ValueError):
        return None


def _undeclared(body: bytes) -> str | None:
    # libxml2 takes a page that declares nothing for Latin-1; today such pages are UTF-8.
    if b"charset" in body[:4096].lower():
        return None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _base(document: html.HtmlElement, url: str) -> str:
    declared = document.xpath("//base/@href")
    return (_absolute(url, declared[0]) if declared else None) or url


def _absolute(base: str, href: str | None) -> str | None:
    """The link as an absolute http(s) address without fragment, or None."""
    try:
        target = urljoin(base, (href or "").strip()).partition("#")[0]
        parts = urlsplit(target)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return target if parts.scheme in ("http", "https") and parts.hostname else None


def _first_text(element: html.HtmlElement, selector: str) -> str | None:
    found = element.cssselect(selector)
    return _text(found[0]) if found else None


def _own_text(element: html.HtmlElement, selector: str) -> str | None:
    # Classic sites repeat the seeders in a hidden <span> inside the size cell.
    found = element.cssselect(selector)
    return _clean(found[0].text) or _text(found[0]) if found else None


def _text(element: html.HtmlElement) -> str | None:
    return _clean(str(element.xpath("string()")))


def _clean(text: str | None) -> str | None:
    return " ".join((text or "").split())[:_MAX_TEXT] or None


def _count(text: str | None) -> int | None:
    digits = re.sub(r"[,.\s]", "", text or "")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None


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
