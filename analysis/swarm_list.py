"""The list of a run's swarms, as a table that is searched, sorted and turned page by page.

In two steps, so that the first is done once and kept: `swarm_order` says which swarms are listed
and in which order, `swarm_rows` what is shown of a few of them.
"""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from analysis.tables import with_size_mb

SORTABLE = ("swarm", "name", "category", "size_mb", "peers", "estimate", "seeds", "ended_at")
BEING_ASKED = ""  # as a state: the swarm has no outcome yet
_COUNTRIES_NAMED = 3


def swarm_order(
    swarms: pl.DataFrame,
    outcomes: pl.DataFrame,
    by_country: pl.DataFrame,
    *,
    search: str = "",
    states: Collection[str] = (),
    sort: str = "peers",
    descending: bool = True,
) -> pl.Series:
    """The numbers of the swarms to list, in order.

    Args:
        swarms: those that may be listed, SWARM_COLUMNS.
        outcomes: OUTCOME_COLUMNS; a swarm without one is still being asked for.
        by_country: `swarm`, `country`, `peers` of those who are selected.
        search: text that the name holds or the infohash begins with, in whatever case.
        states: of an outcome, or BEING_ASKED; any of them, and all where none is named.
        sort: one of SORTABLE; swarms without a value come last, ties go by `swarm`.
        descending: the largest first.

    Raises:
        ValueError: `sort` is no column to sort by.
    """
    if sort not in SORTABLE:
        raise ValueError(f"swarms are not sorted by {sort!r}, but by {', '.join(SORTABLE)}")
    listed = _searched(swarms.lazy(), search)
    if states or sort in ("estimate", "seeds", "ended_at"):
        said = outcomes.lazy().select("swarm", "state", "estimate", "seeds", "ended_at")
        listed = listed.join(said, on="swarm", how="left")
    if states:
        listed = listed.filter(pl.col("state").fill_null(BEING_ASKED).is_in(list(states)))
    if sort == "size_mb":
        listed = with_size_mb(listed)
    elif sort == "peers":
        peers = by_country.lazy().group_by("swarm").agg(pl.col("peers").sum())
        listed = listed.join(peers, on="swarm", how="left").with_columns(
            pl.col("peers").fill_null(0)
        )
    # No more than is sorted by: all the rest of a row is looked up for a page alone.
    order = listed.select(pl.col("swarm"), pl.col(sort).alias("key"))
    return order.sort(["key", "swarm"], descending=[descending, False], nulls_last=True).collect()[
        "swarm"
    ]


def swarm_rows(
    numbers: pl.Series, swarms: pl.DataFrame, outcomes: pl.DataFrame, by_country: pl.DataFrame
) -> pl.DataFrame:
    """What is shown of the swarms of these `numbers`, in their order.

    Returns:
        `swarm`, `infohash`, `name`, `category`, `language`, `size_mb`, `peers` (selected),
        `top_countries` (up to three, most peers first), and all of the outcome.
    """
    wanted = numbers.implode()
    there = by_country.filter(pl.col("swarm").is_in(wanted))
    counted = (
        there.sort(["peers", "country"], descending=[True, False])
        .group_by("swarm", maintain_order=True)
        .agg(pl.col("peers").sum(), top_countries=pl.col("country").head(_COUNTRIES_NAMED))
    )
    found = with_size_mb(swarms.filter(pl.col("swarm").is_in(wanted)).lazy()).collect()
    named = found.select("swarm", "infohash", "name", "category", "language", "size_mb")
    return (
        numbers.to_frame("swarm")
        .join(named, on="swarm", how="left", maintain_order="left")
        .join(counted.select("swarm", "peers"), on="swarm", how="left", maintain_order="left")
        .with_columns(pl.col("peers").fill_null(0))
        .join(
            outcomes.filter(pl.col("swarm").is_in(wanted)),
            on="swarm",
            how="left",
            maintain_order="left",
        )
        .join(
            counted.select("swarm", "top_countries"), on="swarm", how="left", maintain_order="left"
        )
    )


def _searched(swarms: pl.LazyFrame, search: str) -> pl.LazyFrame:
    text = search.strip().lower()
    if not text:
        return swarms
    return swarms.filter(
        pl.col("name").str.to_lowercase().str.contains(text, literal=True)
        | pl.col("infohash").fill_null("").str.starts_with(text)
    )
