"""analysis.pack, mmdb, pseudonyms: columns at once give what one at a time gives."""

from __future__ import annotations

import bisect
import ipaddress
import tempfile
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path

import maxminddb
import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.addresses import split_addresses
from analysis.mmdb import MmdbLocator
from analysis.mmdb_tree import SearchTree
from analysis.pseudonyms import pseudonymise
from analysis.ranges import RangeTable
from swarm.endpoint import address_to_packed16
from tests.geo_databases import write_mmdb

ADDRESSES = st.lists(st.ip_addresses(), max_size=30)


@given(ADDRESSES)
def test_addresses_split_by_family(addresses: list[ipaddress.IPv4Address]) -> None:
    """Each address is the integer it is, in its own family; mapped IPv4 counts as IPv4."""
    columns = split_addresses(b"".join(map(address_to_packed16, addresses)))
    for at, address in enumerate(addresses):
        mapped = getattr(address, "ipv4_mapped", None)
        assert columns.is_v4[at] == (address.version == 4 or mapped is not None)
        whole = int(columns.high[at]) << 64 | int(columns.low[at])
        assert whole == int.from_bytes(address_to_packed16(address))
        assert columns.packed(at) == address_to_packed16(address)
    rising = [columns.low[columns.rising_v4], columns.high[columns.rising_v6]]
    assert [keys.tolist() for keys in rising] == [sorted(keys.tolist()) for keys in rising]
    positions = [*columns.rising_v4.tolist(), *columns.rising_v6.tolist()]
    assert sorted(positions) == list(range(len(addresses)))
    assert columns.is_v4[columns.rising_v4].all()


@given(
    st.lists(st.integers(1, 2**32), min_size=1, max_size=50),
    st.lists(st.integers(0, 2**40), max_size=50),
)
def test_ranges_are_found_as_bisect_finds_them(lengths: list[int], keys: list[int]) -> None:
    """The range of a key is the last one that begins at or before it."""
    starts = [0, *list(accumulate(lengths))[:-1]]
    table = RangeTable(np.array(starts, np.uint64), np.arange(len(starts), dtype=np.uint32))
    found = table.find(np.array(keys, np.uint64))
    assert found.tolist() == [bisect.bisect_right(starts, key) - 1 for key in keys]


@given(
    st.sampled_from([24, 28, 32]),
    st.lists(st.tuples(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1)), min_size=1),
)
@settings(deadline=None)
def test_nodes_of_every_record_size_read(size: int, nodes: list[tuple[int, int]]) -> None:
    """24, 28 and 32 bits unpack to the same pairs (MaxMind DB 2.0, "Node Layout")."""
    wide = [(left << size - 24, right << size - 24) for left, right in nodes]
    if size == 28:
        raw = b"".join(
            (a & 0xFFFFFF).to_bytes(3)
            + bytes([a >> 24 << 4 | b >> 24])
            + (b & 0xFFFFFF).to_bytes(3)
            for a, b in wide
        )
    else:
        raw = b"".join(a.to_bytes(size // 8) + b.to_bytes(size // 8) for a, b in wide)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tree"
        path.write_bytes(raw + bytes(16))
        tree = SearchTree.read(path, len(nodes), size, 6)
    assert tree.children.reshape(-1, 2).tolist() == [list(pair) for pair in wide]


@given(
    st.dictionaries(
        st.tuples(st.ip_addresses(v=4), st.integers(1, 32)), st.integers(1, 99), max_size=8
    ),
    st.dictionaries(
        st.tuples(st.ip_addresses(v=6), st.integers(33, 128)), st.integers(1, 99), max_size=8
    ),
    ADDRESSES,
)
@settings(max_examples=60, deadline=None)
def test_any_tree_is_walked_as_maxminddb_walks_it(
    v4: dict[tuple[ipaddress.IPv4Address, int], int],
    v6: dict[tuple[ipaddress.IPv6Address, int], int],
    others: list[ipaddress.IPv4Address],
) -> None:
    """Nested and neighbouring networks of both families give the reader's own record."""
    networks = {"200.0.0.0/8": {"country": {"iso_code": "FR"}, "city": {"names": {"en": "0"}}}}
    for (base, width), number in {**v4, **v6}.items():
        network = str(ipaddress.ip_network((base, width), strict=False))
        networks[network] = {"city": {"names": {"en": str(number)}}}
    asked = [*others, *(base for base, _ in v4), *(base for base, _ in v6)]
    with tempfile.TemporaryDirectory() as folder:
        path = write_mmdb(Path(folder) / "c.mmdb", networks)
        frame = MmdbLocator.open(path).locate(b"".join(map(address_to_packed16, asked)))
        with maxminddb.open_database(path) as reader:
            records = [reader.get(getattr(a, "ipv4_mapped", None) or a) for a in asked]
    cities = [record and record["city"]["names"]["en"] for record in records]
    assert frame["city"].to_list() == cities


@given(st.lists(st.binary(min_size=18, max_size=18)), st.binary(min_size=32, max_size=32))
def test_pseudonyms_are_those_of_each_record_alone(records: list[bytes], key: bytes) -> None:
    """A column of records gives, row by row, the last block of AES in CBC mode of each."""
    own_key = blake2b((18).to_bytes(4), key=key, digest_size=16, person=b"atlas peers").digest()
    expected = []
    for record in records:
        cipher = Cipher(algorithms.AES(own_key), modes.CBC(bytes(16))).encryptor()
        encrypted = cipher.update(record.ljust(32, b"\0")) + cipher.finalize()
        expected.append(int.from_bytes(encrypted[16:24]))
    assert pseudonymise(b"".join(records), 18, key).tolist() == expected
