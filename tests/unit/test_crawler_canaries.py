"""crawler.canaries: what share of the peers that are known beforehand a census finds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crawler.canaries import read_canaries
from swarm.census import CensusState, SwarmCensus
from swarm.endpoint import Endpoint
from swarm.errors import SettingsError
from swarm.infohash import InfoHash
from swarm.sighting import PeerSighting, SightingColumns, Source

ONE, TWO = InfoHash(b"1" * 20), InfoHash(b"2" * 20)
TEXT = f"""
# planted on 2026-11-21
{ONE} 192.0.2.1:6881
{ONE} 192.0.2.1:6882   # a second client there
{ONE} [2001:db8::1]:6881
{ONE} 192.0.2.1:6881
{TWO.hex.upper()} 192.0.2.1:6881
"""


def census(infohash: InfoHash, *peers: str) -> SwarmCensus:
    node, now = Endpoint.parse("192.0.2.99:1"), datetime(2026, 11, 21, tzinfo=UTC)
    seen = [PeerSighting(infohash, Endpoint.parse(p), Source.DHT, node, now) for p in peers]
    columns = SightingColumns.of(infohash, Source.DHT, seen)
    return SwarmCensus(infohash, CensusState.COMPLETE, 9, columns)


def test_each_known_peer_counts_once() -> None:
    """Doubles are one, comments none, both families are read; within() keeps what is asked."""
    canaries = read_canaries(TEXT, file="canaries.txt")
    assert len(canaries) == 4
    assert len(canaries.within([ONE])) == 3
    assert len(canaries.within([InfoHash(bytes(20))])) == 0


def test_a_peer_is_found_in_its_own_swarm_only() -> None:
    """Address, port and infohash must all agree; what else was found does not matter."""
    canaries = read_canaries(TEXT, file="canaries.txt")
    found = ("192.0.2.1:6881", "[2001:db8::1]:6881", "192.0.2.2:6882", "192.0.2.7:6881")
    assert canaries.found_by(census(ONE, *found)) == 2
    assert canaries.found_by(census(TWO, *found)) == 1
    assert canaries.found_by(census(InfoHash(bytes(20)), *found)) == 0
    assert canaries.found_by(census(ONE)) == 0


@pytest.mark.parametrize(
    "line", ["x", f"{ONE}", f"{ONE} 192.0.2.1", f"{ONE} 192.0.2.1:0", f"{ONE} a b", "12 1.2.3.4:5"]
)
def test_a_line_that_is_no_canary_is_named(line: str) -> None:
    """The error says which file and line, and how one is written."""
    with pytest.raises(SettingsError, match=r"c\.txt, line 2: .* is no infohash with a peer"):
        read_canaries(f"\n{line}\n", file="c.txt")
