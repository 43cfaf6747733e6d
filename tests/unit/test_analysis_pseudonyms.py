"""analysis.pseudonyms: stable under one key, useless under another."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from analysis.pseudonyms import pseudonymise
from tests.geo_databases import packed

KEY = bytes(range(32))


def by_the_library(record: bytes) -> int:
    """The last block of AES-128 in CBC mode from a zero start, under the width's own key."""
    own = blake2b(len(record).to_bytes(4), key=KEY, digest_size=16, person=b"atlas peers").digest()
    encryptor = Cipher(algorithms.AES(own), modes.CBC(bytes(16))).encryptor()
    chained = encryptor.update(record + bytes(-len(record) % 16)) + encryptor.finalize()
    return int.from_bytes(chained[-16:][:8])


@pytest.mark.parametrize("width", [1, 16, 18, 32, 33])
def test_it_is_a_cbc_mac(width: int) -> None:
    """Each record's pseudonym is AES-128 CBC-MAC, cut to 64 bits: anyone can check it."""
    records = np.random.default_rng(width).bytes(width * 50)
    pseudonyms = pseudonymise(records, width, KEY)
    assert pseudonyms.dtype == np.uint64
    assert pseudonyms.tolist() == [
        by_the_library(records[start : start + width]) for start in range(0, len(records), width)
    ]


def test_widths_have_keys_of_their_own() -> None:
    """An address and an endpoint that begin alike have nothing in common."""
    address = packed("192.0.2.1")
    assert pseudonymise(address, 16, KEY) != pseudonymise(address + bytes(2), 18, KEY)
    assert pseudonymise(address, 16, KEY) != pseudonymise(address + bytes(16), 32, KEY)


def test_known_answer() -> None:
    """The pseudonyms of stored runs stay what they are in every later version."""
    assert pseudonymise(packed("192.0.2.1"), 16, KEY).tolist() == [6_210_077_500_075_121_268]


def test_another_key_gives_other_pseudonyms() -> None:
    """Two installations cannot compare their peers."""
    address = packed("192.0.2.1")
    assert pseudonymise(address, 16, KEY) != pseudonymise(address, 16, bytes(32))


def test_nothing_gives_nothing() -> None:
    """No records, no pseudonyms."""
    assert pseudonymise(b"", 18, KEY).shape == (0,)


@pytest.mark.parametrize("key", [b"", bytes(16), bytes(33)])
def test_a_key_of_another_length_is_refused(key: bytes) -> None:
    """An empty key would make the pseudonyms guessable."""
    with pytest.raises(ValueError, match="32 bytes"):
        pseudonymise(bytes(16), 16, key)


@pytest.mark.parametrize(("length", "width"), [(17, 16), (16, 0), (5, 18)])
def test_broken_records_are_refused(length: int, width: int) -> None:
    """Bytes that are no whole records are an error of the caller."""
    with pytest.raises(ValueError, match="whole records"):
        pseudonymise(bytes(length), width, KEY)
