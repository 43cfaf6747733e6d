"""analysis.prefixes: a network, and never the address within it."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import numpy as np
import pytest

from analysis.prefixes import network_prefixes
from tests.geo_databases import packed


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("0.0.0.1", "0.0.0.0/24"),
        ("255.255.255.255", "255.255.255.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::1", "::/48"),
        ("ffff:ffff:ffff:ffff::", "ffff:ffff:ffff::/48"),
        ("2002:cb00:714d::1", "2002:cb00:7100::/40"),  # 203.0.113.77 by 6to4: its /24
    ],
)
def test_each_family_has_its_length(address: str, network: str) -> None:
    """IPv4 keeps 24 bits, IPv6 48, and 6to4 so many that 24 of the IPv4 within are left."""
    assert network_prefixes(packed(address)).to_list() == [network]


def test_random_addresses_are_in_their_networks() -> None:
    """In the order given, for both families mixed."""
    random = np.random.default_rng(1)
    texts = [str(IPv4Address(int(n))) for n in random.integers(0, 2**32, 500)]
    texts += [str(IPv6Address(random.bytes(16))) for _ in range(500)]
    texts = [str(text) for text in random.permutation(texts)]
    found = network_prefixes(packed(*texts)).to_list()
    for text, name in zip(texts, found, strict=True):
        network = ip_network(name)
        assert ip_address(text) in network
        assert network.prefixlen == (48 if isinstance(network, IPv6Network) else 24)


def test_nobody_has_no_network() -> None:
    """No addresses, no prefixes."""
    assert network_prefixes(b"").to_list() == []
