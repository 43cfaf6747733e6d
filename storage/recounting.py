"""What a run's parts say of its counts: the truth where a manifest may lag behind them."""

from __future__ import annotations

from typing import Final

import polars as pl

from storage.manifest import RunCounts
from storage.run_reader import RunReader
from swarm.census import CensusState
from swarm.sighting import Source

_BITS: Final = {
    "peers_dht": Source.DHT.bit,
    "peers_trackers": Source.TRACKER.bit,
    "peers_pex": Source.PEX.bit,
}
_STATES: Final = {
    "swarms_cut_off": CensusState.TIMEOUT.value,
    "swarms_unreachable": CensusState.UNREACHABLE.value,
    "swarms_private": CensusState.PRIVATE.value,
}


def recounted(reader: RunReader, counts: RunCounts) -> RunCounts:
    """`counts`, with all that parts can say taken from the run's parts.

    Raises:
        StorageError: a part does not read; names it.
    """
    outcomes = reader.outcomes().select("state", "queries", "canaries").collect()
    said = counted(reader.sightings(), outcomes)
    # Null where an older version wrote the run: then its own count is all there is.
    if outcomes["canaries"].null_count():
        del said["canaries_found"]
    asked = counts.model_dump()
    told = {name: count for name, count in said.items() if asked[name] is not None}
    return counts.model_copy(update=told)


def counted(sightings: pl.LazyFrame, outcomes: pl.DataFrame) -> dict[str, int]:
    """What these rows add to a run's counts, by the names of `RunCounts`."""
    named = [((pl.col("sources") & bit) != 0).sum().alias(name) for name, bit in _BITS.items()]
    by_source = sightings.select(pl.len().alias("peers"), *named).collect().row(0, named=True)
    states = outcomes["state"]
    return {
        **{name: int(count) for name, count in by_source.items()},
        **{name: int((states == state).sum()) for name, state in _STATES.items()},
        "swarms_done": len(outcomes),
        "queries": int(outcomes["queries"].sum()),
        "canaries_found": int(outcomes["canaries"].sum()),
    }
