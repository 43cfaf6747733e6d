"""Making .torrent files of v1, v2 and hybrid kind (BEP 3, BEP 47, BEP 52). Pure.

The payload is either given bytes, or zeros: a file of zeros costs no disk (it is sparse) and hardly
any hashing, since all its pieces are equal, and yet is a torrent that every client can share.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from hashlib import sha1, sha256
from typing import Any

from bencode2 import bencode

BLOCK_BYTES = 16 * 1024  # BEP 52: leaves of the hash tree
_NO_BLOCK = bytes(32)  # BEP 52: hash of a leaf beyond the file's end


class MetainfoVersion(Enum):
    """Which clients can take part: old ones, new ones, both."""

    V1 = "v1"
    V2 = "v2"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class PayloadFile:
    """A file to share. `content` None means zeros."""

    path: tuple[str, ...]
    size_bytes: int
    content: bytes | None = None

    def __post_init__(self) -> None:
        if self.content is not None and len(self.content) != self.size_bytes:
            raise ValueError(f"{self.path}: the content is not {self.size_bytes} bytes long")

    def read(self, start: int, end: int) -> bytes:
        """The bytes of a range that may reach beyond the end; zeros are not stored anywhere."""
        if self.content is not None:
            return self.content[start:end]
        return bytes(max(0, min(end, self.size_bytes) - start))


def make_torrent(
    name: str,
    files: Sequence[PayloadFile],
    *,
    version: MetainfoVersion,
    piece_bytes: int,
    comment: str,
    created_s: int,
) -> bytes:
    """The bytes of a .torrent. One file whose path is its name makes a single-file torrent.

    `piece_bytes` is a power of two from 16 KiB; `created_s` seconds since the Unix epoch.
    Files are taken in the order of their paths, as BEP 52 wants it.
    """
    ordered = sorted(files, key=lambda file: [part.encode() for part in file.path])
    is_single = len(ordered) == 1 and ordered[0].path == (name,)
    info: dict[bytes, Any] = {b"name": name.encode(), b"piece length": piece_bytes}
    metainfo: dict[bytes, Any] = {
        b"comment": comment.encode(), b"created by": b"Swarm Atlas lab",
        b"creation date": created_s, b"info": info,
    }  # fmt: skip
    if version is not MetainfoVersion.V2:
        stream = ordered
        if version is MetainfoVersion.HYBRID:
            stream = list(_aligned(ordered, piece_bytes))
        info[b"pieces"] = _v1_pieces(stream, piece_bytes)
        if is_single:
            info[b"length"] = ordered[0].size_bytes
        else:
            info[b"files"] = [_v1_entry(file) for file in stream]
    if version is not MetainfoVersion.V1:
        info[b"meta version"] = 2
        info[b"file tree"], metainfo[b"piece layers"] = _v2_tree(ordered, piece_bytes)
    raw: bytes = bencode(metainfo)
    return raw


def _aligned(files: Sequence[PayloadFile], piece_bytes: int) -> Iterator[PayloadFile]:
    """BEP 47: a hybrid's files each begin at a piece, by pad files between them."""
    for file in files:
        yield file
        gap = -file.size_bytes % piece_bytes
        if gap and file is not files[-1]:
            yield PayloadFile((".pad", str(gap)), gap)


def _v1_entry(file: PayloadFile) -> dict[bytes, Any]:
    entry: dict[bytes, Any] = {
        b"length": file.size_bytes,
        b"path": [part.encode() for part in file.path],
    }
    if file.path[0] == ".pad":
        entry[b"attr"] = b"p"
    return entry


def _v1_pieces(files: Sequence[PayloadFile], piece_bytes: int) -> bytes:
    """SHA-1 of each piece of the files put one after the other."""
    if all(file.content is None for file in files):
        return _v1_zero_pieces(sum(file.size_bytes for file in files), piece_bytes)
    whole = b"".join(file.read(0, file.size_bytes) for file in files)
    return b"".join(
        sha1(whole[at : at + piece_bytes], usedforsecurity=False).digest()
        for at in range(0, len(whole), piece_bytes)
    )


def _v1_zero_pieces(size_bytes: int, piece_bytes: int) -> bytes:
    count, rest = divmod(size_bytes, piece_bytes)
    pieces = sha1(bytes(piece_bytes), usedforsecurity=False).digest() * count
    return pieces + (sha1(bytes(rest), usedforsecurity=False).digest() if rest else b"")


def _v2_tree(
    files: Sequence[PayloadFile], piece_bytes: int
) -> tuple[dict[bytes, Any], dict[bytes, bytes]]:
    tree: dict[bytes, Any] = {}
    layers: dict[bytes, bytes] = {}
    for file in files:
        root, layer = _hash_file(file, piece_bytes)
        branch = tree
        for part in file.path:
            branch = branch.setdefault(part.encode(), {})
        branch[b""] = {b"length": file.size_bytes, b"pieces root": root}
        if file.size_bytes > piece_bytes:
            layers[root] = layer
    return tree, layers


def _hash_file(file: PayloadFile, piece_bytes: int) -> tuple[bytes, bytes]:
    """The root of the file's hash tree, and its piece layer (empty for a file of one piece)."""
    if file.size_bytes <= piece_bytes:
        leaves = _leaves(file, 0, file.size_bytes)
        return _root(leaves, _power_of_two(len(leaves)), _NO_BLOCK), b""
    width = piece_bytes // BLOCK_BYTES
    hashes = [
        _piece_hash(file, at, piece_bytes, width) for at in range(0, file.size_bytes, piece_bytes)
    ]
    beyond = _root([], width, _NO_BLOCK)
    return _root(hashes, _power_of_two(len(hashes)), beyond), b"".join(hashes)


def _piece_hash(file: PayloadFile, start: int, piece_bytes: int, width: int) -> bytes:
    end = min(start + piece_bytes, file.size_bytes)
    if file.content is None:
        return _zero_piece_hash(end - start, width)
    return _root(_leaves(file, start, end), width, _NO_BLOCK)


@cache
def _zero_piece_hash(size_bytes: int, width: int) -> bytes:
    return _root(_leaves(PayloadFile(("zeros",), size_bytes), 0, size_bytes), width, _NO_BLOCK)


def _leaves(file: PayloadFile, start: int, end: int) -> list[bytes]:
    return [
        sha256(file.read(at, min(at + BLOCK_BYTES, end))).digest()
        for at in range(start, end, BLOCK_BYTES)
    ]


def _root(hashes: Sequence[bytes], width: int, beyond: bytes) -> bytes:
    """The root over `width` (a power of two) hashes, of which the missing ones are `beyond`."""
    layer = [*hashes, *[beyond] * (width - len(hashes))]
    while len(layer) > 1:
        layer = [sha256(a + b).digest() for a, b in zip(layer[::2], layer[1::2], strict=True)]
    return layer[0]


def _power_of_two(count: int) -> int:
    return 1 << max(0, count - 1).bit_length()
