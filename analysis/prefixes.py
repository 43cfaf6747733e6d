"""Network prefixes of addresses: what may be kept of one where the whole is too much."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

import numpy as np
import polars as pl

from analysis.addresses import split_addresses

_V4 = np.uint64(1 << 63)  # marks a key of an IPv4 network
_6TO4 = np.uint64(0x2002)  # RFC 3056: the 32 bits that follow are a whole IPv4 address


def network_prefixes(addresses: bytes) -> pl.Series:
    """The /24 of IPv4 or the /48 of IPv6 that each packed 16-byte address is in, as text.

    Of 6to4 (2002::/16) it is the /40, which holds the /24 of the IPv4 address within.
    """
    columns = split_addresses(addresses)
    low, high = columns.low, columns.high
    v4 = _V4 | ((low & np.uint64(0xFFFFFFFF)) >> np.uint64(8))
    v6 = high >> np.uint64(16)
    v6 = np.where(high >> np.uint64(48) == _6TO4, v6 & ~np.uint64(0xFF), v6)
    networks, which = np.unique(np.where(columns.is_v4, v4, v6), return_inverse=True)
    names = [_name(int(network)) for network in networks]
    return pl.Series("prefix", names, dtype=pl.String).gather(which)


def _name(key: int) -> str:
    if key & int(_V4):
        return str(IPv4Network(((key ^ int(_V4)) << 8, 24)))
    return str(IPv6Network((key << 80, 40 if key >> 32 == int(_6TO4) else 48)))
