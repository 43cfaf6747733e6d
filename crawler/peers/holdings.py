"""What a peer has: bitfield and `have` (BEP 3), have-all and have-none (BEP 6). Pure."""

from __future__ import annotations

from swarm.errors import MalformedMessage


class Holdings:
    """Tells a seed from a leech, even where nobody knows how many pieces the torrent has."""

    def __init__(self, piece_count: int | None = None) -> None:
        """`piece_count` is None where the metadata is not known."""
        self._piece_count = piece_count
        self._bits: bytearray | None = None
        self._all: bool | None = None

    @property
    def told(self) -> bool:
        """Whether the peer said what it has."""
        return self._all is not None or self._bits is not None

    def take_all(self, has_all: bool) -> None:
        """It has all (BEP 6 have-all) or nothing (have-none)."""
        self._all, self._bits = has_all, None

    def take_bitfield(self, bits: bytes) -> None:
        """It has what the bits say, the first piece highest.

        Raises:
            MalformedMessage: a second one, or one that does not fit the number of pieces.
        """
        if self.told:
            raise MalformedMessage("a second bitfield")
        if self._piece_count is not None and len(bits) != (self._piece_count + 7) // 8:
            raise MalformedMessage(
                f"a bitfield of {len(bits)} bytes for {self._piece_count} pieces"
            )
        if bits and self._piece_count is not None and bits[-1] & (1 << self._spare(bits)) - 1:
            raise MalformedMessage("a bitfield with pieces beyond the last one")  # BEP 3
        self._bits = bytearray(bits)

    def take_have(self, piece: int) -> None:
        """It has got one more piece; of no consequence for who has all, or told nothing yet.

        Raises:
            MalformedMessage: there is no such piece.
        """
        if self._piece_count is not None and piece >= self._piece_count:
            raise MalformedMessage(f"have {piece} of {self._piece_count} pieces")
        if self._bits is not None:
            if piece >= 8 * len(self._bits):
                raise MalformedMessage(f"have {piece} beyond the bitfield")
            self._bits[piece // 8] |= 0x80 >> piece % 8

    def is_seed(self, upload_only: bool | None) -> bool | None:
        """Whether it has all; None if it did not tell.

        A bitfield of unknown length is all set if its spare bits alone, at most seven and at the
        end, are zero. `upload_only` (BEP 21) alone decides for who tells no holdings. Who shows
        nothing and yet wants nothing may be a seed in its first round (BEP 16) or a client with
        all files deselected: that is not told.
        """
        if self._all:
            return True
        if self._bits is not None and any(self._bits):
            return self._is_full(self._bits)
        if self.told:
            return None if upload_only else False
        return True if upload_only else None

    def _is_full(self, bits: bytearray) -> bool:
        if any(byte != 0xFF for byte in bits[:-1]):
            return False
        if self._piece_count is not None:
            spare = self._spare(bits)
            return bits[-1] >> spare == 0xFF >> spare
        # 0b11110000: ones, then zeros only
        return bits[-1] != 0 and (~bits[-1] & 0xFF) & ((~bits[-1] & 0xFF) + 1) == 0

    def _spare(self, bits: bytes | bytearray) -> int:
        """How many bits at the end stand for no piece; only where the number is known."""
        assert self._piece_count is not None
        return 8 * len(bits) - self._piece_count
