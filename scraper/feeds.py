"""Reads feeds of torrents: RSS, Atom and Torznab. Bytes in, entries out; opens nothing.

The bytes are hostile: whatever they are, the outcome is a value. One reader serves all kinds, by
the names of elements: feeds mix them, forget namespaces, and invent their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from urllib.parse import urljoin, urlsplit

from lxml import etree

from scraper import torznab
from scraper.feeds_xml import name_of, named, parse_feed, text_of
from swarm.infohash import InfoHash
from swarm.magnet import MAX_LINK_CHARACTERS, read_link

MAX_ENTRIES = 10_000
_MAX_TEXT = 500
_LONGER = MAX_LINK_CHARACTERS + 1  # so that a link that is too long is seen to be
_MAX_SIZE_BYTES = 2**50
_MAX_CHILDREN = 1_000
_FEEDS = frozenset({"rss", "rdf", "feed", "channel"})
_ENTRIES = frozenset({"item", "entry"})
_TORRENT_TYPES = ("bittorrent", "octet-stream")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One torrent of a feed; what is not said is None.

    `link` is its page. `torrent_url` and `link` are absolute and http or https. `infohash` is v1,
    or v2 cut to 20 bytes. `category` is in the feed's words, or ours for Torznab's numbers.
    `published` is aware, UTC. `attributes` are all `torznab:attr` as (name, value), in order.
    """

    title: str | None
    link: str | None
    torrent_url: str | None
    magnet: str | None
    infohash: InfoHash | None
    size_bytes: int | None
    category: str | None
    published: datetime | None
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Feed:
    """The entries of a feed in its order, and what is wrong with it.

    `problem` completes "http://... "; it may stand beside entries, where not all were read.
    """

    entries: tuple[FeedEntry, ...]
    problem: str | None


def read_feed(body: bytes, url: str, *, charset: str | None = None) -> Feed:
    """The entries of a feed, at most MAX_ENTRIES.

    Args:
        body: the answer's body as it came, not compressed any more.
        url: where it came from; relative links are resolved against it.
        charset: what the server declared, if anything.
    """
    root = parse_feed(body, charset)
    if isinstance(root, str):
        return Feed((), root)
    refusal = torznab.refusal(root)
    if refusal is not None:
        return Feed((), refusal)
    if name_of(root) not in _FEEDS:
        return Feed((), f"is no RSS, Atom or Torznab feed, but <{name_of(root)[:40]}>")
    items = named(root, _ENTRIES)
    entries = tuple(_entry(item, url) for item in islice(items, MAX_ENTRIES))
    more = next(items, None) is not None
    problem = f"has more than {MAX_ENTRIES:,} entries; the rest was not read" if more else None
    return Feed(entries, problem)


@dataclass(frozen=True, slots=True)
class _Link:
    """A link of an entry; `kind` is its declared type, `length` its declared size."""

    url: str
    kind: str = ""
    length: int | None = None


def _entry(item: etree._Element, url: str) -> FeedEntry:
    fields = _fields(item)
    pairs = torznab.attributes(item)
    enclosures = [link for link in _enclosures(fields) if link.url]
    plain = [_Link(text) for text in _plain_links(fields)]
    # Jackett and Prowlarr put the download into <link>; elsewhere a page stands there.
    downloads = [*enclosures, *plain[: len(fields.get("link", []))]] if pairs else []
    magneturls = [_Link(value) for value in torznab.values(pairs, "magneturl")]
    magnet = _magnet([*enclosures, *magneturls, *plain, *_magnet_elements(fields)])
    infohashes = [*torznab.values(pairs, "infohash"), *_texts(fields, "infohash")]
    return FeedEntry(
        title=next(_texts(fields, "title"), None),
        link=_page(url, fields, plain, is_torznab=bool(pairs)),
        torrent_url=_torrent_url(url, enclosures, plain, downloads=downloads),
        magnet=magnet,
        infohash=_infohash([*([magnet] if magnet else []), *infohashes]),
        size_bytes=_size(
            [
                *torznab.values(pairs, "size"),
                *_texts(fields, "size"),
                *_texts(fields, "contentlength"),
            ],
            enclosures,
        ),
        category=_category(fields, pairs),
        published=_published(fields),
        attributes=pairs,
    )


_Fields = Mapping[str, list[etree._Element]]


def _fields(item: etree._Element) -> _Fields:
    fields: dict[str, list[etree._Element]] = {}
    for child in islice(item, _MAX_CHILDREN):
        fields.setdefault(name_of(child), []).append(child)
    return fields


def _texts(fields: _Fields, name: str, most: int = _MAX_TEXT) -> Iterator[str]:
    return filter(None, (text_of(element, most) for element in fields.get(name, [])))


def _enclosures(fields: _Fields) -> Iterator[_Link]:
    """RSS `enclosure url=`, Atom `link rel=enclosure href=`, `media:content url=`."""
    atom = [e for e in fields.get("link", []) if (e.get("rel") or "").lower() == "enclosure"]
    media = [e for e in fields.get("content", []) if "bittorrent" in (e.get("type") or "").lower()]
    for element in (*fields.get("enclosure", []), *atom, *media):
        target = element.get("url") or element.get("href") or ""
        kind = (element.get("type") or "").lower()
        yield _Link(target.strip(), kind, _whole(element.get("length")))


def _plain_links(fields: _Fields) -> Iterator[str]:
    """RSS `link` and `guid` as text, Atom `link href=` that leads to the entry's page."""
    for element in fields.get("link", []):
        relation = (element.get("rel") or "alternate").lower()
        target = element.get("href") or text_of(element, _LONGER)
        if relation == "alternate" and target:
            yield target.strip()
    for name in ("guid", "id"):  # often a mere number, which is no relative link
        texts = _texts(fields, name, _LONGER)
        yield from (text for text in texts if text.lower().startswith(("http", "magnet:")))


def _page(base: str, fields: _Fields, plain: list[_Link], *, is_torznab: bool) -> str | None:
    """The entry's page; Torznab names it in `comments`, its `link` is the download."""
    comments = list(_texts(fields, "comments", _LONGER)) if is_torznab else []
    targets = (_absolute(base, text) for text in (*comments, *(link.url for link in plain)))
    return next(filter(None, targets), None)


def _magnet_elements(fields: _Fields) -> Iterator[_Link]:
    for name in ("magneturi", "magnet", "magneturl"):
        yield from (_Link(text) for text in _texts(fields, name, _LONGER))


def _magnet(links: Iterable[_Link]) -> str | None:
    """The first that is a magnet link with a BitTorrent infohash."""
    for link in links:
        if link.url[:7].lower() == "magnet:":
            try:
                return read_link(link.url)[0]
            except ValueError:
                continue
    return None


def _infohash(texts: Iterable[str]) -> InfoHash | None:
    for text in texts:
        try:
            return read_link(text)[1].infohash
        except ValueError:
            continue
    return None


def _torrent_url(
    base: str, enclosures: list[_Link], plain: list[_Link], *, downloads: list[_Link]
) -> str | None:
    """The address of the .torrent: the first of `downloads`, else what says that it is one."""
    typed = [
        link
        for link in enclosures
        if not link.kind or any(kind in link.kind for kind in _TORRENT_TYPES)
    ]
    named = [link for link in (*enclosures, *plain) if _looks_like_torrent(link.url)]
    targets = (_absolute(base, link.url) for link in (*downloads, *typed, *named))
    return next(filter(None, targets), None)


def _looks_like_torrent(url: str) -> bool:
    path, _, query = url.lower().partition("?")
    return path.endswith(".torrent") or ".torrent" in query


def _absolute(base: str, link: str) -> str | None:
    if len(link) > MAX_LINK_CHARACTERS:
        return None
    try:
        target = urljoin(base, link)
        parts = urlsplit(target)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return target if parts.scheme in ("http", "https") and parts.hostname else None


def _size(texts: Iterable[str], enclosures: list[_Link]) -> int | None:
    """The content's size; an enclosure's length is the last resort, it may be the .torrent's."""
    sizes = [_whole(text) for text in texts] + [link.length for link in enclosures]
    return next(filter(None, sizes), None)  # 0 stands for "unknown" in feeds


def _whole(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdecimal() and len(text) < 17):
        return None
    return int(text) if int(text) <= _MAX_SIZE_BYTES else None


def _category(fields: _Fields, pairs: tuple[tuple[str, str], ...]) -> str | None:
    elements = fields.get("category", [])
    said = [e.get("label") or e.get("term") or text_of(e, _MAX_TEXT) or "" for e in elements]
    words = [text for text in said if text and not text.isdecimal()]
    numbers = [*torznab.values(pairs, "category"), *said]
    return torznab.category_name(numbers) or (words[0][:_MAX_TEXT] if words else None)


def _published(fields: _Fields) -> datetime | None:
    for name in ("pubdate", "published", "updated", "date"):
        for text in _texts(fields, name, 100):
            moment = _moment(text)
            if moment is not None:
                return moment
    return None


def _moment(text: str) -> datetime | None:
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = read(text)
            aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
        except (ValueError, OverflowError, TypeError, IndexError):
            continue
    return None
