"""The list of a run's swarms, as a table that is searched, sorted and turned page by page."""

from __future__ import annotations

import polars as pl

from analysis.tables import with_size_mb

SORTABLE = ("swarm", "name", "category", "size_mb", "peers", "estimate", "seeds", "ended_at")
_COUNTRIES_NAMED = 3


def swarm_page(
    swarms: pl.DataFrame,
    outcomes: pl.DataFrame,
    by_country: pl.DataFrame,
    *,
    search: str,
    sort: str,
    descending: bool,
    offset: int,
    limit: int,
) -> tuple[pl.DataFrame, int]:
    """Some rows of the list, and how many there are in all.

    Args:
        swarms: those to list, SWARM_COLUMNS.
        outcomes: OUTCOME_COLUMNS; a swarm without one is still being asked for.
        by_country: `swarm`, `country`, `peers` of those who are selected.
        search: text that the name holds or the infohash begins with, in whatever case.
        sort: one of SORTABLE; rows without a value come last, ties go by `swarm`.
        descending: the largest first.
        offset: rows to pass over.
        limit: rows to return.

    Returns:
        `swarm`, `infohash`, `name`, `category`, `language`, `size_mb`, `peers` (selected),
        `top_countries` (up to three, most peers first), and all of the outcome; and the total.

    Raises:
        ValueError: `sort` is no column to sort by.
    """
    if sort not in SORTABLE:
        raise ValueError(f"swarms are not sorted by {sort!r}, but by {', '.join(SORTABLE)}")
    text = search.strip().lower()
    found = swarms.filter(
        pl.col("name").str.to_lowercase().str.contains(text, literal=True)
        | pl.col("infohash").fill_null("").str.starts_with(text)
    )
    peers = by_country.group_by("swarm").agg(pl.col("peers").sum())
    listed = (
        with_size_mb(found.lazy())
        .select("swarm", "infohash", "name", "category", "language", "size_mb")
        .join(peers.lazy(), on="swarm", how="left")
        .with_columns(pl.col("peers").fill_null(0))
        .join(outcomes.lazy(), on="swarm", how="left")
        .sort([sort, "swarm"], descending=[descending, False], nulls_last=True)
        .collect()
    )
    page = listed.slice(offset, limit)
    return page.join(_top_countries(by_country, page), on="swarm", how="left"), len(listed)


def _top_countries(by_country: pl.DataFrame, page: pl.DataFrame) -> pl.DataFrame:
    return (
        by_country.filter(pl.col("swarm").is_in(page["swarm"].implode()))
        .sort(["peers", "country"], descending=[True, False])
        .group_by("swarm", maintain_order=True)
        .agg(top_countries=pl.col("country").head(_COUNTRIES_NAMED))
    )
