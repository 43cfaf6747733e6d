"""crawler.plan: where a census begins, from the bootstrap nodes and from nodes met earlier."""

from __future__ import annotations

import random
import time
from ipaddress import ip_address

import pytest

from crawler.family import IPV4, IPV6
from crawler.kept_nodes import KeptNodes
from crawler.plan import CensusPlan, check_uncapped, networks_of
from swarm.errors import SettingsError

RNG = random.Random(3)


def contact(host: str) -> bytes:
    return RNG.randbytes(20) + ip_address(host).packed + b"\x1a\xe1"


PUBLIC, LOCAL, LOCAL6 = contact("8.8.8.8"), contact("127.3.3.3"), contact("::1")


def plan(*bootstrap: str, rate: float = 100.0) -> CensusPlan:
    return CensusPlan(
        bootstrap=bootstrap, processes=1, max_packets_per_s=rate, deadline_s=1.0, allow_local=True
    )


def nodes() -> KeptNodes:
    now_s = int(time.time())
    return KeptNodes({PUBLIC: now_s - 1, LOCAL: now_s - 2, LOCAL6: now_s - 3})


def test_a_family_is_asked_where_a_bootstrap_node_is_of_it() -> None:
    """IPv4 alone, IPv6 alone, or both, as the bootstrap nodes are; `[address]:port` is read."""
    v4, v6 = "127.0.0.1:6881", "[::1]:6881"
    asked = [
        [n.family for n in networks_of(plan(*b), KeptNodes())] for b in ((v4,), (v6,), (v6, v4))
    ]
    assert asked == [[IPV4], [IPV6], [IPV4, IPV6]]
    (network,) = networks_of(plan(v6), KeptNodes())
    assert network.bootstrap == (("::1", 6881),)


def test_nodes_of_the_internet_are_no_nodes_of_a_private_dht() -> None:
    """Whoever bootstraps in a private network reaches nobody else through kept nodes."""
    for rate in (100.0, 0.0):
        (network,) = networks_of(plan("127.0.0.1:6881", rate=rate), nodes())
        assert network.known == [LOCAL]


def test_without_a_cap_nothing_public_is_accepted() -> None:
    """A bootstrap node of the internet is refused by name, in either family."""
    check_uncapped(["127.0.0.1:1", "10.0.0.1:2", "[::1]:3"])
    with pytest.raises(SettingsError, match=r"8\.8\.4\.4:6881 is on the public internet"):
        check_uncapped(["127.0.0.1:1", "8.8.4.4:6881"])
