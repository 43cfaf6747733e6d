"""Distinct peers of a run, counted once for every selection that a click can make. Pure.

A peer is in several swarms, so distinct peers of categories or bins do not add up. What does are
peers by the *set* of categories that they are in, of all swarms and of the swarms of each size bin:
whoever is of a chosen category is in one set, and that holds it. Exact, but for a peer whose
country changed within the run, by another database: it counts in the one whose code is first.
"""

from __future__ import annotations

import polars as pl

from analysis.place_code import country_number, country_of_number
from analysis.selection import Selection
from analysis.tables import Binning

MOST_ROWS = 5_000_000  # beyond, a group for each peer takes too much memory
_BITS = 64  # categories in one column
_ALL_SIZES = "all"  # as `binning`


def distinct_table(
    sightings: pl.LazyFrame, kinds: pl.DataFrame, kind_of_swarm: pl.DataFrame
) -> pl.DataFrame:
    """`binning` ("all", or a Binning's value), `order` (null: all), `country`, `in_0` ..., `peers`.

    A set of categories is a number in `in_0` to `in_n`, a bit for each in the order of their names.

    Args:
        sightings: SIGHTING_COLUMNS of the whole run, `place` filled in.
        kinds, kind_of_swarm: of the run's swarms; see `analysis.rollup.kinds_of`.
    """
    words = _words(kinds)
    described = kind_of_swarm.join(kinds.join(words, on="category"), on="kind")
    sets = [name for name in words.columns if name != "category"]
    rows = sightings.select("peer", "swarm", country=country_number())
    rows = rows.join(described.lazy().select("swarm", *_orders(), *sets), on="swarm")
    levels = [(_ALL_SIZES, pl.lit(None, pl.Int64))]
    levels += [(binning.value, pl.col(binning.value)) for binning in Binning]
    return pl.concat(
        rows.group_by("peer", order=order)
        .agg(pl.col("country").min(), *(pl.col(name).bitwise_or() for name in sets))
        .group_by("order", "country", *sets)
        .agg(peers=pl.len().cast(pl.UInt32))
        .select(pl.lit(name).alias("binning"), pl.all())
        .collect(engine="streaming")
        .sort("order", "country", *sets)
        for name, order in levels
    ).with_columns(country=country_of_number("country"))


def distinct_peers(table: pl.LazyFrame, kinds: pl.DataFrame, selection: Selection) -> int:
    """How many of a `distinct_table` the selection's countries, categories and bin leave."""
    binning, order = (None, None) if selection.size_bin is None else selection.size_bin
    chosen = pl.col("binning") == (_ALL_SIZES if binning is None else binning.value)
    if order is not None:
        chosen &= pl.col("order") == order
    if selection.countries:
        chosen &= pl.col("country").is_in(sorted(selection.countries))
    if selection.categories:
        wanted = _words(kinds).filter(pl.col("category").is_in(sorted(selection.categories)))
        masks = wanted.select(pl.exclude("category").bitwise_or()).row(0, named=True)
        hit = [pl.col(name) & pl.lit(mask, pl.UInt64) != 0 for name, mask in masks.items() if mask]
        chosen &= pl.any_horizontal(hit) if hit else pl.lit(False)
    return int(table.filter(chosen).select(pl.col("peers").cast(pl.Int64).sum()).collect().item())


def _orders() -> list[pl.Expr]:
    return [pl.col(binning.value).cast(pl.Int64) for binning in Binning]


def _words(kinds: pl.DataFrame) -> pl.DataFrame:
    """`category`, and the set that holds it alone."""
    names = kinds["category"].unique().sort().to_list()
    columns = {
        f"in_{word}": [1 << at % _BITS if at // _BITS == word else 0 for at in range(len(names))]
        for word in range(-(-len(names) // _BITS))
    }
    schema = {"category": pl.String} | dict.fromkeys(columns, pl.UInt64)
    return pl.DataFrame({"category": names} | columns, schema=schema)
