"""magnets.json: swarms that are known by a magnet link alone, until their .torrent is kept.

It lies beside the .torrent files and, like them, is the fact itself: the catalogue has no table of
it, so nothing can disagree. `{infohash: {"magnet": uri, "name": str, "size": bytes, "cat": str,
"lang": str, "second_key": infohash, "added": ISO time}}`; what is unknown is absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from storage.durable import sole_writer, write_durably
from swarm.errors import StorageError
from swarm.infohash import InfoHash
from swarm.magnet import Magnet, parse_magnet

MAGNETS_NAME = "magnets.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMagnet:
    """A magnet link and what was said of it where it was found. `added_at` is aware, UTC."""

    uri: str
    magnet: Magnet
    name: str | None
    size_bytes: int | None = None
    category: str | None = None
    language: str | None = None
    added_at: datetime

    @property
    def infohash(self) -> InfoHash:
        """What its swarm is asked for, and its .torrent will be called after."""
        return self.magnet.infohash

    @property
    def dht_keys(self) -> tuple[InfoHash, ...]:
        """The keys under which its peers announce: a hybrid has two (BEP 52)."""
        keys = [self.infohash]
        if self.magnet.infohash_v2 is not None:
            keys.append(InfoHash(self.magnet.infohash_v2[:20]))
        return tuple(dict.fromkeys(keys))


class MagnetList:
    """The magnets of one folder. Every change is written whole and synced before it returns."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / MAGNETS_NAME

    def all(self) -> list[KeptMagnet]:
        """Every magnet, oldest first.

        Raises:
            StorageError: the file is there but is no such list; names the entry.
        """
        kept = [self._read(key, entry) for key, entry in self._load().items()]
        return sorted(kept, key=lambda magnet: (magnet.added_at, magnet.infohash))

    def count(self) -> int:
        """How many there are.

        Raises:
            StorageError: the file is there but is no JSON object.
        """
        return len(self._load())

    def add(self, magnets: Iterable[KeptMagnet]) -> list[KeptMagnet]:
        """Keep the magnets; the answer is those that were not there yet, each once.

        Raises:
            StorageError: the list does not read, or the disk refuses.
        """
        with sole_writer(self._folder):
            listed = self._load()
            taken = {key for entry in map(_keys_of, listed.items()) for key in entry}
            fresh: list[KeptMagnet] = []
            for magnet in magnets:
                keys = {key.hex for key in magnet.dht_keys}
                if taken.isdisjoint(keys):
                    taken |= keys
                    fresh.append(magnet)
                    listed[magnet.infohash.hex] = _entry(magnet)
            if fresh:
                self._save(listed)
        return fresh

    def drop(self, dht_keys: Iterable[str]) -> None:
        """Take out the magnets of these swarms; `dht_keys` are infohashes as 40 digits.

        Raises:
            StorageError: the list does not read, or the disk refuses.
        """
        gone = frozenset(dht_keys)
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self._path} does not read: {error.strerror or error}") from None
        if not any(key.encode() in raw for key in gone):
            return  # the usual case, for each torrent that is kept: spares the parsing
        with sole_writer(self._folder):
            listed = self._load()
            left = {key: e for key, e in listed.items() if gone.isdisjoint(_keys_of((key, e)))}
            if len(left) < len(listed):
                self._save(left)

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            listed = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StorageError(f"{self._path} does not read ({error}): mend or delete it") from None
        if not isinstance(listed, dict) or not all(isinstance(e, dict) for e in listed.values()):
            raise StorageError(f"{self._path} is not {{infohash: {{...}}}}: mend or delete it")
        return listed

    def _save(self, listed: dict[str, dict[str, Any]]) -> None:
        text = json.dumps(listed, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        write_durably(self._path, text.encode())

    def _read(self, key: str, entry: dict[str, Any]) -> KeptMagnet:
        try:
            added_at = datetime.fromisoformat(str(entry.get("added"))).astimezone(UTC)
            magnet = parse_magnet(str(entry.get("magnet")))
        except ValueError as error:
            raise StorageError(f"{self._path}, {key[:40]}: {error}: mend or delete it") from None
        size = entry.get("size")
        return KeptMagnet(
            uri=str(entry["magnet"]),
            magnet=magnet,
            name=_text_or_none(entry.get("name")),
            size_bytes=size if isinstance(size, int) and size >= 0 else None,
            category=_text_or_none(entry.get("cat")),
            language=_text_or_none(entry.get("lang")),
            added_at=added_at,
        )


def _keys_of(item: tuple[str, dict[str, Any]]) -> tuple[str, ...]:
    """The DHT keys of an entry; the second, of a hybrid, stands in its own field."""
    key, entry = item
    second = entry.get("second_key")
    return (key, second) if isinstance(second, str) else (key,)


def _entry(magnet: KeptMagnet) -> dict[str, Any]:
    said = {
        "magnet": magnet.uri,
        "second_key": magnet.dht_keys[1].hex if len(magnet.dht_keys) > 1 else None,
        "name": magnet.name,
        "size": magnet.size_bytes,
        "cat": magnet.category,
        "lang": magnet.language,
        "added": magnet.added_at.isoformat(timespec="seconds"),
    }
    return {key: value for key, value in said.items() if value is not None}


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
