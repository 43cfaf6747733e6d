"""The sorted table of nodes against the plain definition of what it promises."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from crawler.contact_order import ContactOrder
from crawler.node_table import NodeTable

contacts = st.binary(min_size=26, max_size=26)
# Ids that share long prefixes are what makes XOR order differ from numeric order.
clustered = st.builds(
    lambda head, tail: head * 10 + tail,
    st.sampled_from([b"\x00\x00", b"\x7f\xff", b"\x80\x00", b"\xff\xff"]),
    st.binary(min_size=6, max_size=6),
)
keys = st.one_of(
    st.binary(min_size=20, max_size=20), st.sampled_from([b"\x7f" + b"\xff" * 19, b"\x80" * 20])
)


@given(st.sets(st.one_of(contacts, clustered), max_size=120), keys, st.integers(1, 20))
def test_closest_is_exact(known: set[bytes], key: bytes, count: int) -> None:
    """The k closest by XOR are those that sorting everything would give, in that order."""
    table = NodeTable()
    for contact in known:
        table.add(contact, 0.0)

    number = int.from_bytes(key)
    ranked = sorted((int.from_bytes(contact[:20]) ^ number, contact) for contact in known)
    assert table.closest(key, count) == ranked[:count]


@given(st.integers(0, 2**32), st.integers(1, 3000), st.integers(1, 30))
def test_contacts_stay_in_order(seed: int, size: int, reach: int) -> None:
    """After any additions and removals the order is that of a sorted list, windows included."""
    rng = random.Random(seed)
    order = ContactOrder()
    model: set[bytes] = set()
    for _ in range(size):
        contact = rng.randbytes(2) + bytes(24)
        if contact in model:
            model.remove(contact)
            order.remove(contact)
        else:
            model.add(contact)
            order.add(contact)
    expected = sorted(model)
    assert list(order) == expected
    assert len(order) == len(expected)
    key = rng.randbytes(20)
    below = [contact for contact in expected if contact < key]
    above = [contact for contact in expected if contact >= key]
    window, all_below, all_above = order.around(key, reach)
    assert window == below[-reach:] + above[:reach]
    assert not all_below or len(below) <= reach
    assert not all_above or len(above) <= reach


@given(st.integers(0, 2**32), st.integers(0, 12), st.integers(100, 400), st.integers(1, 20))
def test_the_closest_are_exact_beside_a_crowd(seed: int, ours: int, crowd: int, count: int) -> None:
    """Few contacts on the key's side and a crowd on the other give the closest of both."""
    rng = random.Random(seed)
    table = NodeTable()
    known = [b"\x40" + rng.randbytes(19) + b"\x08" * 6 for _ in range(ours)]
    known += [b"\xc0" + rng.randbytes(19) + b"\x08" * 6 for _ in range(crowd)]
    for contact in known:
        table.add(contact, 0.0)
    key = b"\x41" + rng.randbytes(19)
    number = int.from_bytes(key)
    ranked = sorted((int.from_bytes(contact[:20]) ^ number, contact) for contact in known)
    assert table.closest(key, count) == ranked[:count]
