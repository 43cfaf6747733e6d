"""What a scrape says while it runs: pages, torrents and magnets, what was refused, waits."""

from __future__ import annotations

from dataclasses import dataclass

from swarm.infohash import InfoHash
from swarm.torrent import Torrent


@dataclass(frozen=True, slots=True)
class ListingRead:
    """One listing page was asked for. `page` counts from 1; `rows` is what it lists.

    `problem` says why a page lists nothing that could not be had, or on which the site's definition
    finds nothing; `body` is the page in the latter case, to be looked at. Else both are None.
    """

    category: str
    page: int
    url: str
    rows: int
    problem: str | None = None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class PageRead:
    """A listed torrent's own page was read."""

    url: str


@dataclass(frozen=True, slots=True)
class TorrentCollected:
    """A torrent that is new, checked, with the bytes it came in.

    `category` is the site's own, "Parent > Sub" where its page names a type, else "Parent"; a feed
    may not name any.
    """

    torrent: Torrent
    raw: bytes
    category: str | None
    language: str | None
    source_url: str


@dataclass(frozen=True, slots=True)
class DuplicateSkipped:
    """The torrent behind this page is known already, or came earlier in this scrape."""

    url: str
    infohash: InfoHash


@dataclass(frozen=True, slots=True)
class MagnetFound:
    """A torrent that a feed names by a magnet link or an infohash alone; `uri` is its magnet link.

    `infohash` is the v1 infohash, or the v2 one cut to 20 bytes.
    """

    uri: str
    infohash: InfoHash
    name: str | None
    size_bytes: int | None
    category: str | None
    source_url: str


@dataclass(frozen=True, slots=True)
class TorrentRefused:
    """A listed torrent that was not to be had; `reason` is for a person."""

    url: str
    category: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChallengeSeen:
    """The site answered with a challenge page; a browser is being sent."""

    url: str


@dataclass(frozen=True, slots=True)
class ChallengePassed:
    """The browser got through; its cookies and user agent are in use from here on."""

    url: str


@dataclass(frozen=True, slots=True)
class StillWaiting:
    """Nothing new: a pause that the site is owed, or a slow answer. Several times a second."""


ScrapeEvent = (
    ListingRead
    | PageRead
    | TorrentCollected
    | DuplicateSkipped
    | MagnetFound
    | TorrentRefused
    | ChallengeSeen
    | ChallengePassed
    | StillWaiting
)
