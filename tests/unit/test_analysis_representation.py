"""analysis.representation and analysis.distributions: claims that hold as often as they say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from analysis.distributions import false_discovery_rates, missed_95, student_t_95
from analysis.representation import REPRESENTATION_SCHEMA, over_representation

COUNTRIES = ("BR", "DE", "FR", "JP", "US")


def clustered_run(
    random: np.random.Generator, *, swarms: int, books: int, french_books: float = 1.0
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Swarms of very unequal size, each with a mix of countries of its own.

    The first `books` swarms are of that category; `french_books` multiplies France's part there.
    """
    sizes = np.maximum(1, np.exp(random.normal(3.5, 1.2, swarms))).astype(int)
    mixes = random.dirichlet(np.array([0.3, 0.25, 0.15, 0.15, 0.15]) * 20, swarms)
    mixes[:books, 2] *= french_books
    mixes /= mixes.sum(axis=1, keepdims=True)
    rows = [
        (number, country, int(peers))
        for number, (size, mix) in enumerate(zip(sizes, mixes, strict=True))
        for country, peers in zip(COUNTRIES, random.multinomial(size, mix), strict=True)
    ]
    tallies = pl.LazyFrame(rows, schema=["swarm", "country", "peers"], orient="row")
    categories = ["Books"] * books + ["Movies"] * (swarms - books)
    return tallies, pl.LazyFrame({"swarm": range(swarms), "category": categories})


@pytest.mark.parametrize(
    ("degrees", "published"),
    [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980), (1e9, 1.960)],
)
def test_students_t(degrees: float, published: float) -> None:
    """The 97.5 % points of the table that every textbook has (Student 1908, Fisher 1925)."""
    assert student_t_95(degrees) == pytest.approx(published, abs=1.5e-3)


def test_false_discovery_rates() -> None:
    """The fifteen p-values of Benjamini and Hochberg (1995, section 3.2): four discoveries."""
    published = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    published += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    rates = false_discovery_rates(np.array(published))
    assert (rates <= 0.05).sum() == 4
    assert rates[3] == pytest.approx(0.0095 * 15 / 4)
    assert rates[-1] == 1.0


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_false_discovery_rates_keep_the_order_given(order: tuple[int, ...]) -> None:
    """Each rate stands where its p-value stood, and they never fall as p grows."""
    rates = false_discovery_rates(np.array([0.01, 0.02, 0.9])[list(order)])
    assert rates[list(np.argsort(order))].tolist() == pytest.approx([0.03, 0.03, 0.9])


def test_how_many_were_missed() -> None:
    """Every tenth goes unseen: of 100 seen ones about 11 were missed, within 5 and 19."""
    assert missed_95(100, 0.9) == (5, 19)
    assert missed_95(100, 1.0) == (0, 0)
    assert missed_95(0, 0.5) == (0, 5)
    low, high = missed_95(1_000_000, 0.9)
    assert low < 111_111 < high < 112_000


@pytest.mark.parametrize("chance", [0.0, -0.1, 1.1])
def test_no_chance_no_number(chance: float) -> None:
    """What can never be seen bounds nothing."""
    with pytest.raises(ValueError, match="chance"):
        missed_95(1, chance)


def test_a_country_that_reads_more_is_found() -> None:
    """Three times the French part in half the swarms: found, and no other way about."""
    table = over_representation(
        *clustered_run(np.random.default_rng(1), swarms=200, books=60, french_books=3)
    )
    assert table.schema == REPRESENTATION_SCHEMA
    french = table.filter(category="Books", country="FR").row(0, named=True)
    assert french["q"] <= 0.01
    assert 1 < french["ratio_low"] < french["ratio"] < french["ratio_high"]
    assert table.filter(pl.col("q") <= 0.05, pl.col("ratio") > 1, category="Books").height == 1
    assert table["swarms"].unique().sort().to_list() == [60, 140]


def test_chance_is_called_chance_as_often_as_promised() -> None:
    """Where no category differs: p <= 0.05 in about 5 % of tests, and 90 % of intervals hold 1.

    Peers taken for independent would have been "significant" in most of these tests.
    """
    random = np.random.default_rng(7)
    low_p, held, naive, tests = 0, 0, 0, 0
    for _ in range(40):
        table = over_representation(*clustered_run(random, swarms=120, books=25), draws=99)
        table = table.filter(category="Books")
        tests += len(table)
        low_p += int((table["p"] <= 0.05).sum())
        held += int(((table["ratio_low"] <= 1) & (table["ratio_high"] >= 1)).sum())
        error = (pl.col("share_all") * (1 - pl.col("share_all")) / pl.col("peers").sum()).sqrt()
        z = (pl.col("share") - pl.col("share_all")).abs() / error
        naive += int(table.select((z > 1.96).sum()).item())
    assert tests == 200
    assert low_p / tests <= 0.10
    assert held / tests >= 0.90
    assert naive / tests >= 0.35


def test_small_and_unknown_categories() -> None:
    """Few swarms are not tested, those of no category count among all, and nobody is an answer."""
    tallies = pl.LazyFrame(
        [(n, "FR" if n < 6 else "DE", 10) for n in range(20)],
        schema=["swarm", "country", "peers"],
        orient="row",
    )
    labels = ["Books"] * 6 + ["Games"] * 4 + [None] * 10
    swarms = pl.LazyFrame({"swarm": range(20), "category": labels})
    table = over_representation(tallies, swarms, draws=999)
    assert table["category"].unique().to_list() == ["Books"]
    assert table.filter(country="FR")["ratio"].item() == pytest.approx(20 / 6)
    german = table.filter(country="DE").row(0, named=True)
    assert (german["ratio"], german["ratio_low"], german["ratio_high"]) == (0.0, 0.0, None)
    assert german["p"] < 0.01


def test_nothing_to_compare() -> None:
    """No peers, or one category alone: an empty table of the same columns."""
    tallies = pl.LazyFrame(schema={"swarm": pl.UInt32, "country": pl.String, "peers": pl.Int64})
    swarms = pl.LazyFrame(
        {"swarm": [0], "category": ["Books"]}, schema_overrides={"swarm": pl.UInt32}
    )
    assert over_representation(tallies, swarms).schema == REPRESENTATION_SCHEMA
    alone = clustered_run(np.random.default_rng(1), swarms=10, books=10)
    assert over_representation(*alone).is_empty()
