"""The two DHTs differ in widths only, and the widths are those of BEP 5 and BEP 32."""

from __future__ import annotations

import pytest

from crawler.addresses import socket_address_of
from crawler.family import FAMILIES, IPV4, IPV6, Family, family_of
from crawler.krpc import CONTACT6_BYTES, CONTACT_BYTES, PEER6_BYTES, PEER_BYTES
from swarm.endpoint import Endpoint, address_to_packed16, endpoint_to_compact


def test_widths_are_those_of_the_wire() -> None:
    """Peers and contacts are as wide as the codec reads them."""
    widths = [(family.peer_bytes, family.contact_bytes) for family in FAMILIES]
    assert widths == [(PEER_BYTES, CONTACT_BYTES), (PEER6_BYTES, CONTACT6_BYTES)]


@pytest.mark.parametrize(
    ("family", "host"), [(IPV4, "203.0.113.9"), (IPV6, "2001:db8::7"), (IPV6, "::1")]
)
def test_socket_addresses_come_back(family: Family, host: str) -> None:
    """A socket's address survives the way into compact form and back, and sightings agree."""
    compact = family.to_compact((host, 6881))
    endpoint = Endpoint.parse(f"[{host}]:6881")
    assert compact == endpoint_to_compact(endpoint)
    assert family.to_socket_address(compact) == (host, 6881)
    assert socket_address_of(bytes(20) + compact) == (host, 6881)
    assert family.mapping + compact[:-2] == address_to_packed16(endpoint.address)
    assert family_of(compact) is family


def test_other_widths_have_no_family() -> None:
    """What is neither 6 nor 18 bytes long is refused."""
    with pytest.raises(ValueError, match="not 7"):
        family_of(b"1234567")
