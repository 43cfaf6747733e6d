"""Packed 16-byte addresses as numpy columns: which are IPv4, and the integers to search by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_MAPPED = np.uint64(0xFFFF)  # bytes 8 to 11 of ::ffff:a.b.c.d (RFC 4291, 2.5.5.2)


@dataclass(frozen=True, slots=True)
class AddressColumns:
    """Addresses of both families, one entry per address, in the order given.

    `is_v4` tells the families apart. An IPv4 address is the low 32 bits of `low`;
    of an IPv6 address `high` is the first 64 bits, its /64, and `low` the rest.
    `rising_v4` and `rising_v6` are the positions of each family by rising address (of IPv6 by
    rising `high`): keys in order walk a table in one direction, which is what the caches like.
    """

    is_v4: npt.NDArray[np.bool_]
    high: npt.NDArray[np.uint64]
    low: npt.NDArray[np.uint64]
    rising_v4: npt.NDArray[np.intp]
    rising_v6: npt.NDArray[np.intp]

    def __len__(self) -> int:
        """How many addresses there are."""
        return len(self.high)

    def packed(self, position: int) -> bytes:
        """The 16 bytes of one of the addresses."""
        return int(self.high[position]).to_bytes(8) + int(self.low[position]).to_bytes(8)


def split_addresses(packed: bytes) -> AddressColumns:
    """Read 16-byte addresses (`swarm.endpoint.address_to_packed16`) laid end to end.

    Raises:
        ValueError: the length is no multiple of 16.
    """
    if len(packed) % 16:
        raise ValueError(f"packed addresses have 16 bytes each, got {len(packed)} bytes")
    halves = np.frombuffer(packed, dtype=">u8").astype(np.uint64).reshape(-1, 2)
    high, low = halves[:, 0].copy(), halves[:, 1].copy()
    is_v4 = (high == 0) & (low >> np.uint64(32) == _MAPPED)
    v4, v6 = np.flatnonzero(is_v4), np.flatnonzero(~is_v4)
    rising_v4 = v4[np.argsort(low[v4].astype(np.uint32))]
    return AddressColumns(is_v4, high, low, rising_v4, v6[np.argsort(high[v6])])
