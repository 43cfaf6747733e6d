"""From the bytes of a .torrent file to a `Torrent`: BEP 3 (v1), BEP 52 (v2, hybrid), BEP 47.

The bytes are hostile. Whatever they are, the outcome is a `Torrent` or `MalformedTorrent` with a
reason. Nothing is opened, and no path from a torrent is ever used as a path here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import bencode2

from swarm.errors import MalformedTorrent
from swarm.infohash import InfoHash
from swarm.torrent import Torrent, TorrentFile

MAX_TORRENT_BYTES = 101_000_000  # metadata of 100 MB (BEP 9), and what stands around it
# Strings, numbers, lists and dictionaries, keys too. What takes memory is objects, not bytes: "le"
# is two bytes and a list. So many are 80,000 files of a hybrid torrent, 250,000 of a v1 one.
MAX_VALUES = 2_000_000
# A v2 file tree nests once per folder; no file system takes paths deeper than this.
MAX_DEPTH = 100
# Bencoding nests no deeper than the tree plus `info` and the leaves.
_MAX_NESTING = MAX_DEPTH + 20
_MAX_FILES = 200_000
_MAX_PATHS_BYTES = 20_000_000  # of all files together: one emoji makes a text four times as large
_MAX_TEXT_BYTES = 4_096  # of one folder, file or address
_MAX_ADDRESSES = 1_000  # trackers, or web seeds
_MAX_SIZE_BYTES = 2**50
_RESERVED = frozenset({"", ".", ".."})


def parse_torrent(raw: bytes) -> Torrent:
    """Read a .torrent file; the infohash is taken over the raw bytes of `info`.

    Whatever the bytes are, it needs at most 600 MB beside them.

    Raises:
        MalformedTorrent: too large, not bencoded, or any field breaks its BEP; says which.
    """
    if len(raw) > MAX_TORRENT_BYTES:
        raise MalformedTorrent(f"{len(raw):,} bytes; a .torrent has at most {MAX_TORRENT_BYTES:,}")
    start, end = _place_of_info(raw)
    info_raw = memoryview(raw)[start:end]
    try:
        document = bencode2.bdecode(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedTorrent(f"not bencoded: {error}") from None
    info = _mapping(document.get(b"info"), "info")
    has_v1 = b"pieces" in info
    has_v2 = b"file tree" in info
    if not has_v1 and not has_v2:
        raise MalformedTorrent("info has neither 'pieces' (v1) nor 'file tree' (v2)")
    v1_files = tuple(_v1_files(info)) if has_v1 else None
    v2_files = tuple(_v2_files(info)) if has_v2 else None
    _check_pieces(info, v1_files is not None)
    if v1_files is not None and v2_files is not None and _shape(v1_files) != _shape(v2_files):
        raise MalformedTorrent("hybrid torrent whose v1 and v2 parts list different files")
    files = v2_files if v2_files is not None else v1_files or ()
    digest_v2 = hashlib.sha256(info_raw).digest() if has_v2 else None
    digest = hashlib.sha1(info_raw, usedforsecurity=False).digest() if has_v1 else digest_v2
    assert digest is not None  # has_v1 or has_v2
    return Torrent(
        infohash=InfoHash(digest[:20]),
        infohash_v2=digest_v2,
        name=_name(info),
        size_bytes=_total(files),
        files=tuple(f for f in files if not _is_padding(f)),
        trackers=tuple(_trackers(document)),
        web_seeds=tuple(islice(_texts(document.get(b"url-list")), _MAX_ADDRESSES)),
        private=info.get(b"private") == 1,
    )


def _place_of_info(raw: bytes) -> tuple[int, int]:
    """Where the value of `info` starts and ends, found without decoding or recursion."""
    if raw[:1] != b"d":
        raise MalformedTorrent("not bencoded: a .torrent is a dictionary and starts with 'd'")
    position, values_left = 1, MAX_VALUES
    found: tuple[int, int] | None = None
    while raw[position : position + 1] != b"e":
        key, position = _read_text(raw, position)
        end, values_left = _skip_value(raw, position, values_left - 1)
        if key == b"info":
            if found is not None:
                raise MalformedTorrent("two 'info' dictionaries")
            found = position, end
        position = end
    if position + 1 != len(raw):
        raise MalformedTorrent(f"{len(raw) - position - 1} bytes after the end")
    if found is None:
        raise MalformedTorrent("no 'info' dictionary")
    return found


def _read_text(raw: bytes, position: int) -> tuple[bytes, int]:
    end = _end_of_text(raw, position)
    return raw[raw.index(b":", position) + 1 : end], end


def _end_of_text(raw: bytes, position: int) -> int:
    colon = raw.find(b":", position, position + 12)
    if colon < 0 or not raw[position:colon].isdigit():
        raise MalformedTorrent(f"not bencoded: no string at byte {position}")
    end = colon + 1 + int(raw[position:colon])
    if end > len(raw):
        raise MalformedTorrent(f"cut off: the string at byte {position} ends after the file")
    return end


def _skip_value(raw: bytes, position: int, values_left: int) -> tuple[int, int]:
    """The position after the value that starts here, and how many more there may be."""
    depth = 0
    while True:
        mark = raw[position : position + 1]
        if mark != b"e":
            values_left -= 1
            if values_left < 0:
                raise MalformedTorrent(f"more than {MAX_VALUES:,} values")
        if mark in (b"d", b"l"):
            depth += 1
            if depth > _MAX_NESTING:
                raise MalformedTorrent(f"nested deeper than {_MAX_NESTING} levels")
            position += 1
        elif mark == b"e":
            depth -= 1
            position += 1
        elif mark == b"i":
            end = raw.find(b"e", position, position + 24)
            if end < 0:
                raise MalformedTorrent(f"not bencoded: integer at byte {position} has no end")
            position = end + 1
        elif mark:
            position = _end_of_text(raw, position)
        else:
            raise MalformedTorrent(f"cut off at byte {position}")
        if depth <= 0:
            if depth < 0:
                raise MalformedTorrent(f"not bencoded: 'e' without a start before byte {position}")
            return position, values_left


def _mapping(value: object, what: str) -> Mapping[bytes, Any]:
    if not isinstance(value, Mapping):
        raise MalformedTorrent(f"'{what}' is no dictionary")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, bytes):
        raise MalformedTorrent(f"'{what}' is no string")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")  # old clients wrote their own code page


def _path_part(value: object) -> str:
    if isinstance(value, bytes) and len(value) > _MAX_TEXT_BYTES:
        raise MalformedTorrent(f"a file's path has a part of {len(value):,} bytes")
    part = _text(value, "path")
    if part in _RESERVED or "/" in part or "\\" in part or "\0" in part:
        raise MalformedTorrent(f"a file's path holds {part[:60]!r}")
    return part


def _more_paths(paths_bytes: int, parts: Iterable[object]) -> int:
    """The bytes of all parts so far, with these."""
    paths_bytes += sum(len(part) for part in parts if isinstance(part, bytes))
    if paths_bytes > _MAX_PATHS_BYTES:
        raise MalformedTorrent(f"its paths have more than {_MAX_PATHS_BYTES:,} bytes")
    return paths_bytes


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedTorrent("a file has no size")
    if not 0 <= value <= _MAX_SIZE_BYTES:
        raise MalformedTorrent(f"a file has the size {str(value)[:30]}")
    return value


def _name(info: Mapping[bytes, Any]) -> str:
    name = _text(info.get(b"name.utf-8", info.get(b"name")), "name")
    return _path_part(name.encode("utf-8", "surrogatepass"))


def _v1_files(info: Mapping[bytes, Any]) -> Iterator[TorrentFile]:
    if b"files" not in info:
        yield TorrentFile((_name(info),), _size(info.get(b"length")))
        return
    entries = info[b"files"]
    if not isinstance(entries, list) or not entries:
        raise MalformedTorrent("'files' is no list of files")
    if len(entries) > _MAX_FILES:
        raise MalformedTorrent(f"{len(entries):,} files; at most {_MAX_FILES:,} are read")
    paths_bytes = 0
    for entry in entries:
        fields = _mapping(entry, "files")
        parts = fields.get(b"path.utf-8", fields.get(b"path"))
        if not isinstance(parts, list) or not parts or len(parts) > MAX_DEPTH:
            raise MalformedTorrent("a file has no path")
        paths_bytes = _more_paths(paths_bytes, parts)
        padding = b"p" in fields.get(b"attr", b"") if isinstance(fields.get(b"attr"), bytes) else 0
        path = tuple(_path_part(part) for part in parts)
        yield TorrentFile((".pad", *path) if padding else path, _size(fields.get(b"length")))


def _v2_files(info: Mapping[bytes, Any]) -> Iterator[TorrentFile]:
    # BEP 52: a tree of dictionaries; the key "" marks a file and holds its length.
    if info.get(b"meta version") != 2:
        raise MalformedTorrent("'file tree' without 'meta version' 2")
    found = paths_bytes = 0
    stack: list[tuple[tuple[str, ...], Mapping[bytes, Any]]] = [
        ((), _mapping(info[b"file tree"], "file tree"))
    ]
    while stack:
        path, folder = stack.pop()
        paths_bytes = _more_paths(paths_bytes, folder)
        for key, below in reversed(list(folder.items())):
            entry = _mapping(below, "file tree")
            here = (*path, _path_part(key))
            if len(here) > MAX_DEPTH:
                raise MalformedTorrent(f"'file tree' is deeper than {MAX_DEPTH} folders")
            if b"" not in entry:
                stack.append((here, entry))
                continue
            found += 1
            if found > _MAX_FILES:
                raise MalformedTorrent(f"more than {_MAX_FILES:,} files")
            yield TorrentFile(here, _size(_mapping(entry[b""], "file tree").get(b"length")))
    if not found:
        raise MalformedTorrent("'file tree' holds no file")


def _check_pieces(info: Mapping[bytes, Any], has_v1: bool) -> None:
    piece_length = info.get(b"piece length")
    if not isinstance(piece_length, int) or not 0 < piece_length <= 2**30:
        raise MalformedTorrent(f"'piece length' is {str(piece_length)[:30]}")
    if not has_v1:
        return
    pieces = info[b"pieces"]
    if not isinstance(pieces, bytes) or len(pieces) % 20:
        raise MalformedTorrent("'pieces' is no row of 20-byte hashes")
    total = sum(f.size_bytes for f in _v1_files(info))
    if len(pieces) // 20 != -(-total // piece_length):
        raise MalformedTorrent(
            f"'pieces' has {len(pieces) // 20} hashes, {total:,} bytes need "
            f"{-(-total // piece_length)}"
        )


def _is_padding(file: TorrentFile) -> bool:
    return file.path[0] == ".pad"


def _shape(files: tuple[TorrentFile, ...]) -> list[tuple[tuple[str, ...], int]]:
    return sorted((f.path, f.size_bytes) for f in files if not _is_padding(f))


def _total(files: tuple[TorrentFile, ...]) -> int:
    total = sum(f.size_bytes for f in files if not _is_padding(f))
    if total > _MAX_SIZE_BYTES:
        raise MalformedTorrent(f"the files add up to {total:,} bytes")
    return total


def _texts(value: object) -> Iterator[str]:
    """Strings of a list, or the one string: optional fields, so what is odd is passed over."""
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, bytes) and 0 < len(item) <= _MAX_TEXT_BYTES:
            yield _text(item, "url")


def _trackers(document: Mapping[bytes, Any]) -> Iterator[str]:
    # BEP 12: announce-list replaces announce where it is there.
    tiers = document.get(b"announce-list")
    lists = tiers if isinstance(tiers, list) else []
    urls = dict.fromkeys(islice((u for tier in lists for u in _texts(tier)), _MAX_ADDRESSES))
    yield from urls or _texts(document.get(b"announce"))
