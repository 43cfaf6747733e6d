"""Uniting: the two DHTs' words on one infohash become one census, which still tells them apart.

An IPv4 peer is only ever announced in the one, an IPv6 peer only in the other (BEP 32), so the
sightings are disjoint, and what was caught in each half of the holders adds up.
"""

from __future__ import annotations

from dataclasses import replace

from crawler.family import Family
from swarm.census import Captures, CensusState, FamilyCensus, SwarmCensus
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns


class Uniting:
    """Holds a census back until every family that is asked has had its word."""

    def __init__(self, families: int) -> None:
        self._families = families
        self._waiting: dict[InfoHash, list[SwarmCensus]] = {}

    def add(self, family: Family, census: SwarmCensus) -> SwarmCensus | None:
        """The census of all families, once this is the last one that was missing."""
        said = replace(census, by_family=(_of_family(family, census),))
        if self._families == 1:
            return said
        before = self._waiting.pop(census.infohash, [])
        if len(before) + 1 < self._families:
            self._waiting[census.infohash] = [*before, said]
            return None
        for other in before:
            said = unite(other, said)
        return said


def _of_family(family: Family, census: SwarmCensus) -> FamilyCensus:
    return FamilyCensus(
        family.version, census.state, len(census.sightings), census.captures, census.reach
    )


def unite(first: SwarmCensus, second: SwarmCensus) -> SwarmCensus:
    """One census of two networks. It is cut off if one was, and complete if either came to its end.

    `reach` is that of one network and has no meaning for two: it stays in `by_family`.
    """
    return SwarmCensus(
        first.infohash,
        _state({first.state, second.state}),
        first.queries + second.queries,
        _columns(first.sightings, second.sightings),
        Captures(
            first.captures.first + second.captures.first,
            first.captures.second + second.captures.second,
            first.captures.both + second.captures.both,
        ),
        _united(first.seeds, second.seeds),
        _united(first.downloaders, second.downloaders),
        None,
        tuple(sorted([*first.by_family, *second.by_family], key=lambda one: one.version)),
    )


def _state(states: set[CensusState]) -> CensusState:
    for state in (CensusState.TIMEOUT, CensusState.COMPLETE):
        if state in states:
            return state
    return CensusState.UNREACHABLE


def _columns(first: SightingColumns, second: SightingColumns) -> SightingColumns:
    return SightingColumns(
        first.infohash,
        first.source,
        first.addresses + second.addresses,
        first.ports + second.ports,
        first.told_by + second.told_by,
        first.seen_at_us + second.seen_at_us,
    )


def _united(first: bytes | None, second: bytes | None) -> bytes | None:
    """Two filters of BEP 33 as one; a filter takes addresses of either family."""
    if first is None or second is None:
        return first or second
    union = int.from_bytes(first) | int.from_bytes(second)
    return union.to_bytes(len(first))
