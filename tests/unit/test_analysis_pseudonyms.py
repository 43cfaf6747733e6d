"""analysis.pseudonyms: stable under one key, useless under another."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pytest

from analysis.pseudonyms import pseudonymise
from tests.geo_databases import packed

KEY = bytes(range(32))


def test_it_is_keyed_blake2b() -> None:
    """Each record's pseudonym is BLAKE2b-64 under the key, big-endian: anyone can check it."""
    records = packed("1.2.3.4", "2001:db8::1")
    expected = [
        int.from_bytes(blake2b(records[i : i + 16], key=KEY, digest_size=8).digest())
        for i in (0, 16)
    ]
    pseudonyms = pseudonymise(records, 16, KEY)
    assert pseudonyms.dtype == np.uint64
    assert pseudonyms.tolist() == expected


def test_known_answer() -> None:
    """The pseudonyms of stored runs stay what they are in every later version."""
    assert pseudonymise(packed("192.0.2.1"), 16, KEY).tolist() == [9_121_540_528_172_719_612]


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
