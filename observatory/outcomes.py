"""Rows of a run: from what all sources said of each swarm to outcomes with their estimates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

import polars as pl

from analysis.estimate import Estimate, bloom_size, chapman, dht_size, swarm_size
from observatory.jobs import CrawlTarget
from observatory.testimony import SwarmFinding
from storage.manifest import RunCounts
from swarm.census import CensusState, SwarmCensus
from swarm.columns import OUTCOME_COLUMNS, SWARM_COLUMNS, TRACKER_COLUMNS, polars_schema
from swarm.sighting import Source
from swarm.tracking import TrackerOutcome
from swarm.visit import VisitOutcome

_NONE: Mapping[int, int] = MappingProxyType({})
_NEVER: Mapping[int, datetime] = MappingProxyType({})
_DHT, _TRACKER, _PEX = Source.DHT.bit, Source.TRACKER.bit, Source.PEX.bit


def swarm_frame(targets: Sequence[CrawlTarget]) -> pl.DataFrame:
    """SWARM_COLUMNS of what is asked, numbered in the order given."""
    rows = [
        {
            "swarm": number,
            "infohash": target.infohash,
            "name": target.name,
            "size_bytes": target.size_bytes,
            "category": target.category,
            "language": target.language,
        }
        for number, target in enumerate(targets)
    ]
    return pl.DataFrame(rows, schema=polars_schema(SWARM_COLUMNS))


def outcome_frame(
    finished: Sequence[SwarmFinding],
    placed: pl.DataFrame,
    canaries: Mapping[int, int] = _NONE,
    *,
    ended_at: Mapping[int, datetime] = _NEVER,
) -> pl.DataFrame:
    """OUTCOME_COLUMNS of swarms that have just been finished.

    `placed`: all their sightings. `canaries`: by swarm, how many of the known peers were found.
    `ended_at`: by swarm, when it was; now, where that is not said.
    """
    schema = polars_schema(OUTCOME_COLUMNS)
    if not finished:
        return pl.DataFrame(schema=schema)
    now = datetime.now(UTC)
    counted = _counted(placed)
    rows = [
        {
            "swarm": finding.number,
            "state": finding.census.state.value,
            "queries": finding.census.queries,
            "ended_at": ended_at.get(finding.number, now),
            **_estimates(finding.census),
            **_per_source(finding, counted.get(finding.number, _NOBODY)),
            **_per_dht(finding.census),
            **_met(finding),
            "canaries": canaries.get(finding.number, 0),
        }
        for finding in finished
    ]
    return pl.DataFrame(rows, schema=schema)


_NOBODY = (0, 0, 0, 0, 0)


def _counted(placed: pl.DataFrame) -> dict[int, tuple[int, int, int, int, int]]:
    """By swarm: its peers, those of each source, and those of both the DHT and trackers."""
    named = {bit: (pl.col("sources") & bit) != 0 for bit in (_DHT, _TRACKER, _PEX)}
    counts = placed.group_by("swarm").agg(
        pl.len(),
        *[told.sum().alias(str(bit)) for bit, told in named.items()],
        (named[_DHT] & named[_TRACKER]).sum().alias("both"),
    )
    return {swarm: tuple(rest) for swarm, *rest in counts.iter_rows()}


def _per_source(
    finding: SwarmFinding, counts: tuple[int, int, int, int, int]
) -> dict[str, float | int | None]:
    """How many each source named, and the size that follows where two of them are independent.

    The DHT and the trackers are: a client tells each by itself. Whom peers name is no catch of its
    own, since those peers were found through the others.
    """
    unique, dht, trackers, pex, both = counts
    asked = finding.named_by_trackers
    size = chapman(dht, trackers, both) if asked else None
    return {
        "unique_peers": unique,
        "peers_dht": None if finding.census.state is CensusState.PRIVATE else dht,
        "peers_trackers": trackers if asked else None,
        "peers_pex": pex if finding.visits else None,
        **_named(size, "between", "between_low", "between_high"),
    }


def _per_dht(census: SwarmCensus) -> dict[str, float | int | None]:
    """What each of the two DHTs had to say: the same estimate as of both together."""
    said = {one.version: one for one in census.by_family}
    row: dict[str, float | int | None] = {}
    for version in (4, 6):
        one, name = said.get(version), f"dht{version}"
        row[f"{name}_peers"] = None if one is None else one.peers
        size = None
        if one is not None and one.state.has_heard:
            caught = one.captures
            size = swarm_size(one.peers, caught.first, caught.second, caught.both)
        row |= _named(size, f"{name}_estimate", f"{name}_low", f"{name}_high")
    return row


def _met(finding: SwarmFinding) -> dict[str, int | None]:
    if not finding.visits:
        return {"reached": None, "seeds_met": None, "leechers_met": None}
    met = [visit.seed for visit in finding.visits if visit.outcome is VisitOutcome.REACHED]
    return {"reached": len(met), "seeds_met": met.count(True), "leechers_met": met.count(False)}


def answer_frame(finished: Sequence[SwarmFinding]) -> pl.DataFrame:
    """TRACKER_COLUMNS of these swarms."""
    rows = [
        {
            "swarm": finding.number,
            "infohash": answer.infohash.hex,
            "tracker": answer.tracker,
            "action": answer.action.value,
            "outcome": answer.outcome.value,
            "seeders": answer.seeders,
            "leechers": answer.leechers,
            "completed": answer.completed,
            "peers": None if answer.sightings is None else len(answer.sightings),
            "message": answer.message,
            "seconds": answer.seconds,
        }
        for finding in finished
        for answer in finding.answers
    ]
    return pl.DataFrame(rows, schema=polars_schema(TRACKER_COLUMNS))


def _estimates(census: SwarmCensus) -> dict[str, float | None]:
    """The columns from `estimate` on; all null where nobody answered."""
    size = None
    if census.state.has_heard:
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


def dht_counts(reaches: Mapping[int, list[float]]) -> dict[str, int]:
    """The sizes of the DHTs, 4 and 6, as `RunCounts` has them; where no lookup ended, nothing."""
    counts = {}
    for version, name in ((4, "dht_nodes"), (6, "dht6_nodes")):
        size = dht_size(reaches.get(version, []))
        if size is not None and size.high is not None:
            counts[name] = round(size.value)
            counts[f"{name}_low"] = round(size.low)
            counts[f"{name}_high"] = round(size.high)
    return counts


def source_counts(
    before: RunCounts, finished: Sequence[SwarmFinding], sightings: pl.DataFrame
) -> dict[str, int | None]:
    """What `RunCounts` says of sources, with these swarms and the sightings written of them."""

    def more(count: int | None, bit: int) -> int | None:
        return None if count is None else count + int(((sightings["sources"] & bit) != 0).sum())

    answers = [answer.outcome for found in finished for answer in found.answers]
    visits = [visit.outcome for found in finished for visit in found.visits]
    answered = (TrackerOutcome.ANSWERED, TrackerOutcome.UNKNOWN)
    return {
        "peers_dht": more(before.peers_dht, _DHT),
        "peers_trackers": more(before.peers_trackers, _TRACKER),
        "peers_pex": more(before.peers_pex, _PEX),
        "trackers_asked": before.trackers_asked + len(answers),
        "trackers_answered": before.trackers_answered + sum(a in answered for a in answers),
        "visits": before.visits + len(visits),
        "visits_reached": before.visits_reached + visits.count(VisitOutcome.REACHED),
    }
