"""The lab site's feeds: RSS, Atom and Torznab over its torrents. Values in, XML out; opens nothing.

A listing without a .torrent but with an infohash stands there as a magnet, as in feeds outside. The
Torznab part wants its API key and says so in Torznab's own error document.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time
from email.utils import format_datetime
from urllib.parse import parse_qs, quote
from xml.sax.saxutils import escape, quoteattr

from lab.site_pages import SITE_NAME, Listing, detail_path, torrent_path

API_KEY = "lantern-0123456789abcdef"  # of the lab's own making; it opens nothing else
RSS_PATH, ATOM_PATH, TORZNAB_PATH = "/feed/rss", "/feed/atom", "/torznab/api"
_XML = "; charset=utf-8"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NUMBERS = {
    "TV": 5000,
    "Movies": 2000,
    "Software": 4000,
    "Music": 3000,
    "Games": 1000,
    "Anime": 5070,
    "Books": 7000,
    "Other": 8000,
}


def feed_document(
    path: str, query: str, listings: Sequence[Listing], root_url: str
) -> tuple[str, bytes] | None:
    """Content type and body of a feed, or None where the path names none."""
    numbered = list(enumerate(listings))
    if path == RSS_PATH:
        items = "".join(_rss_item(n, listing, root_url) for n, listing in numbered)
        return f"application/rss+xml{_XML}", _rss(items).encode()
    if path == ATOM_PATH:
        entries = "".join(_atom_entry(n, listing, root_url) for n, listing in numbered)
        return f"application/atom+xml{_XML}", _atom(entries, root_url).encode()
    if path == TORZNAB_PATH:
        return f"application/xml{_XML}", _torznab(query, numbered, root_url).encode()
    return None


def magnet_of(listing: Listing) -> str | None:
    """The magnet link of a listing whose infohash is known."""
    if listing.infohash is None:
        return None
    return f"magnet:?xt=urn:btih:{listing.infohash.hex}&dn={quote(listing.title)}"


def _download(number: int, listing: Listing, root_url: str) -> str | None:
    if listing.torrent is None:
        return magnet_of(listing)
    return root_url + torrent_path(number, listing)


def _rss(items: str, attributes: str = "") -> str:
    channel = f"<title>{SITE_NAME}</title><description>Free to share</description>"
    return f'{_HEAD}<rss version="2.0"{attributes}><channel>{channel}{items}</channel></rss>\n'


def _rss_item(number: int, listing: Listing, root_url: str) -> str:
    target = _download(number, listing, root_url)
    page = root_url + detail_path(number, listing)
    enclosure = "" if target is None else _element("enclosure", url=target, **_torrent(listing))
    return (
        f"<item><title>{escape(listing.title)}</title><link>{escape(page)}</link>"
        f"<category>{escape(listing.category)}</category><pubDate>{_date(listing)}</pubDate>"
        f"{enclosure}</item>"
    )


def _atom(entries: str, root_url: str) -> str:
    return (
        f'{_HEAD}<feed xmlns="http://www.w3.org/2005/Atom"><title>{SITE_NAME}</title>'
        f"<id>{escape(root_url + ATOM_PATH)}</id>{entries}</feed>\n"
    )


def _atom_entry(number: int, listing: Listing, root_url: str) -> str:
    target = _download(number, listing, root_url)
    page = root_url + detail_path(number, listing)
    links = _element("link", rel="alternate", href=page)
    if target is not None:
        links += _element("link", rel="enclosure", href=target, **_torrent(listing))
    return (
        f"<entry><title>{escape(listing.title)}</title><id>{escape(page)}</id>{links}"
        f"{_element('category', term=listing.category)}"
        f"<updated>{_moment(listing).isoformat()}</updated></entry>"
    )


def _torznab(query: str, numbered: Iterable[tuple[int, Listing]], root_url: str) -> str:
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    if asked.get("apikey") != API_KEY:
        return _HEAD + _element("error", code="100", description="Invalid API Key")
    if asked.get("t") != "search":
        return _HEAD + _element("error", code="203", description="Function Not Available")
    items = "".join(_torznab_item(n, listing, root_url) for n, listing in numbered)
    return _rss(items, ' xmlns:torznab="http://torznab.com/schemas/2015/feed"')


def _torznab_item(number: int, listing: Listing, root_url: str) -> str:
    target = _download(number, listing, root_url)
    category = str(_NUMBERS.get(listing.category, 8000))
    facts = [
        ("category", category),
        ("category", "100001"),
        ("seeders", str(listing.seeders)),
        ("peers", str(listing.seeders + listing.leechers)),
    ]
    if listing.infohash is not None:
        facts.append(("infohash", listing.infohash.hex.upper()))
    attributes = "".join(_element("torznab:attr", name=n, value=v) for n, v in facts)
    link = "" if target is None else f"<link>{escape(target)}</link>"
    enclosure = "" if target is None else _element("enclosure", url=target, **_torrent(listing))
    page = root_url + detail_path(number, listing)
    return (
        f"<item><title>{escape(listing.title)}</title><guid>{escape(page)}</guid>"
        f"<comments>{escape(page)}</comments><pubDate>{_date(listing)}</pubDate>"
        f"<size>{listing.size_bytes}</size>{link}<category>{category}</category>"
        f"{enclosure}{attributes}</item>"
    )


def _torrent(listing: Listing) -> dict[str, str]:
    return {"length": str(listing.size_bytes), "type": "application/x-bittorrent"}


def _element(tag: str, **attributes: str) -> str:
    said = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())
    return f"<{tag}{said}/>"


def _moment(listing: Listing) -> datetime:
    return datetime.combine(listing.uploaded_on, time(), UTC)


def _date(listing: Listing) -> str:
    return format_datetime(_moment(listing))
