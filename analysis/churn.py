"""Who came, stayed and went between two runs, and how much of it may be peers that were missed.

A lookup does not find everybody. Of the peers that the second run did not see, some were there: if
it finds nine in ten, then for nine that stayed one only looks gone. So each count comes with bounds
from the estimates of both runs (`analysis.estimate`). They take it that finding a peer the first
time makes it neither easier nor harder to find it again.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from analysis.distributions import missed_95
from analysis.snapshot import Snapshot, same_torrent
from swarm.census import CensusState

_COMPLETE = CensusState.COMPLETE.value

CHURN_SCHEMA = pl.Schema(
    {
        "infohash": pl.String(),
        "name": pl.String(),
        "state_before": pl.String(),
        "state_after": pl.String(),
        "before": pl.Int64(),  # peers that the first run saw
        "after": pl.Int64(),
        "stayed": pl.Int64(),  # that both saw
        "new": pl.Int64(),  # that the second alone saw
        "new_low": pl.Int64(),
        "new_high": pl.Int64(),
        "gone": pl.Int64(),  # that the first alone saw
        "gone_low": pl.Int64(),
        "gone_high": pl.Int64(),
    }
)


def churn_table(before: Snapshot, after: Snapshot, *, by: str = "peer") -> pl.DataFrame:
    """A row per torrent that both runs asked for (CHURN_SCHEMA), most peers before first.

    Args:
        by: `peer` (address and port), or `host` (address alone: a client that came back with
            another port stayed).

    `gone_low` to `gone_high`: how many of those seen before were truly gone, at 95 %, given that
    the second run saw `stayed` of those that were still there; `new` likewise, of those seen after.
    The chance of being seen is taken from the run's own interval: peers found over `high` for one
    end, over `low` for the other. Where a lookup was not complete, or nothing bounds its size,
    anybody may have been missed: the low end is 0.

    Pseudonyms are compared, so both runs need the same key.
    """
    return churn_by_torrent(before, after, by=by).drop("torrent")


def churn_by_torrent(before: Snapshot, after: Snapshot, *, by: str = "peer") -> pl.DataFrame:
    """The same with `torrent` before it, which tells torrents of two runs to be one."""
    pairs = _torrents(before).join(_torrents(after), on="torrent", suffix="_after")
    counted = (
        pairs.join(_sizes(before, by), on="swarm", how="left")
        .join(_sizes(after, by), left_on="swarm_after", right_on="swarm", how="left", suffix="_b")
        .join(_stayed(pairs, before, after, by), on="swarm", how="left")
        .join(_found(before), on="swarm", how="left")
        .join(_found(after), left_on="swarm_after", right_on="swarm", how="left", suffix="_after")
        .rename({"size": "before", "size_b": "after", "state": "state_before"})
        .with_columns(pl.col("before", "after", "stayed").fill_null(0).cast(pl.Int64))
        .with_columns(
            new=pl.col("after") - pl.col("stayed"), gone=pl.col("before") - pl.col("stayed")
        )
        .sort(["before", "torrent"], descending=[True, False])
        .collect(engine="streaming")
    )
    bounded = [row | _bounds(row) for row in counted.iter_rows(named=True)]
    schema = pl.Schema({"torrent": pl.String(), **CHURN_SCHEMA})
    return pl.DataFrame(
        [[row[name] for name in schema] for row in bounded], schema=schema, orient="row"
    )


def _torrents(snapshot: Snapshot) -> pl.LazyFrame:
    named = snapshot.swarms.select("swarm", "infohash", "name", same_torrent())
    return named.unique("torrent", keep="first", maintain_order=True)


def _members(snapshot: Snapshot, by: str) -> pl.LazyFrame:
    members = snapshot.sightings.select("swarm", pl.col(by).alias("member"))
    return members if by == "peer" else members.unique()


def _sizes(snapshot: Snapshot, by: str) -> pl.LazyFrame:
    return _members(snapshot, by).group_by("swarm").agg(size=pl.len().cast(pl.Int64))


def _stayed(pairs: pl.LazyFrame, before: Snapshot, after: Snapshot, by: str) -> pl.LazyFrame:
    numbers = pairs.select("swarm", "swarm_after")
    renumbered = (
        _members(after, by)
        .join(numbers, left_on="swarm", right_on="swarm_after")
        .select(pl.col("swarm_right").alias("swarm"), "member")
    )
    both = _members(before, by).join(renumbered, on=["swarm", "member"], how="semi")
    return both.group_by("swarm").agg(stayed=pl.len().cast(pl.Int64))


def _found(snapshot: Snapshot) -> pl.LazyFrame:
    """Per swarm the least and the greatest chance that one of its peers was seen."""
    unique = pl.col("unique_peers")
    return snapshot.outcomes.select(
        "swarm",
        "state",
        least=pl.when(pl.col("high") > 0).then((unique / pl.col("high")).clip(upper_bound=1.0)),
        most=pl.when(pl.col("low") > 0).then((unique / pl.col("low")).clip(upper_bound=1.0)),
    )


def _bounds(row: dict[str, Any]) -> dict[str, int]:
    complete = row["state_before"] == row["state_after"] == _COMPLETE
    missed_after = _missed(row["stayed"], row["least_after"], row["most_after"], complete)
    missed_before = _missed(row["stayed"], row["least"], row["most"], complete)
    bounds = {}
    for name, (fewest, most) in (("gone", missed_after), ("new", missed_before)):
        bounds[f"{name}_low"] = 0 if most is None else max(row[name] - most, 0)
        bounds[f"{name}_high"] = max(row[name] - fewest, 0)
    return bounds


def _missed(
    stayed: int, least: float | None, most: float | None, complete: bool
) -> tuple[int, int | None]:
    """How many that were there a run did not see; None where nothing bounds it."""
    fewest = missed_95(stayed, most)[0] if most else 0
    return fewest, missed_95(stayed, least)[1] if complete and least else None
