"""Hiding small cells of a table before it leaves the house.

A count of three in a table of cities and torrents may be three people whom a neighbour could name.
Primary suppression hides every count below a limit; complementary suppression hides one more where
a single hidden cell could be told from the total of its row or column (Hundepool et al. 2012,
"Statistical Disclosure Control", 4.2). It looks at one table: who subtracts one table from another,
or one run from the next, is not stopped by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

SUPPRESSED = "suppressed"  # the column that says so
_ROW = "_row"


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What of a table may be told of few people.

    `counts`: columns with numbers of people. `keys`: columns that a hidden row keeps; all others
    become null, since shares and estimates tell the count as well. `totals`: the groups of rows
    whose sum a reader may know; `()` is the whole table. `whole_row`: a hidden row is left out,
    since its keys alone (a position) tell too much.
    """

    counts: tuple[str, ...]
    keys: tuple[str, ...]
    totals: tuple[tuple[str, ...], ...] = ()
    whole_row: bool = False


@dataclass(frozen=True, slots=True)
class SuppressedTable:
    """A table with its small cells hidden, and how many are."""

    table: pl.DataFrame
    small: int  # rows with a count below the limit
    complementary: int  # rows hidden so that those cannot be computed


def suppress(table: pl.DataFrame, disclosure: Disclosure, min_cell: int) -> SuppressedTable:
    """Hide rows with a count from 1 to `min_cell` - 1; a count of 0 tells of nobody.

    The table gets a column `suppressed`, unless hidden rows are left out.

    Raises:
        ValueError: `min_cell` is below 1.
    """
    if min_cell < 1:
        raise ValueError(f"the smallest cell to show has at least 1 peer, not {min_cell}")
    is_small = pl.any_horizontal(
        (pl.col(name) > 0) & (pl.col(name) < min_cell) for name in disclosure.counts
    )
    small = table.select(is_small.fill_null(False).alias(SUPPRESSED))[SUPPRESSED]
    hidden = _complemented(table, small, disclosure)
    if disclosure.whole_row:
        shown = table.filter(~hidden)
    else:
        told = [
            pl.when(~pl.col(SUPPRESSED)).then(pl.col(name)).alias(name)
            for name in table.columns
            if name not in disclosure.keys
        ]
        shown = table.with_columns(hidden.alias(SUPPRESSED)).with_columns(told)
    return SuppressedTable(shown, int(small.sum()), int(hidden.sum()) - int(small.sum()))


def hidden_sentence(small: int, complementary: int) -> str:
    """What was hidden, in words, with a blank before them; empty where nothing was."""
    if not small:
        return ""
    said = f" {small:,} with few peers {'is' if small == 1 else 'are'} hidden"
    if complementary:
        said += f", and {complementary:,} more, or totals would tell them"
    return f"{said}."


def _complemented(table: pl.DataFrame, hidden: pl.Series, disclosure: Disclosure) -> pl.Series:
    """`hidden`, and the smallest other row of each group that has just one hidden row.

    Hiding one in a row of the table may leave a single one in its column, so it goes on until
    nothing changes. A group that has nobody else is left: its total is the cell itself.
    """
    weight = disclosure.counts[0]
    frame = table.with_columns(hidden.alias(SUPPRESSED)).with_row_index(_ROW)
    while True:
        more: set[int] = set()
        for group in disclosure.totals:
            more |= _next_smallest(frame, group, weight)
        if not more:
            return frame[SUPPRESSED]
        chosen = pl.col(_ROW).is_in(sorted(more))
        frame = frame.with_columns((pl.col(SUPPRESSED) | chosen).alias(SUPPRESSED))


def _next_smallest(frame: pl.DataFrame, group: Sequence[str], weight: str) -> set[int]:
    keys = [pl.col(name) for name in group] or [pl.lit(0).alias("_all")]
    people = frame.filter(pl.col(weight) > 0)
    candidates = (
        people.sort(weight, _ROW)
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col(SUPPRESSED).sum().alias("_hidden"),
            pl.col(_ROW).filter(~pl.col(SUPPRESSED)).first().alias("_next"),
        )
        .filter(pl.col("_hidden") == 1, pl.col("_next").is_not_null())
    )
    return set(candidates["_next"].to_list())
