"""Extended messages: handshake (BEP 10), peer exchange (BEP 11), metadata (BEP 9). Pure.

All of it is bencoded text of strangers. It is measured before it is decoded: nesting, lengths and
the number of values are checked byte by byte, so that no decoder ever sees a bomb.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import libtorrent
from bencode2 import bdecode, bencode

from crawler.peers.wire import Kind, encode_message
from swarm.endpoint import Endpoint, compact_to_endpoint
from swarm.errors import MalformedMessage
from swarm.text import one_line

CLIENT_NAME = "Swarm Atlas 0.1"
HANDSHAKE_ID = 0
# The ids under which a peer sends these to us.
PEX_ID = 1
METADATA_ID = 2

BLOCK_BYTES = 16 * 1024  # BEP 9: metadata goes in blocks of this size, the last one shorter
LONGEST_CLIENT_NAME = 100
# BEP 11 allows 50, libtorrent sends 100 at first; what goes beyond is not read.
MOST_PEERS_TOLD = 200
_DEEPEST = 8
_MOST_VALUES = 2_000  # of one message; real ones have some dozens


class MetadataKind(IntEnum):
    """`msg_type` of BEP 9."""

    REQUEST = 0
    DATA = 1
    REJECT = 2


@dataclass(frozen=True, slots=True)
class ExtensionHandshake:
    """What a peer says of itself. Fields that it left out, or that make no sense, are None."""

    pex_id: int | None  # under which ids it wants to be sent these; 1 to 255
    metadata_id: int | None
    client: str | None  # one line, at most 100 characters
    metadata_bytes: int | None  # 1 or more
    upload_only: bool | None  # BEP 21
    our_address: IPv4Address | IPv6Address | None  # as the peer sees us


@dataclass(frozen=True, slots=True)
class MetadataMessage:
    """One message of BEP 9; `block` is empty unless it is DATA."""

    kind: MetadataKind
    piece: int
    block: bytes


def encode_extension_handshake(*, metadata: bool) -> bytes:
    """Ours: peer exchange, `metadata` where it is wanted, no port, no payload requests taken."""
    offered = {b"ut_pex": PEX_ID}
    if metadata:
        offered[b"ut_metadata"] = METADATA_ID
    body = bencode({b"m": offered, b"reqq": 0, b"v": CLIENT_NAME.encode()})
    return encode_message(Kind.EXTENDED, bytes([HANDSHAKE_ID]) + body)


def encode_metadata_request(extension_id: int, piece: int) -> bytes:
    """Ask for one block, under the id that the peer named."""
    body = bencode({b"msg_type": MetadataKind.REQUEST.value, b"piece": piece})
    return encode_message(Kind.EXTENDED, bytes([extension_id]) + body)


def encode_metadata_reject(extension_id: int, piece: int) -> bytes:
    """Say that we have no metadata to give."""
    body = bencode({b"msg_type": MetadataKind.REJECT.value, b"piece": piece})
    return encode_message(Kind.EXTENDED, bytes([extension_id]) + body)


def decode_extension_handshake(body: bytes) -> ExtensionHandshake:
    """Read the dictionary of extended message 0.

    Raises:
        MalformedMessage: it is no bencoded dictionary.
    """
    fields = _dictionary(body)[0]
    ids = fields.get(b"m")
    ids = ids if isinstance(ids, Mapping) else {}
    size = _number(fields.get(b"metadata_size"))
    upload_only = _number(fields.get(b"upload_only"))
    return ExtensionHandshake(
        _extension_id(ids.get(b"ut_pex")),
        _extension_id(ids.get(b"ut_metadata")),
        _client(fields.get(b"v")),
        size if size is not None and size > 0 else None,
        None if upload_only is None else upload_only != 0,
        _address(fields.get(b"yourip")),
    )


def decode_pex(body: bytes) -> tuple[Endpoint, ...]:
    """The peers that a message adds, of both families, each once; broken entries are left out.

    Raises:
        MalformedMessage: it is no bencoded dictionary.
    """
    fields = _dictionary(body)[0]
    found: dict[Endpoint, None] = {}
    for key, width in ((b"added", 6), (b"added6", 18)):
        column = fields.get(key)
        if not isinstance(column, bytes):
            continue
        for at in range(0, min(len(column), width * MOST_PEERS_TOLD) - width + 1, width):
            entry = column[at : at + width]
            if entry[-2:] != b"\x00\x00":
                found[compact_to_endpoint(entry)] = None
    return tuple(found)


def decode_metadata_message(body: bytes) -> MetadataMessage | None:
    """Read a message of BEP 9; None if it is of a kind that the BEP does not know.

    Raises:
        MalformedMessage: it is no bencoded dictionary, or names no piece.
    """
    fields, end = _dictionary(body)
    kind, piece = _number(fields.get(b"msg_type")), _number(fields.get(b"piece"))
    if kind is None or piece is None or piece < 0:
        raise MalformedMessage("a metadata message without its type or piece")
    if kind not in tuple(MetadataKind):
        return None  # BEP 9: unknown kinds must be ignored
    block = body[end:] if kind == MetadataKind.DATA else b""
    if len(block) > BLOCK_BYTES:
        raise MalformedMessage(f"a metadata block of {len(block):,} bytes")
    return MetadataMessage(MetadataKind(kind), piece, block)


def _dictionary(body: bytes) -> tuple[Mapping[bytes, Any], int]:
    """The dictionary at the beginning, and where it ends."""
    if body[:1] != b"d":
        raise MalformedMessage("an extended message without its dictionary")
    end = _end_of_value(body)
    try:
        fields = bdecode(body[:end])
    except ValueError:
        try:
            fields = libtorrent.bdecode(body[:end])  # peers that send unsorted keys
        except RuntimeError:
            fields = None
    if not isinstance(fields, Mapping):
        raise MalformedMessage("an extended message is not bencoded")
    return fields, end


def _end_of_value(body: bytes) -> int:
    """Where the bencoded value at the beginning ends, found without recursion."""
    position = depth = 0
    for _ in range(_MOST_VALUES):
        mark = body[position : position + 1]
        if mark in (b"d", b"l"):
            depth += 1
            if depth > _DEEPEST:
                raise MalformedMessage(f"an extended message nested over {_DEEPEST} levels")
            position += 1
        elif mark == b"e":
            depth -= 1
            position += 1
        elif mark == b"i":
            position = body.find(b"e", position, position + 24) + 1
            if not position:
                raise MalformedMessage("an extended message with an endless number")
        else:
            position = _end_of_text(body, position)
        if depth == 0:
            return position
    raise MalformedMessage(f"an extended message of more than {_MOST_VALUES:,} values")


def _end_of_text(body: bytes, position: int) -> int:
    colon = body.find(b":", position, position + 9)
    if colon < 0 or not body[position:colon].isdigit():
        raise MalformedMessage(f"an extended message is not bencoded at byte {position}")
    end = colon + 1 + int(body[position:colon])
    if end > len(body):
        raise MalformedMessage("an extended message is cut off")
    return end


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _address(value: object) -> IPv4Address | IPv6Address | None:
    if not isinstance(value, bytes) or len(value) not in (4, 16):
        return None
    return IPv4Address(value) if len(value) == 4 else IPv6Address(value)


def _extension_id(value: object) -> int | None:
    number = _number(value)
    return number if number is not None and 0 < number < 256 else None  # BEP 10: 0 switches it off


def _client(value: object) -> str | None:
    if not isinstance(value, bytes):
        return None
    # Bytes first: a long name must not be decoded and cleaned in full.
    return one_line(value[:400].decode("utf-8", "replace"))[:LONGEST_CLIENT_NAME] or None
