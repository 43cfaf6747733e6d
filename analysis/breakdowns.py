"""Peers by network, by category, by likely hosting, by source and by swarm.

Lazy frames in (columns of `swarm.columns`), small frames out, as in `analysis.tables`. A peer that
is in two swarms counts once in each. What is unknown is a row with null, and never left out.
"""

from __future__ import annotations

import polars as pl

from analysis.tables import with_size_mb
from swarm.place import UNKNOWN_COUNTRY
from swarm.sighting import Source


def networks_table(sightings: pl.LazyFrame) -> pl.DataFrame:
    """A row per autonomous system: `asn`, `as_name`, `hosting`, `peers`, `share`; most first.

    `asn` is null for peers of whom no network is known.
    """
    return _with_share(
        sightings.group_by("asn").agg(
            # One system can have two names in a database that was rebuilt while a run went on.
            pl.col("as_name").max(),
            pl.col("hosting").max(),
            peers=pl.len().cast(pl.Int64),
        ),
        "asn",
    )


def hosting_table(sightings: pl.LazyFrame) -> pl.DataFrame:
    """At most three rows: `hosting` (likely; null: network unknown), `peers`, `share`."""
    counted = sightings.group_by("hosting").agg(peers=pl.len().cast(pl.Int64))
    return _with_share(counted, "hosting")


def sources_table(sightings: pl.LazyFrame) -> pl.DataFrame:
    """A row per source: `source`, `peers` it named, `alone` (that it alone named).

    A peer that two sources named is in the `peers` of both: they do not add up.
    """
    bits = sightings.group_by("sources").agg(peers=pl.len().cast(pl.Int64)).collect()
    rows = []
    for source in Source:
        named = bits.filter((pl.col("sources") & source.bit) != 0)
        alone = named.filter(pl.col("sources") == source.bit)
        rows.append((source.value, named["peers"].sum(), alone["peers"].sum()))
    schema = {"source": pl.String, "peers": pl.Int64, "alone": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").filter(pl.col("peers") > 0)


def categories_table(tallies: pl.LazyFrame, swarms: pl.LazyFrame) -> pl.DataFrame:
    """A row per category: `category` (null: unknown), `swarms`, `peers`, `share`, `countries`."""
    known = pl.col("country") != UNKNOWN_COUNTRY
    counted = (
        swarms.select("swarm", "category")
        .join(tallies.filter(pl.col("peers") > 0), on="swarm", how="left")
        .group_by("category")
        .agg(
            swarms=pl.col("swarm").n_unique().cast(pl.Int64),
            peers=pl.col("peers").sum(),
            countries=pl.col("country").filter(known).n_unique().cast(pl.Int64),
        )
    )
    shared = _with_share(counted, "category")
    return shared.select("category", "swarms", "peers", "share", "countries")


def swarms_table(
    tallies: pl.LazyFrame, swarms: pl.LazyFrame, outcomes: pl.LazyFrame
) -> pl.DataFrame:
    """A row per swarm with what was found and what was estimated; most peers first.

    Columns: `swarm`, `infohash`, `name`, `size_mb`, `category`, `state` (null: not finished),
    `peers`, `countries`, and with their 95 % intervals (`_low`, `_high`) `estimate`, `between`,
    `seeds`, `downloaders` (null where nothing tells them).
    """
    known = (pl.col("country") != UNKNOWN_COUNTRY) & (pl.col("peers") > 0)
    counted = tallies.group_by("swarm").agg(
        peers=pl.col("peers").sum(),
        countries=pl.col("country").filter(known).n_unique().cast(pl.Int64),
    )
    estimates = outcomes.select(
        "swarm",
        "state",
        "estimate",
        pl.col("low").alias("estimate_low"),
        pl.col("high").alias("estimate_high"),
        *(
            f"{name}{end}"
            for name in ("between", "seeds", "downloaders")
            for end in ("", "_low", "_high")
        ),
    )
    named = with_size_mb(swarms).select("swarm", "infohash", "name", "size_mb", "category")
    return (
        named.join(estimates, on="swarm", how="left")
        .join(counted, on="swarm", how="left")
        .with_columns(pl.col("peers", "countries").fill_null(0))
        .select(
            pl.col("swarm", "infohash", "name", "size_mb", "category", "state"),
            pl.col("peers", "countries"),
            pl.exclude(
                "swarm", "infohash", "name", "size_mb", "category", "state", "peers", "countries"
            ),
        )
        .sort(["peers", "swarm"], descending=[True, False])
        .collect(engine="streaming")
    )


def _with_share(counted: pl.LazyFrame, key: str) -> pl.DataFrame:
    return (
        counted.with_columns(share=pl.col("peers") / pl.col("peers").sum())
        .sort(["peers", key], descending=[True, False], nulls_last=True)
        .collect(engine="streaming")
    )
