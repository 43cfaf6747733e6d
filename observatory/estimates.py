"""Estimates of a run: from what the crawl reports of each swarm to the columns of its outcomes."""

from __future__ import annotations

from analysis.estimate import Estimate, bloom_size, dht_size, swarm_size
from swarm.census import CensusState, SwarmCensus


def outcome_estimates(census: SwarmCensus) -> dict[str, float | None]:
    """The columns from `estimate` on of OUTCOME_COLUMNS; all null where nobody answered."""
    size = None
    if census.state is not CensusState.UNREACHABLE:
        caught = census.captures
        size = swarm_size(len(census.sightings), caught.first, caught.second, caught.both)
    seeds = None if census.seeds is None else bloom_size(census.seeds)
    downloaders = None if census.downloaders is None else bloom_size(census.downloaders)
    return {
        **_named(size, "estimate", "low", "high"),
        **_named(seeds, "seeds", "seeds_low", "seeds_high"),
        **_named(downloaders, "downloaders", "downloaders_low", "downloaders_high"),
    }


def _named(estimate: Estimate | None, value: str, low: str, high: str) -> dict[str, float | None]:
    if estimate is None:
        return {value: None, low: None, high: None}
    return {value: estimate.value, low: estimate.low, high: estimate.high}


def dht_counts(reaches: list[float]) -> dict[str, int]:
    """The DHT's size as `RunCounts` has it; nothing where no lookup came to its end."""
    size = dht_size(reaches)
    if size is None or size.high is None:
        return {}
    return {
        "dht_nodes": round(size.value),
        "dht_nodes_low": round(size.low),
        "dht_nodes_high": round(size.high),
    }
