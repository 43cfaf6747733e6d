"""From proven metadata to a .torrent in bulkTorrents/, checked as what scraping brings is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from bencode2 import bencode

from scraper.second_opinion import check_with_libtorrent
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.infohash import InfoHash
from swarm.magnet import Magnet

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue


class Keeper:
    """Keeps torrents, and knows which are here."""

    def __init__(self, workspace: Workspace, catalogue: Catalogue) -> None:
        self._folder = TorrentFolder(workspace.torrents_dir)
        self._catalogue = catalogue
        self._files = dict(
            chain.from_iterable(
                ((key[:40], row.file_name) for key in (row.infohash, row.infohash_v2) if key)
                for row in catalogue.torrents()
            )
        )

    def file_of(self, dht_keys: Iterable[InfoHash]) -> str | None:
        """The file of the torrent with one of these keys; None if there is none."""
        return next((self._files[key.hex] for key in dht_keys if key.hex in self._files), None)

    def keep(
        self, metadata: bytes, magnet: Magnet, *, category: str | None, language: str | None
    ) -> str:
        """Store it; returns its file name.

        Raises:
            MalformedTorrent: our parser or libtorrent refuses it.
            StorageError: the disk refuses.
        """
        raw = torrent_file(metadata, magnet.trackers, magnet.web_seeds)
        torrent = check_with_libtorrent(raw)
        self._folder.keep(torrent, raw, category=category, language=language)
        kept = KeptTorrent(torrent, torrent.file_name, category, language)
        self._catalogue.put_torrent(kept, datetime.now(UTC))
        self._files |= {key.hex: torrent.file_name for key in torrent.dht_keys}
        return torrent.file_name


def torrent_file(metadata: bytes, trackers: tuple[str, ...], web_seeds: tuple[str, ...]) -> bytes:
    """The bytes of a .torrent around an `info` that stays as it is, byte for byte.

    A magnet's trackers are alternatives, one tier each (BEP 12). The piece layers of BEP 52 are no
    part of `info`: clients get them from peers.
    """
    parts = [b"d"]
    if trackers:
        parts += [b"8:announce", bencode(trackers[0].encode())]
        parts += [b"13:announce-list", bencode([[url.encode()] for url in trackers])]
    parts += [b"4:info", metadata]
    if web_seeds:
        parts += [b"8:url-list", bencode([url.encode() for url in web_seeds])]
    return b"".join([*parts, b"e"])
