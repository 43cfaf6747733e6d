"""BEP 33's filters, against the vector that the BEP prints."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from swarm.bloom import EMPTY, FILTER_BYTES, bloom_estimate, bloom_of, bloom_union

V4 = [(IPv4Address("192.0.2.0") + i).packed for i in range(256)]
V6 = [(IPv6Address("2001:db8::") + i).packed for i in range(0x3E8)]


def test_the_vector_of_the_bep() -> None:
    """256 IPv4 and 1,000 IPv6 addresses estimate to 1224.9308, and begin as the BEP prints."""
    bloom = bloom_of([*V4, *V6])
    assert bloom.hex().upper().startswith("F6C3F5EAA07FFD91BDE89F777F26FB2B")
    estimate = bloom_estimate(bloom)
    assert int(estimate * 10_000) == 12_249_308  # 1224.93089: the BEP cuts, it does not round


def test_a_union_counts_each_address_once() -> None:
    """Filters that overlap unite to the filter of all addresses together."""
    assert bloom_union([bloom_of(V4), bloom_of(V4 + V6), EMPTY]) == bloom_of(V4 + V6)
    assert bloom_union([]) == EMPTY


@pytest.mark.parametrize("count", [0, 1, 10, 250])
def test_small_swarms_estimate_to_themselves(count: int) -> None:
    """A filter of few addresses estimates to their number, within one in twelve."""
    assert bloom_estimate(bloom_of(V4[:count])) == pytest.approx(count, rel=1 / 12)


def test_a_full_filter_has_an_estimate() -> None:
    """A filter without a zero bit, which anybody can send, gives a finite figure."""
    assert 7000 < bloom_estimate(b"\xff" * FILTER_BYTES) < 8000
