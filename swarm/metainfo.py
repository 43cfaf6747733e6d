"""From the bytes of a .torrent file to a `Torrent`: BEP 3 (v1), BEP 52 (v2, hybrid), BEP 47.

The bytes are hostile. Whatever they are, the outcome is a `Torrent` or `MalformedTorrent` with a
reason. Nothing is opened, and no path from a torrent is ever used as a path here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import bencode2

from swarm.errors import MalformedTorrent
from swarm.infohash import InfoHash
from swarm.torrent import Torrent, TorrentFile

MAX_TORRENT_BYTES = 10_000_000
# A v2 file tree nests once per folder; no file system takes paths deeper than this.
MAX_DEPTH = 100
# Bencoding nests no deeper than the tree plus `info` and the leaves.
_MAX_NESTING = MAX_DEPTH + 20
_MAX_FILES = 200_000
_MAX_SIZE_BYTES = 2**50
_RESERVED = frozenset({"", ".", ".."})


def parse_torrent(raw: bytes) -> Torrent:
    """Read a .torrent file; the infohash is taken over the raw bytes of `info`.

    Raises:
        MalformedTorrent: too large, not bencoded, or any field breaks its BEP; says which.
    """
    if len(raw) > MAX_TORRENT_BYTES:
        raise MalformedTorrent(f"{len(raw):,} bytes; a .torrent has at most {MAX_TORRENT_BYTES:,}")
    info_raw = _raw_info(raw)
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
        web_seeds=tuple(_texts(document.get(b"url-list"))),
        private=info.get(b"private") == 1,
    )


def _raw_info(raw: bytes) -> bytes:
    """The exact bytes of the value of `info`, found without decoding or recursion."""
    if raw[:1] != b"d":
        raise MalformedTorrent("not bencoded: a .torrent is a dictionary and starts with 'd'")
    position = 1
    found: bytes | None = None
    while raw[position : position + 1] != b"e":
        key, position = _read_text(raw, position)
        end = _skip_value(raw, position)
        if key == b"info":
            if found is not None:
                raise MalformedTorrent("two 'info' dictionaries")
            found = raw[position:end]
        position = end
    if position + 1 != len(raw):
        raise MalformedTorrent(f"{len(raw) - position - 1} bytes after the end")
    if found is None:
        raise MalformedTorrent("no 'info' dictionary")
    return found


def _read_text(raw: bytes, position: int) -> tuple[bytes, int]:
    colon = raw.find(b":", position, position + 12)
    if colon < 0 or not raw[position:colon].isdigit():
        raise MalformedTorrent(f"not bencoded: no string at byte {position}")
    end = colon + 1 + int(raw[position:colon])
    if end > len(raw):
        raise MalformedTorrent(f"cut off: the string at byte {position} ends after the file")
    return raw[colon + 1 : end], end


def _skip_value(raw: bytes, position: int) -> int:
    """The position after the value that starts here."""
    depth = 0
    while True:
        mark = raw[position : position + 1]
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
            _, position = _read_text(raw, position)
        else:
            raise MalformedTorrent(f"cut off at byte {position}")
        if depth <= 0:
            if depth < 0:
                raise MalformedTorrent(f"not bencoded: 'e' without a start before byte {position}")
            return position


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
    part = _text(value, "path")
    if part in _RESERVED or "/" in part or "\\" in part or "\0" in part:
        raise MalformedTorrent(f"a file's path holds {part[:60]!r}")
    return part


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
    for entry in entries:
        fields = _mapping(entry, "files")
        parts = fields.get(b"path.utf-8", fields.get(b"path"))
        if not isinstance(parts, list) or not parts or len(parts) > MAX_DEPTH:
            raise MalformedTorrent("a file has no path")
        padding = b"p" in fields.get(b"attr", b"") if isinstance(fields.get(b"attr"), bytes) else 0
        path = tuple(_path_part(part) for part in parts)
        yield TorrentFile((".pad", *path) if padding else path, _size(fields.get(b"length")))


def _v2_files(info: Mapping[bytes, Any]) -> Iterator[TorrentFile]:
    # BEP 52: a tree of dictionaries; the key "" marks a file and holds its length.
    if info.get(b"meta version") != 2:
        raise MalformedTorrent("'file tree' without 'meta version' 2")
    found = 0
    stack: list[tuple[tuple[str, ...], Mapping[bytes, Any]]] = [
        ((), _mapping(info[b"file tree"], "file tree"))
    ]
    while stack:
        path, folder = stack.pop()
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
        if isinstance(item, bytes) and item:
            yield _text(item, "url")


def _trackers(document: Mapping[bytes, Any]) -> Iterator[str]:
    # BEP 12: announce-list replaces announce where it is there.
    tiers = document.get(b"announce-list")
    urls = [u for tier in tiers for u in _texts(tier)] if isinstance(tiers, list) else []
    yield from dict.fromkeys(urls or _texts(document.get(b"announce")))
