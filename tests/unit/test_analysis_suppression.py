"""analysis.suppression: no count of few people is told, nor left to be computed."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.suppression import Disclosure, suppress

BY_COUNTRY = Disclosure(("peers",), ("country",), totals=((),))
CROSSED = Disclosure(("peers",), ("bin", "country"), totals=(("bin",), ("country",)))


def countries(*peers: int) -> pl.DataFrame:
    names = [chr(65 + i) * 2 for i in range(len(peers))]
    frame = pl.DataFrame({"country": names, "peers": list(peers)})
    return frame.with_columns(share=pl.col("peers") / pl.col("peers").sum())


def test_small_counts_and_their_shares_are_hidden() -> None:
    """The row stays with its key; what tells the count is null."""
    found = suppress(countries(100, 9, 3, 10, 0), BY_COUNTRY, 10)
    assert found.table.select("country", "peers", "suppressed").rows() == [
        ("AA", 100, False),
        ("BB", None, True),
        ("CC", None, True),
        ("DD", 10, False),
        ("EE", 0, False),
    ]
    assert found.table["share"].null_count() == 2
    assert (found.small, found.complementary) == (2, 0)


def test_a_single_hidden_cell_hides_another() -> None:
    """Total less all others would be the hidden one: the smallest of the others goes too."""
    found = suppress(countries(100, 40, 9), BY_COUNTRY, 10)
    assert found.table["peers"].to_list() == [100, None, None]
    assert (found.small, found.complementary) == (1, 1)


def test_nothing_small_nothing_hidden() -> None:
    """With a limit of 1, or large counts alone, the table is as it was."""
    assert suppress(countries(5, 1), BY_COUNTRY, 1).table["peers"].to_list() == [5, 1]
    assert suppress(countries(50, 10), BY_COUNTRY, 10).small == 0
    with pytest.raises(ValueError, match="at least 1"):
        suppress(countries(5), BY_COUNTRY, 0)


def test_positions_of_few_are_left_out() -> None:
    """Where the key itself tells too much, the row is not there, and no column speaks of it."""
    cells = pl.DataFrame({"latitude": [1.0, 2.0, 3.0], "peers": [50, 2, 3]})
    found = suppress(cells, Disclosure(("peers",), (), whole_row=True), 10)
    assert found.table.rows() == [(1.0, 50)]
    assert (found.small, found.complementary) == (2, 0)


def test_any_of_several_counts_hides_the_row() -> None:
    """Estimates are counts too; null is no count."""
    frame = pl.DataFrame(
        {"name": ["a", "b", "c"], "seeds": [3.5, 50.0, None], "others": [99, 99, 99]}
    )
    found = suppress(frame, Disclosure(("others", "seeds"), ("name",)), 10)
    assert found.table["others"].to_list() == [None, 99, 99]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=6))
def test_no_row_and_no_column_has_a_single_hidden_cell(rows: list[list[int]]) -> None:
    """Unless it is the only one with anybody, whose total is the cell itself."""
    cells = [
        {"bin": i, "country": "ABC"[j], "peers": peers}
        for i, row in enumerate(rows)
        for j, peers in enumerate(row)
    ]
    table = pl.DataFrame(cells, schema={"bin": pl.Int64, "country": pl.String, "peers": pl.Int64})
    shown = suppress(table, CROSSED, 10).table.with_columns(true=table["peers"])
    assert not ((shown["true"] < 10) & (shown["true"] > 0) & ~shown["suppressed"]).any()
    for key in ("bin", "country"):
        groups = shown.filter(pl.col("true") > 0).group_by(key)
        for row in groups.agg(pl.col("suppressed").sum(), pl.len()).iter_rows(named=True):
            assert row["suppressed"] != 1 or row["len"] == 1
