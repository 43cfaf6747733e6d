"""Pseudonyms: keyed BLAKE2b (RFC 7693) of addresses and endpoints, as 64-bit integers.

With the installation's key the same peer has the same pseudonym in every run; without it,
nobody can try all of IPv4 and read the addresses back. An unkeyed hash would be undone in minutes.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

KEY_BYTES = 32
_DIGEST_BYTES = 8


def pseudonymise(packed: bytes, width: int, key: bytes) -> npt.NDArray[np.uint64]:
    """The pseudonym of each `width`-byte record in `packed`, in the order given.

    BLAKE2b with an 8-byte digest, read big-endian. Among n peers the chance that any two
    share a pseudonym is about n**2 / 2**65: 0.03 % for 100 million.

    Raises:
        ValueError: the key is not 32 bytes, or `packed` is not made of whole records.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"a pseudonym key has {KEY_BYTES} bytes, got {len(key)}")
    if width < 1 or len(packed) % width:
        raise ValueError(f"{len(packed)} bytes are no whole records of {width} bytes")
    # Absorbing the key is half of the work: it is done once and the state copied.
    keyed = blake2b(key=key, digest_size=_DIGEST_BYTES).copy
    digests = bytearray()
    for start in range(0, len(packed), width):
        state = keyed()
        state.update(packed[start : start + width])
        digests += state.digest()
    return np.frombuffer(digests, dtype=">u8").astype(np.uint64)
