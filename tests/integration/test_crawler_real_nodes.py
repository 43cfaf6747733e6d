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


def start_session(number: int) -> Any:
    """A real client that takes loopback for the internet (the settings libtorrent needs there)."""
    return libtorrent.session(
        {
            "listen_interfaces": f"127.0.{number}.{number}:0",
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


@pytest.fixture
def ring() -> Iterator[list[Any]]:
    sessions = [start_session(number) for number in range(1, SESSIONS + 1)]
    for session in sessions:
        for number, other in enumerate(sessions, start=1):
            if other is not session:
                session.add_dht_node((f"127.0.{number}.{number}", other.listen_port()))
    yield sessions
    for session in sessions:
        session.pause()


def test_finds_who_announced_to_real_nodes(ring: list[Any]) -> None:
    """Every session that announced is found by its address and port, and nobody else."""
    announcers = {(f"127.0.{n}.{n}", 7000 + n) for n in range(1, 7)}
    for number, session in enumerate(ring[:6], start=1):
        session.dht_announce(libtorrent.sha1_hash(KEY.digest), 7000 + number, 0)
    await_announcements(ring, announcers)
    plan = CensusPlan(
        bootstrap=(f"127.0.1.1:{ring[0].listen_port()}",),
        processes=1,
        max_packets_per_s=250,
        deadline_s=DEADLINE_S,
        allow_local=True,
    )
    (census,) = [e for e in take_census([KEY], plan) if isinstance(e, SwarmCensus)]
    assert census.state is CensusState.COMPLETE
    assert {(str(s.peer.address), s.peer.port) for s in census.sightings} == announcers
