"""Bloom filters of BEP 33: how many addresses share a swarm, without naming one. Pure.

A filter has 2,048 bits and two hash functions over the address alone, port left out. Filters of
several nodes are united by OR, so an address that all of them hold counts once. Good to about
6,000 addresses; near 8,000 the filter is full and says nothing any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha1
from math import log, log1p

FILTER_BYTES = 256
FILTER_BITS = 8 * FILTER_BYTES
EMPTY = bytes(FILTER_BYTES)

_HASHES = 2


def bloom_of(addresses: Iterable[bytes]) -> bytes:
    """The filter of packed addresses, 4 bytes (IPv4) or 16 (IPv6) each."""
    bits = bytearray(FILTER_BYTES)
    for address in addresses:
        digest = sha1(address, usedforsecurity=False).digest()
        for at in (0, 2):
            bit = int.from_bytes(digest[at : at + 2], "little") % FILTER_BITS
            bits[bit >> 3] |= 1 << (bit & 7)
    return bytes(bits)


def bloom_union(filters: Iterable[bytes]) -> bytes:
    """The filter of all that any of the filters holds; empty where there is none."""
    united = 0
    for each in filters:
        united |= int.from_bytes(each)
    return united.to_bytes(FILTER_BYTES)


def zero_bits(bloom: bytes) -> int:
    """How many of the filter's bits are not set."""
    return FILTER_BITS - int.from_bytes(bloom).bit_count()


def bloom_estimate(bloom: bytes) -> float:
    """How many addresses the filter holds: ln(c/m) / (k ln(1 - 1/m)) with c zero bits (BEP 33).

    A filter without a zero bit gives what the BEP gives, the value for one: about 7,800.
    """
    zeros = max(1, min(FILTER_BITS - 1, zero_bits(bloom)))
    if bloom == EMPTY:
        return 0.0
    return log(zeros / FILTER_BITS) / (_HASHES * log1p(-1 / FILTER_BITS))
