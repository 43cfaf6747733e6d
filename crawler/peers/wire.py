"""The peer wire protocol: handshake and framing (BEP 3), fast extension (BEP 6). Pure.

Only what a guest needs that never asks for payload: there is deliberately no function that encodes
`interested` or `request`. Plaintext only; a peer that insists on encryption hangs up.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

from swarm.errors import MalformedMessage

HANDSHAKE_BYTES = 68
PEER_ID_BYTES = 20
PEER_ID_PREFIX = b"-SA0001-"  # Azureus style: client and version

_PROTOCOL = b"\x13BitTorrent protocol"
_EXTENDED_BIT = 0x10  # BEP 10, in reserved byte 5
_FAST_BIT = 0x04  # BEP 6, in reserved byte 7
_RESERVED = bytes([0, 0, 0, 0, 0, _EXTENDED_BIT, 0, _FAST_BIT])


class Kind(IntEnum):
    """Messages whose meaning is used here; others are read and passed over."""

    HAVE = 4
    BITFIELD = 5
    PIECE = 7
    HAVE_ALL = 14
    HAVE_NONE = 15
    EXTENDED = 20


# The longest payload of each message, in bytes. 2 MB of bitfield are 16 million pieces.
_LONGEST = {
    0: 0, 1: 0, 2: 0, 3: 0,
    Kind.HAVE: 4,
    Kind.BITFIELD: 2_000_000,
    6: 12, 8: 12, 9: 2, 13: 4,
    Kind.HAVE_ALL: 0, Kind.HAVE_NONE: 0,
    16: 12, 17: 4,
    Kind.EXTENDED: 1_000_000,
    21: 48, 22: 100_000, 23: 48,  # BEP 52: hashes
}  # fmt: skip
_LONGEST_UNKNOWN = 1024
_LONGEST_OF_ALL = 1 + max(_LONGEST.values())


class Handshake(NamedTuple):
    """A peer's first 68 bytes."""

    infohash: bytes  # 20 bytes
    peer_id: bytes  # 20 bytes
    extended: bool  # BEP 10
    fast: bool  # BEP 6


class Message(NamedTuple):
    """One message; `payload` is what follows the kind."""

    kind: int
    payload: bytes


def encode_handshake(infohash: bytes, peer_id: bytes) -> bytes:
    """Our first 68 bytes; both arguments have 20."""
    return _PROTOCOL + _RESERVED + infohash + peer_id


def decode_handshake(raw: bytes) -> Handshake:
    """Read 68 bytes.

    Raises:
        MalformedMessage: they are no handshake.
    """
    check_handshake_start(raw)
    if len(raw) != HANDSHAKE_BYTES:
        raise MalformedMessage(f"a handshake has {HANDSHAKE_BYTES} bytes, got {len(raw)}")
    extended, fast = bool(raw[25] & _EXTENDED_BIT), bool(raw[27] & _FAST_BIT)
    return Handshake(raw[28:48], raw[48:68], extended, fast)


def check_handshake_start(raw: bytes) -> None:
    """Refuse as soon as the first bytes show that this is another protocol.

    Raises:
        MalformedMessage: no handshake can begin so.
    """
    if not _PROTOCOL.startswith(raw[: len(_PROTOCOL)]):
        raise MalformedMessage("the first bytes are no BitTorrent handshake")


def encode_message(kind: int, payload: bytes = b"") -> bytes:
    """Length, kind, payload."""
    return (1 + len(payload)).to_bytes(4) + bytes([kind]) + payload


class MessageReader:
    """Cuts a stream of bytes into messages; holds at most one message's bytes beside a chunk."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """The messages that are complete with `chunk`; take all of them before the next call.

        Raises:
            MalformedMessage: a message is longer than its kind can be; its bytes are not awaited.
        """
        self._buffer += chunk
        start = 0
        while (end := self._end_of_message(start)) is not None:
            if end > start + 4:  # else a keep-alive
                yield Message(self._buffer[start + 4], bytes(self._buffer[start + 5 : end]))
            start = end
        del self._buffer[:start]

    def _end_of_message(self, start: int) -> int | None:
        if len(self._buffer) < start + 4:
            return None
        length = int.from_bytes(self._buffer[start : start + 4])
        if length > _LONGEST_OF_ALL:
            raise MalformedMessage(f"a message of {length:,} bytes is none")
        if length and len(self._buffer) > start + 4:
            kind = self._buffer[start + 4]
            if kind == Kind.PIECE:
                raise MalformedMessage("a piece came, and nobody asked for one")
            if length - 1 > _LONGEST.get(kind, _LONGEST_UNKNOWN):
                raise MalformedMessage(f"message {kind} with {length - 1:,} bytes is none")
        end = start + 4 + length
        return end if len(self._buffer) >= end else None
