"""The census against real DHT nodes: a ring of libtorrent sessions on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import libtorrent
import pytest

from crawler.census import CensusPlan, take_census
from swarm.census import CensusState, SwarmCensus
from swarm.infohash import InfoHash

SESSIONS = 8
DEADLINE_S = 60
KEY = InfoHash(bytes.fromhex("0123456789abcdef0123456789abcdef01234567"))


def host_of(number: int, *, ipv6: bool) -> str:
    """IPv6 has one loopback address only: there the sessions differ by their ports."""
    return "::1" if ipv6 else f"127.0.{number}.{number}"


def start_session(host: str) -> Any:
    """A real client that takes loopback for the internet (the settings libtorrent needs there)."""
    return libtorrent.session(
        {
            "listen_interfaces": f"[{host}]:0" if ":" in host else f"{host}:0",
            "enable_dht": True,
            "enable_lsd": False,
            "enable_upnp": False,
            "enable_natpmp": False,
            "dht_bootstrap_nodes": "",
            "dht_restrict_routing_ips": False,
            "dht_restrict_search_ips": False,
            "dht_ignore_dark_internet": False,
            "dht_enforce_node_id": False,
            "dht_prefer_verified_node_ids": False,
            "alert_mask": libtorrent.alert.category_t.dht_notification,
        }
    )


def await_announcements(sessions: list[Any], expected: set[tuple[str, int]]) -> None:
    """Wait until each announcer stands at some other node."""
    missing = set(expected)
    end = time.monotonic() + DEADLINE_S
    while missing and time.monotonic() < end:
        for session in sessions:
            session.wait_for_alert(20)
            for alert in session.pop_alerts():
                if isinstance(alert, libtorrent.dht_announce_alert):
                    missing.discard((str(alert.ip), alert.port))
    assert not missing


@pytest.fixture(params=[False, True], ids=["IPv4", "IPv6"])
def is_ipv6(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def ring(is_ipv6: bool) -> Iterator[list[Any]]:
    hosts = [host_of(number, ipv6=is_ipv6) for number in range(1, SESSIONS + 1)]
    sessions = [start_session(host) for host in hosts]
    for session in sessions:
        for host, other in zip(hosts, sessions, strict=True):
            if other is not session:
                session.add_dht_node((host, other.listen_port()))
    yield sessions
    for session in sessions:
        session.pause()


def test_finds_who_announced_to_real_nodes(ring: list[Any], is_ipv6: bool) -> None:
    """Every session that announced is found by its address and port, and nobody else."""
    announcers = {(host_of(n, ipv6=is_ipv6), 7000 + n) for n in range(1, 7)}
    for number, session in enumerate(ring[:6], start=1):
        session.dht_announce(libtorrent.sha1_hash(KEY.digest), 7000 + number, 0)
    await_announcements(ring, announcers)
    plan = CensusPlan(
        bootstrap=(f"{'[::1]' if is_ipv6 else '127.0.1.1'}:{ring[0].listen_port()}",),
        processes=1,
        max_packets_per_s=250,
        deadline_s=DEADLINE_S,
        allow_local=True,
    )
    (census,) = [e for e in take_census([KEY], plan) if isinstance(e, SwarmCensus)]
    assert census.state is CensusState.COMPLETE
    assert {(str(s.peer.address), s.peer.port) for s in census.sightings} == announcers
