"""InfoHash: the 20 bytes by which a swarm is asked for (BEP 3, BEP 52 truncated)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_HEX = re.compile(r"[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True, order=True)
class InfoHash:
    """A 20-byte key of the DHT: SHA-1 of a v1 `info`, or a v2 infohash cut to 20 bytes."""

    digest: bytes

    def __post_init__(self) -> None:
        if len(self.digest) != 20:
            raise ValueError(f"an infohash has 20 bytes, got {len(self.digest)}")

    @classmethod
    def from_hex(cls, text: str) -> Self:
        """Read 40 hexadecimal digits, in any case.

        Raises:
            ValueError: the text is not exactly 40 hexadecimal digits.
        """
        if not _HEX.fullmatch(text):
            raise ValueError(f"an infohash is 40 hexadecimal digits, got {text[:60]!r}")
        return cls(bytes.fromhex(text))

    @property
    def hex(self) -> str:
        """The 40 lower-case hexadecimal digits."""
        return self.digest.hex()

    def __str__(self) -> str:
        return self.hex
