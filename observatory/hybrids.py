"""Hybrid torrents are two swarms in the DHT and one torrent to a reader: their censuses join.

BEP 52: a hybrid announces under its v1 infohash and under its cut v2 infohash, and a peer may stand
under both. It counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from swarm.bloom import bloom_union
from swarm.census import Captures, CensusState, FamilyCensus, SwarmCensus
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns

# The worst of two states is what the joined census says.
_BADNESS = {state: rank for rank, state in enumerate(CensusState)}


class HybridJoin:
    """Maps DHT keys to swarm numbers, and holds a hybrid's first census until its second comes."""

    def __init__(self, keys_of: Sequence[Sequence[InfoHash]]) -> None:
        """Take the DHT keys of each swarm, by its number."""
        self._numbers: dict[InfoHash, int] = {}
        self._missing: dict[int, int] = {}
        for number, keys in enumerate(keys_of):
            for key in keys:
                self._numbers.setdefault(key, number)
        for number in self._numbers.values():
            self._missing[number] = self._missing.get(number, 0) + 1
        self._held: dict[int, SwarmCensus] = {}
        self._unwritten: set[int] = set()

    @property
    def keys(self) -> list[InfoHash]:
        """All keys to ask for, each once."""
        return list(self._numbers)

    @property
    def numbers(self) -> Mapping[InfoHash, int]:
        """The swarm's number of each key."""
        return self._numbers

    def add(self, census: SwarmCensus) -> list[tuple[int, SwarmCensus]]:
        """The finished swarms that this census completes: one, or none yet."""
        number = self._numbers[census.infohash]
        held = self._held.pop(number, None)
        joined = census if held is None else join_censuses(held, census)
        self._missing[number] -= 1
        if self._missing[number]:
            self._held[number] = joined
            self._unwritten.add(number)
            return []
        self._unwritten.discard(number)
        return [(number, joined)]

    def fresh_halves(self) -> list[tuple[int, SwarmCensus]]:
        """First halves that came since `mark_written`: their peers need not wait for the second."""
        return [(number, self._held[number]) for number in sorted(self._unwritten)]

    def mark_written(self, numbers: Iterable[int]) -> None:
        """Say that the peers of these halves are kept."""
        self._unwritten.difference_update(numbers)

    def leftovers(self) -> list[tuple[int, SwarmCensus]]:
        """Halves whose other half never came, as what they are: cut short."""
        halves = [
            (number, replace(census, state=CensusState.TIMEOUT))
            for number, census in self._held.items()
        ]
        self._held.clear()
        self._unwritten.clear()
        return halves


def join_censuses(first: SwarmCensus, second: SwarmCensus) -> SwarmCensus:
    """One census of both: every peer endpoint once, on the word of who said it first."""
    sightings = _union(first.sightings, second.sightings)
    return SwarmCensus(
        first.infohash,
        _worse(first.state, second.state),
        first.queries + second.queries,
        sightings,
        _sum(first.captures, second.captures),
        _united(first.seeds, second.seeds),
        _united(first.downloaders, second.downloaders),
        by_family=_by_family(first, second, sightings),
    )


def _worse(first: CensusState, second: CensusState) -> CensusState:
    return max(first, second, key=_BADNESS.__getitem__)


def _by_family(
    first: SwarmCensus, second: SwarmCensus, sightings: SightingColumns
) -> tuple[FamilyCensus, ...]:
    """What each DHT said under both keys; `sightings` are the peers of both, each once."""
    said: dict[int, FamilyCensus] = {}
    for one in (*first.by_family, *second.by_family):
        before = said.get(one.version, one)
        captures = one.captures if before is one else _sum(before.captures, one.captures)
        said[one.version] = FamilyCensus(
            one.version,
            _worse(before.state, one.state),
            sightings.count_of(one.version),
            captures,
        )
    return tuple(said[version] for version in sorted(said))


def _sum(first: Captures, second: Captures) -> Captures:
    return Captures(
        first.first + second.first, first.second + second.second, first.both + second.both
    )


def _united(first: bytes | None, second: bytes | None) -> bytes | None:
    filters = [bloom for bloom in (first, second) if bloom is not None]
    return bloom_union(filters) if filters else None


def _union(first: SightingColumns, second: SightingColumns) -> SightingColumns:
    known = set(first.endpoints)
    new = [i for i, endpoint in enumerate(second.endpoints) if endpoint not in known]
    return SightingColumns(
        first.infohash,
        first.source,
        first.addresses + b"".join(second.addresses[16 * i : 16 * i + 16] for i in new),
        first.ports + b"".join(second.ports[2 * i : 2 * i + 2] for i in new),
        first.told_by + b"".join(second.told_by[18 * i : 18 * i + 18] for i in new),
        first.seen_at_us + b"".join(second.seen_at_us[8 * i : 8 * i + 8] for i in new),
    )
