"""crawler.bep42: the vectors of the BEP, and who is exempt."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from crawler.bep42 import id_agrees

# Address, first three bytes of the id (the last three bits of them are free), last byte.
VECTORS = [
    ("124.31.75.21", "5fbfbf", 1),
    ("21.75.31.124", "5a3ce9", 86),
    ("65.23.51.170", "a5d432", 22),
    ("84.124.73.14", "1b0321", 65),
    ("43.213.53.83", "e56f6c", 90),
]


def contact(address: str, prefix: str, last: int) -> bytes:
    node_id = bytes.fromhex(prefix) + bytes(16) + bytes((last,))
    return node_id + IPv4Address(address).packed + (6881).to_bytes(2)


@pytest.mark.parametrize(("address", "prefix", "last"), VECTORS)
def test_the_vectors_of_the_bep_agree(address: str, prefix: str, last: int) -> None:
    """The BEP's own ids agree with their addresses, and with no other one."""
    assert id_agrees(contact(address, prefix, last))
    assert not id_agrees(contact("8.8.8.8", prefix, last))


def test_local_addresses_are_exempt() -> None:
    """Any id is fine on a private or loopback address."""
    assert id_agrees(contact("127.3.2.1", "000000", 0))
    assert id_agrees(contact("192.168.1.1", "ffffff", 7))
