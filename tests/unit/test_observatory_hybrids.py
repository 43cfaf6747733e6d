"""observatory.hybrids: two lookups of one torrent become one swarm, each peer once."""

from __future__ import annotations

from datetime import UTC, datetime

from observatory.hybrids import HybridJoin
from swarm.census import CensusState, SwarmCensus
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.sighting import PeerSighting, SightingColumns, Source

V1, V2, PLAIN = (InfoHash(letter * 20) for letter in (b"1", b"2", b"p"))
NODE = Endpoint.parse("127.0.0.9:1")


def census(key: InfoHash, *peers: str, state: CensusState = CensusState.COMPLETE) -> SwarmCensus:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    sightings = [PeerSighting(key, Endpoint.parse(p), Source.DHT, NODE, now) for p in peers]
    return SwarmCensus(key, state, 10, SightingColumns.of(key, Source.DHT, sightings))


def test_hybrid_is_held_until_both_halves_are_there() -> None:
    """A hybrid comes out once, with the union of its peers and the sum of its queries."""
    join = HybridJoin([[PLAIN], [V1, V2]])
    assert join.keys == [PLAIN, V1, V2]
    assert join.add(census(V2, "127.0.0.1:1", "127.0.0.1:2", state=CensusState.TIMEOUT)) == []
    ((number, joined),) = join.add(census(V1, "127.0.0.1:2", "127.0.0.1:3"))
    assert (number, joined.queries, joined.state) == (1, 20, CensusState.TIMEOUT)
    peers = [str(s.peer) for s in joined.sightings]
    assert peers == ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]
    assert join.leftovers() == []


def test_plain_torrent_passes_through() -> None:
    """One key, one census, unchanged."""
    join = HybridJoin([[PLAIN], [V1, V2]])
    found = census(PLAIN, "127.0.0.1:1")
    assert join.add(found) == [(0, found)]


def test_half_a_hybrid_is_kept_as_cut_short() -> None:
    """When the crawl ends early, the half that came is kept and says that it is incomplete."""
    join = HybridJoin([[V1, V2]])
    join.add(census(V1, "127.0.0.1:1"))
    ((number, half),) = join.leftovers()
    assert (number, half.state, len(half.sightings)) == (0, CensusState.TIMEOUT, 1)
    assert join.leftovers() == []
