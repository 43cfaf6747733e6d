"""crawler.addresses, patience and pacing's window: what bounds a crawl."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from crawler.addresses import BogonFilter
from crawler.family import IPV6
from crawler.pacing import FlightWindow
from crawler.patience import FIRST_TIMEOUT_S, LEAST_TIMEOUT_S, MOST_TIMEOUT_S, Patience


@pytest.mark.parametrize(
    ("address", "port", "bogus", "bogus_in_a_lab"),
    [
        ("8.8.8.8", 1, False, False),
        ("100.63.255.255", 1, False, False),
        ("100.64.0.0", 1, True, False),
        ("100.128.0.0", 1, False, False),
        ("172.15.255.255", 1, False, False),
        ("172.16.0.0", 1, True, False),
        ("172.31.255.255", 1, True, False),
        ("172.32.0.0", 1, False, False),
        ("192.168.1.1", 1, True, False),
        ("10.1.2.3", 1, True, False),
        ("127.0.0.1", 1, True, False),
        ("169.254.3.3", 1, True, False),
        ("198.19.0.1", 1, True, False),
        ("203.0.113.9", 1, True, False),
        ("0.0.0.0", 1, True, True),
        ("0.1.2.3", 1, True, True),
        ("224.0.0.1", 1, True, True),
        ("239.255.255.255", 1, True, True),
        ("255.255.255.255", 1, True, True),
        ("8.8.8.8", 0, True, True),
        ("127.0.0.1", 0, True, True),
    ],
)
def test_bogons(address: str, port: int, bogus: bool, bogus_in_a_lab: bool) -> None:
    """Reserved addresses are nobody's; local ones are somebody's where that is said."""
    compact = ip_address(address).packed + port.to_bytes(2)
    assert BogonFilter(allow_local=False).is_bogus(compact) is bogus
    assert BogonFilter(allow_local=True).is_bogus(compact) is bogus_in_a_lab


@pytest.mark.parametrize(
    ("address", "bogus", "bogus_in_a_lab"),
    [
        ("2606:4700::1111", False, False),
        ("2a00:1450::1", False, False),
        ("2001:470::1", False, False),
        ("2001:0:4136:e378::1", False, False),  # Teredo
        ("2002:c000:204::1", False, False),  # 6to4
        ("2001:1::1", True, False),
        ("2001:20::1", True, False),
        ("2001:1ff:ffff::1", True, False),
        ("2001:200::1", False, False),
        ("2001:db8::1", True, False),
        ("3fff:fff::1", True, False),
        ("3fff:1000::1", False, False),
        ("::1", True, False),
        ("100::1", True, False),
        ("64:ff9b:1::1", True, False),
        ("4000::1", True, False),
        ("5f00::1", True, False),
        ("fc00::1", True, False),
        ("fd12::1", True, False),
        ("::", True, True),
        ("::ffff:8.8.8.8", True, True),
        ("fe80::1", True, True),
        ("ff02::1", True, True),
    ],
)
def test_bogons_of_ipv6(address: str, bogus: bool, bogus_in_a_lab: bool) -> None:
    """The same for IPv6, where only 2000::/3 has been given out; port 0 is nobody's anywhere."""
    compact = ip_address(address).packed + b"\x1a\xe1"
    outside = BogonFilter(allow_local=False, family=IPV6)
    assert outside.is_bogus(compact) is bogus
    assert BogonFilter(allow_local=True, family=IPV6).is_bogus(compact) is bogus_in_a_lab
    assert outside.is_bogus(compact[:-2] + b"\0\0")


def test_a_shunned_network_counts_in_its_own_family() -> None:
    """Networks that opted out are refused, IPv4 by the IPv4 filter and IPv6 by the other."""
    networks = [ip_network("8.8.8.0/24"), ip_network("2606:4700::/32")]
    v4 = BogonFilter(allow_local=False, shunned=networks)
    v6 = BogonFilter(allow_local=False, shunned=networks, family=IPV6)
    assert v4.is_bogus(bytes((8, 8, 8, 8, 1, 1)))
    assert not v4.is_bogus(bytes((8, 8, 9, 8, 1, 1)))
    assert v6.is_bogus(ip_address("2606:4700::1").packed + b"\1\1")
    assert not v6.is_bogus(ip_address("2606:4701::1").packed + b"\1\1")


def test_timeouts_follow_the_round_trips() -> None:
    """The timeout falls on a quick network, rises on a slow one, and stays within its bounds."""
    patience = Patience()
    assert patience.timeout_s == FIRST_TIMEOUT_S
    for _ in range(1000):
        patience.replied(0.0001)
    assert patience.timeout_s == LEAST_TIMEOUT_S
    for _ in range(5000):
        patience.replied(0.5)
    assert 1.0 <= patience.timeout_s <= 1.3
    for _ in range(5000):
        patience.replied(30.0)
    assert patience.timeout_s == MOST_TIMEOUT_S


def test_the_window_shrinks_only_when_known_nodes_fall_silent() -> None:
    """Steady answers widen it, a third lost narrows it, and it stays within its bounds."""
    window = FlightWindow()
    begun = window.size
    for _ in range(10_000):
        window.answered()
    assert begun < window.size == FlightWindow.MOST
    for _ in range(10_000):
        window.answered()
        window.silent()
    assert window.size == FlightWindow.LEAST


def test_the_window_opens_quickly_until_it_was_too_much() -> None:
    """Each epoch of answers doubles it at first, and adds a quarter after it had to shrink."""
    window = FlightWindow()
    begun = window.size
    for _ in range(64):
        window.answered()
    assert window.size == 2 * begun
    for _ in range(64):
        window.silent()
    shrunk = window.size
    assert shrunk < 2 * begun
    for _ in range(64):
        window.answered()
    assert window.size == shrunk * 5 // 4
