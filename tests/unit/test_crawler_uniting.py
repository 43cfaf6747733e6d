"""crawler.uniting: what two DHTs say of one infohash is one census, once both have spoken."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.family import IPV4, IPV6
from crawler.uniting import Uniting
from swarm.census import Captures, CensusState, SwarmCensus
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.sighting import PeerSighting, SightingColumns, Source

KEY, OTHER = InfoHash(b"k" * 20), InfoHash(b"o" * 20)
COMPLETE, TIMEOUT, UNREACHABLE = (
    CensusState.COMPLETE,
    CensusState.TIMEOUT,
    CensusState.UNREACHABLE,
)


def census(
    *peers: str, key: InfoHash = KEY, state: CensusState = COMPLETE, seeds: bytes | None = None
) -> SwarmCensus:
    node, now = Endpoint.parse("192.0.2.99:1"), datetime(2026, 11, 21, tzinfo=UTC)
    seen = [PeerSighting(key, Endpoint.parse(p), Source.DHT, node, now) for p in peers]
    columns = SightingColumns.of(key, Source.DHT, seen)
    caught = Captures(len(peers), 2, 1)
    return SwarmCensus(key, state, 10, columns, caught, seeds, None, 0.25)


def test_one_family_is_said_at_once() -> None:
    """Where one DHT is asked, its census passes, with its own figures beside it."""
    alone = Uniting(1).add(IPV6, census("[2001:db8::1]:1"))
    assert alone is not None
    assert (alone.reach, len(alone.sightings)) == (0.25, 1)
    assert [(of.version, of.peers, of.reach) for of in alone.by_family] == [(6, 1, 0.25)]


def test_the_first_word_waits_for_the_second() -> None:
    """Peers, queries and captures add up; filters unite; IPv4 stands first, whoever came first."""
    uniting = Uniting(2)
    assert uniting.add(IPV6, census("[2001:db8::1]:1", seeds=b"\x01" + bytes(255))) is None
    assert uniting.add(IPV6, census(key=OTHER)) is None
    both = uniting.add(IPV4, census("192.0.2.1:1", "192.0.2.2:1", seeds=b"\x06" + bytes(255)))
    assert both is not None
    assert {str(s.peer) for s in both.sightings} == {
        "192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1",
    }  # fmt: skip
    assert (both.queries, both.captures, both.reach) == (20, Captures(3, 4, 2), None)
    assert both.seeds == b"\x07" + bytes(255)
    assert both.downloaders is None
    assert [(of.version, of.peers) for of in both.by_family] == [(4, 2), (6, 1)]


@pytest.mark.parametrize(
    ("first", "second", "whole"),
    [
        (COMPLETE, COMPLETE, COMPLETE),
        (COMPLETE, UNREACHABLE, COMPLETE),
        (TIMEOUT, COMPLETE, TIMEOUT),
        (UNREACHABLE, TIMEOUT, TIMEOUT),
        (UNREACHABLE, UNREACHABLE, UNREACHABLE),
    ],
)
def test_the_state_of_both(first: CensusState, second: CensusState, whole: CensusState) -> None:
    """Cut off if one was; else complete if one came to its end."""
    uniting = Uniting(2)
    uniting.add(IPV4, census(state=first))
    both = uniting.add(IPV6, census(state=second))
    assert both is not None
    assert both.state is whole
