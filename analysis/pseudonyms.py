"""Pseudonyms: AES-128 CBC-MAC (FIPS 197, ISO 9797-1) of addresses and endpoints, 64 bits each.

With the installation's key the same peer has the same pseudonym in every run; without it,
nobody can try all of IPv4 and read the addresses back. An unkeyed hash would be undone in minutes.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

KEY_BYTES = 32
# What a run's manifest calls it. Runs without a word of it have keyed BLAKE2b, 64 bits.
SCHEME: Final = "aes-128-cbc-mac"
_BLOCK = 16
_WORDS = _BLOCK // 8


def pseudonymise(packed: bytes, width: int, key: bytes) -> npt.NDArray[np.uint64]:
    """The pseudonym of each `width`-byte record in `packed`, in the order given.

    A CBC-MAC, cut to its first 8 bytes, read big-endian. CBC-MAC is a pseudorandom function of
    records of one length, so each width has a key of its own, made from `key` by keyed BLAKE2b
    (RFC 7693). Among n peers the chance that any two share a pseudonym is about n**2 / 2**65:
    0.03 % for 100 million.

    Raises:
        ValueError: the key is not 32 bytes, or `packed` is not made of whole records.
    """
    # Loads OpenSSL, which only a crawl or an import needs.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if len(key) != KEY_BYTES:
        raise ValueError(f"a pseudonym key has {KEY_BYTES} bytes, got {len(key)}")
    if width < 1 or len(packed) % width:
        raise ValueError(f"{len(packed)} bytes are no whole records of {width} bytes")
    own_key = blake2b(width.to_bytes(4), key=key, digest_size=_BLOCK, person=b"atlas peers")
    # ECB of blocks that are chained here: all records at once, a block of each at a time.
    encrypt = Cipher(algorithms.AES(own_key.digest()), modes.ECB()).encryptor().update  # noqa: S305
    rows, blocks = len(packed) // width, -(-width // _BLOCK)
    padded = np.zeros((rows, blocks * _BLOCK), np.uint8)
    padded[:, :width] = np.frombuffer(packed, np.uint8).reshape(rows, width)
    words = padded.view(np.uint64)
    chained = np.zeros((rows, _WORDS), np.uint64)
    for first in range(0, blocks * _WORDS, _WORDS):
        mixed = chained ^ words[:, first : first + _WORDS]
        chained = np.frombuffer(encrypt(mixed.tobytes()), np.uint64).reshape(rows, _WORDS)
    return chained[:, 0].copy().view(">u8").astype(np.uint64)
