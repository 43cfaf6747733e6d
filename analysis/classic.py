"""One file of a classic runs/ folder, read from JSON into a checked record.

The form is docs/classic-files.md. Odd values that real folders hold are kept as they stand
(places that are no coordinates, labels that are no countries, missing keys); a value that would
make the counts wrong is an error.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, TypeGuard

from swarm.errors import StorageError

TORRENT_KEYS = ("date", "total people", "size", "cat", "lang", "ip", "locs", "countries")
_MAX_COUNT = 2**63 - 1  # what an Int64 column holds
_MAX_SIZE_MB = 9e12  # just below 2**63 bytes


@dataclass(frozen=True, slots=True)
class RecordedPeer:
    """An entry of `ip`, as text. None where the record has nothing that could be an address."""

    address: str | None
    port: int | None


@dataclass(frozen=True, slots=True)
class ClassicRecord:
    """What the classic tool wrote down about one torrent. Absent keys are None or empty."""

    name: str  # of the file: <torrent file name>.json
    recorded_on: str | None
    total_people: int | None
    size_mb: float | None
    category: str | None
    language: str | None
    peers: tuple[RecordedPeer, ...]
    locs: tuple[str, ...]  # verbatim, one per peer in the order of `peers`
    countries: tuple[tuple[str, int], ...] | None  # label verbatim, peers


def parse_run_record(name: str, obj: object) -> ClassicRecord:
    """Check one decoded JSON file of a runs/ folder; `name` is its file name.

    Raises:
        StorageError: it is no record, or a number is not of its kind; names file and key.
    """
    if not isinstance(obj, dict) or not any(key in obj for key in TORRENT_KEYS):
        raise StorageError(f"{name}: not a record of a run, which is an object with 'locs' etc.")
    return ClassicRecord(
        name=clean_text(name),
        recorded_on=_text(name, obj, "date"),
        total_people=_count(name, "total people", obj.get("total people")),
        size_mb=_size(name, obj.get("size")),
        category=_text(name, obj, "cat"),
        language=_text(name, obj, "lang"),
        peers=tuple(_peer(entry) for entry in _list(name, obj, "ip")),
        locs=tuple(_verbatim(entry) for entry in _list(name, obj, "locs")),
        countries=_countries(name, obj.get("countries")),
    )


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """What bulkTorrents/index.json says of one torrent; None where it says nothing usable."""

    size_mb: float | None
    category: str | None
    language: str | None


def parse_index_entry(obj: object) -> IndexEntry:
    """Read one value of index.json. It only fills gaps of records, so nothing in it is an error."""
    entry = obj if isinstance(obj, dict) else {}
    size, category, language = (entry.get(key) for key in ("size", "cat", "lang"))
    return IndexEntry(
        float(size) if _is_size(size) else None,
        clean_text(category) if isinstance(category, str) else None,
        clean_text(language) if isinstance(language, str) else None,
    )


def clean_text(text: str) -> str:
    """The text with lone surrogates replaced, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _text(name: str, obj: dict[str, Any], key: str) -> str | None:
    value = obj.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise StorageError(f"{name}: '{key}' is not text but {_shown(value)}")
    return clean_text(value)


def _count(name: str, key: str, value: object) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_COUNT:
        raise StorageError(f"{name}: '{key}' is not a count of peers but {_shown(value)}")
    return value


def _size(name: str, value: object) -> float | None:
    if value is None:
        return None
    if not _is_size(value):
        raise StorageError(f"{name}: 'size' is not a size in MB but {_shown(value)}")
    return float(value)


def _is_size(value: object) -> TypeGuard[int | float]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return 0 <= value <= _MAX_SIZE_MB  # infinity and NaN fail this


def _list(name: str, obj: dict[str, Any], key: str) -> list[Any]:
    value = obj.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise StorageError(f"{name}: '{key}' is not a list but {_shown(value)}")
    return value


def _countries(name: str, value: object) -> tuple[tuple[str, int], ...] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise StorageError(f"{name}: 'countries' is not an object but {_shown(value)}")
    counted: dict[str, int] = {}
    for label, peers in value.items():
        count = _count(name, f"countries[{label[:40]!r}]", peers)
        if count is None:
            raise StorageError(f"{name}: 'countries[{label[:40]!r}]' is null instead of a count")
        label_kept = clean_text(label)
        counted[label_kept] = counted.get(label_kept, 0) + count
    return tuple(counted.items())


def _peer(entry: object) -> RecordedPeer:
    """`[ip, port]`, `["ip"]`, `"ip:port"`, `"[ip6]:port"` or `"ip"`; the text is not checked."""
    if isinstance(entry, list) and entry and isinstance(entry[0], str):
        return RecordedPeer(clean_text(entry[0]), _port(entry[1] if len(entry) > 1 else None))
    if not isinstance(entry, str):
        return RecordedPeer(None, None)
    host, colon, port = clean_text(entry).rpartition(":")
    if colon and (":" not in host or host.startswith("[")):
        return RecordedPeer(host.removeprefix("[").removesuffix("]"), _port(port))
    return RecordedPeer(clean_text(entry), None)


def _port(value: object) -> int | None:
    if isinstance(value, str) and len(value) <= 5 and value.isascii() and value.isdecimal():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65536:
        return value
    return None


def _verbatim(value: object) -> str:
    return clean_text(value if isinstance(value, str) else json.dumps(value))


def _shown(value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return repr(value)[:60]
