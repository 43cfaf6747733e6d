"""crawler.task: what goes between a census and its workers."""

from __future__ import annotations

import pickle

import pytest

from crawler.task import pack, unpack
from swarm.census import Captures, CensusState, SwarmCensus
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

KEY = InfoHash(bytes(range(20)))
TWO = SightingColumns(KEY, Source.DHT, b"a" * 32, b"p" * 4, b"t" * 36, b"s" * 16)
NOBODY = SightingColumns(KEY, Source.DHT, b"", b"", b"", b"")


@pytest.mark.parametrize(
    "census",
    [
        SwarmCensus(KEY, CensusState.COMPLETE, 12, TWO, Captures(2, 1, 1), b"S", b"D", 0.25),
        SwarmCensus(KEY, CensusState.TIMEOUT, 0, NOBODY),
    ],
)
def test_a_census_comes_through_the_pipe_as_it_was(census: SwarmCensus) -> None:
    """Packed, pickled, unpickled and unpacked it equals what the worker had."""
    assert unpack(pickle.loads(pickle.dumps(pack(census)))) == census
