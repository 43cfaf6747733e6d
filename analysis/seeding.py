"""Seeds against downloaders, by the holders' BEP 33 filters; every figure with its interval.

Filters hold addresses, not endpoints, so nothing here is compared with counts of peers.
"""

from __future__ import annotations

import polars as pl

_ENDS = ("seeds_low", "seeds_high", "downloaders_low", "downloaders_high")


def seeding_table(outcomes: pl.LazyFrame, swarms: pl.LazyFrame) -> pl.DataFrame:
    """A row per swarm whose holders sent filters: seeds, downloaders and the share of seeds.

    Columns: `swarm`, `infohash`, `name`, `category`, then `seeds`, `downloaders`, `seed_share`,
    each with `_low` and `_high`. The two counts have 95 % intervals each (`high` null: nothing
    bounds it); the share's is what they leave possible together, thus at least 90 % (Bonferroni).
    """
    named = swarms.select("swarm", "infohash", "name", "category")
    counts = ("seeds", "seeds_low", "seeds_high")
    others = ("downloaders", "downloaders_low", "downloaders_high")
    return (
        outcomes.filter(pl.col("seeds").is_not_null(), pl.col("downloaders").is_not_null())
        .select("swarm", *counts, *others)
        .join(named, on="swarm")
        .with_columns(*_share())
        .select(
            *("swarm", "infohash", "name", "category"),
            *counts,
            *others,
            *("seed_share", "seed_share_low", "seed_share_high"),
        )
        .sort(["seeds", "swarm"], descending=[True, False])
        .collect(engine="streaming")
    )


def seeding_by_category(outcomes: pl.LazyFrame, swarms: pl.LazyFrame) -> pl.DataFrame:
    """The sums per category: `category`, `swarms`, then as in `seeding_table`.

    The ends of the swarms' intervals are added up too. That is wider than 95 % asks for (not all
    swarms err the same way), and null as soon as one swarm is not bounded.
    """
    table = seeding_table(outcomes, swarms).lazy()
    # A null end bounds nothing; skipping it, as sums do, would bound the sum.
    sums = [
        pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).alias(name)
        for count in ("seeds", "downloaders")
        for name in (count, f"{count}_low", f"{count}_high")
    ]
    return (
        table.group_by("category")
        .agg(pl.len().cast(pl.Int64).alias("swarms"), *sums)
        .with_columns(*_share())
        .sort(["seeds", "category"], descending=[True, False], nulls_last=True)
        .collect(engine="streaming")
    )


def _share() -> list[pl.Expr]:
    """The share of seeds, and the least and greatest that both intervals leave possible."""
    seeds, downloaders = pl.col("seeds"), pl.col("downloaders")
    seeds_low, seeds_high, others_low, others_high = (pl.col(name) for name in _ENDS)
    # Nobody at either end makes 0 / 0: a share of nobody is null, its bounds are the whole range.
    least = pl.when(others_high.is_null()).then(0.0)
    most = pl.when(seeds_high.is_null()).then(1.0)
    return [
        _ratio(seeds, downloaders).alias("seed_share"),
        least.otherwise(_ratio(seeds_low, others_high).fill_null(0.0)).alias("seed_share_low"),
        most.otherwise(_ratio(seeds_high, others_low).fill_null(1.0)).alias("seed_share_high"),
    ]


def _ratio(part: pl.Expr, rest: pl.Expr) -> pl.Expr:
    return pl.when(part + rest > 0).then(part / (part + rest))
