"""Outcomes of a run: from what the crawl reports of each swarm to rows with their estimates."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from analysis.estimate import Estimate, bloom_size, dht_size, swarm_size
from swarm.census import CensusState, SwarmCensus
from swarm.columns import OUTCOME_COLUMNS, polars_schema


def outcome_frame(finished: list[tuple[int, SwarmCensus]]) -> pl.DataFrame:
    """OUTCOME_COLUMNS of swarms that have just been finished."""
    if not finished:
        return pl.DataFrame(schema=polars_schema(OUTCOME_COLUMNS))
    now = datetime.now(UTC)
    estimates = [_estimates(census) for _, census in finished]
    return pl.DataFrame(
        {
            "swarm": [number for number, _ in finished],
            "state": [census.state.value for _, census in finished],
            "queries": [census.queries for _, census in finished],
            "unique_peers": [len(census.sightings) for _, census in finished],
            "ended_at": [now] * len(finished),
            **{name: [row[name] for row in estimates] for name in estimates[0]},
        },
        schema=polars_schema(OUTCOME_COLUMNS),
    )


def _estimates(census: SwarmCensus) -> dict[str, float | None]:
    """The columns from `estimate` on; all null where nobody answered."""
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
