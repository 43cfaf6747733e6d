"""The folder of .torrent files: `<infohash>.torrent`, and index.json in the classic form."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.durable import sole_writer, write_durably
from storage.magnets import MagnetList
from swarm.errors import MalformedTorrent, StorageError
from swarm.metainfo import MAX_TORRENT_BYTES, parse_torrent
from swarm.torrent import Torrent

INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True)
class KeptTorrent:
    """A torrent of the folder, with what its index says of it."""

    torrent: Torrent
    file_name: str
    category: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class RefusedTorrent:
    """A file of the folder that does not read as a torrent, and why."""

    file_name: str
    reason: str


class TorrentFolder:
    """bulkTorrents/: keeps torrents and lists them. The files are the facts, the index a label."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(
        self, torrent: Torrent, raw: bytes, *, category: str | None, language: str | None
    ) -> None:
        """Store the file, then its row in index.json; doing it again changes nothing.

        A magnet of the same swarm, which waited for its torrent, leaves magnets.json.

        Raises:
            StorageError: the disk refuses.
        """
        with sole_writer(self.folder):
            self._write(torrent, raw, category=category, language=language)
        MagnetList(self.folder).drop(key.hex for key in torrent.dht_keys)

    def _write(
        self, torrent: Torrent, raw: bytes, *, category: str | None, language: str | None
    ) -> None:
        write_durably(self.folder / torrent.file_name, raw)
        index = self.index()
        entry = {"size": torrent.size_bytes / 1_000_000, "cat": category, "lang": language}
        if index.get(torrent.file_name) != entry:
            index[torrent.file_name] = entry
            text = json.dumps(index, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
            write_durably(self.folder / INDEX_NAME, text.encode())

    def index(self) -> dict[str, dict[str, Any]]:
        """index.json as it stands: `{filename: {"size": MB, "cat": str, "lang": str}}`.

        Raises:
            StorageError: the file is there but is no such JSON.
        """
        path = self.folder / INDEX_NAME
        if not path.exists():
            return {}
        try:
            index = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise StorageError(f"{path} is no JSON ({error}): mend or delete it") from None
        if not isinstance(index, dict) or not all(isinstance(v, dict) for v in index.values()):
            raise StorageError(
                f"{path} is not of the form {{filename: {{...}}}}: mend or delete it"
            )
        return index

    def __iter__(self) -> Iterator[KeptTorrent | RefusedTorrent]:
        """Every .torrent of the folder, by name; each infohash once."""
        index = self.index()
        seen: set[str] = set()
        for path in sorted(self.folder.glob("*.torrent")):
            if path.name.startswith("."):
                continue
            try:
                path.name.encode()
            except UnicodeEncodeError:
                shown = path.name.encode("utf-8", "replace").decode()
                yield RefusedTorrent(shown, "its file name is not UTF-8: rename it")
                continue
            try:
                torrent = read_torrent(path)
            except MalformedTorrent as error:
                yield RefusedTorrent(path.name, str(error))
                continue
            if torrent.infohash.hex in seen:
                continue
            seen.add(torrent.infohash.hex)
            entry = index.get(path.name, {})
            yield KeptTorrent(
                torrent,
                path.name,
                _text_or_none(entry.get("cat")),
                _text_or_none(entry.get("lang")),
            )


def read_torrent(path: Path) -> Torrent:
    """Parse one .torrent file of any size without reading more than a torrent can have.

    Raises:
        MalformedTorrent: it cannot be read, is too large, or is refused by the parser.
    """
    try:
        with path.open("rb") as file:
            return parse_torrent(file.read(MAX_TORRENT_BYTES + 1))
    except OSError as error:
        raise MalformedTorrent(f"cannot be read: {error.strerror or error}") from error


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
