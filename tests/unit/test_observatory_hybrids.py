"""observatory.hybrids: two lookups of one torrent become one swarm, each peer once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from observatory.hybrids import HybridJoin, join_censuses
from swarm.bloom import bloom_of
from swarm.census import Captures, CensusState, SwarmCensus
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


def test_estimates_of_both_keys_join() -> None:
    """Captures add up, filters unite, and a half without any leaves the other's as they are."""
    ours, theirs = bloom_of([b"aaaa"]), bloom_of([b"bbbb"])
    first = replace(census(V1), captures=Captures(3, 4, 2), seeds=ours)
    second = replace(census(V2), captures=Captures(1, 1, 1), seeds=theirs, downloaders=theirs)
    joined = join_censuses(first, second)
    assert joined.captures == Captures(4, 5, 3)
    assert joined.seeds == bloom_of([b"aaaa", b"bbbb"])
    assert joined.downloaders == theirs
    assert join_censuses(census(V1), census(V2)).seeds is None
