"""Which countries are over- or under-represented in a category, against all swarms of a run.

Peers come in swarms: a thousand peers of one film are not a thousand independent witnesses that
France likes films. So the swarm is the unit, of the test and of the interval alike; a test that
takes peers for independent calls 37 to 73 % of mere chances significant (docs/adr/0015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.distributions import false_discovery_rates, student_t_95

REPRESENTATION_SCHEMA = pl.Schema(
    {
        "category": pl.String(),
        "country": pl.String(),
        "swarms": pl.Int64(),  # of the category, with at least one peer
        "peers": pl.Int64(),
        "share": pl.Float64(),  # of the category's peers
        "share_all": pl.Float64(),  # of the peers of all swarms
        "ratio": pl.Float64(),
        "ratio_low": pl.Float64(),
        "ratio_high": pl.Float64(),
        "p": pl.Float64(),
        "q": pl.Float64(),
    }
)

_Matrix = npt.NDArray[np.float64]


def over_representation(
    tallies: pl.LazyFrame,
    swarms: pl.LazyFrame,
    *,
    draws: int = 1999,
    seed: int = 0,
    least_swarms: int = 5,
    least_expected: float = 10.0,
) -> pl.DataFrame:
    """Share of each country in each category over its share in all swarms; by `q`, then ratio.

    `ratio` has a 95 % interval: the ratio of two ratio estimates, linearised on the log scale with
    swarms as clusters (Cochran 1977, 6.4), and Student's t with as many degrees as the category
    has effective swarms (Kish 1965: sum(n)**2 / sum(n**2)), less one. `ratio_high` is null where
    the country has nobody in the category. `p` is by permutation: of `draws` ways to deal the
    categories out to the swarms anew, how many give a difference of shares as great (+1 each,
    Phipson and Smyth 2010). `q` is the false discovery rate over the whole table.

    Left out: categories of fewer than `least_swarms` swarms with peers, and countries of which a
    category would have fewer than `least_expected` peers. Swarms of unknown category count among
    all swarms. Memory: swarms x countries.
    """
    counted = _count(tallies, swarms)
    rows = [
        _Row(category, country)
        for category in range(len(counted.categories))
        for country in _testable(counted, category, least_swarms, least_expected)
    ]
    if not rows:
        return pl.DataFrame(schema=REPRESENTATION_SCHEMA)
    p_values = _permuted(counted, rows, draws, np.random.default_rng(seed))
    told = [_tell(counted, row) for row in rows]
    frame = pl.DataFrame(told, schema=list(REPRESENTATION_SCHEMA)[:-2], orient="row").with_columns(
        p=pl.Series(p_values), q=pl.Series(false_discovery_rates(p_values))
    )
    typed = frame.select(pl.col(name).cast(kind) for name, kind in REPRESENTATION_SCHEMA.items())
    return typed.sort(["q", "ratio", "category", "country"], descending=[False, True, False, False])


@dataclass(frozen=True, slots=True)
class _Counted:
    """Swarms by category; `peers` is swarms x countries, and its rows go by category."""

    categories: list[str]
    countries: list[str]
    begins: npt.NDArray[np.intp]  # the first row of each category; the unknown come last
    peers: _Matrix

    def rows_of(self, category: int) -> slice:
        ends = [*self.begins[1:].tolist(), len(self.peers)]
        return slice(int(self.begins[category]), ends[category])


@dataclass(frozen=True, slots=True)
class _Row:
    category: int
    country: int


def _count(tallies: pl.LazyFrame, swarms: pl.LazyFrame) -> _Counted:
    long = (
        tallies.filter(pl.col("peers") > 0)
        .group_by("swarm", "country")
        .agg(pl.col("peers").sum())
        .join(swarms.select("swarm", "category"), on="swarm")
        .collect(engine="streaming")
    )
    order = long.select("swarm", "category").unique().sort("category", "swarm", nulls_last=True)
    countries = long["country"].unique().sort().to_list()
    row_of = order.select("swarm").with_row_index("row")
    placed = long.join(row_of, on="swarm")
    column = placed["country"].replace_strict({c: i for i, c in enumerate(countries)})
    peers = np.zeros((len(order), len(countries)))
    if len(placed):
        peers[placed["row"].to_numpy(), column.to_numpy()] = placed["peers"].to_numpy()
    labels = order["category"].to_list()
    begins = [i for i, label in enumerate(labels) if i == 0 or label != labels[i - 1]]
    return _Counted(
        [labels[i] for i in begins if labels[i] is not None],
        countries,
        np.array(begins, dtype=np.intp),
        peers,
    )


def _testable(counted: _Counted, category: int, swarms: int, expected: float) -> list[int]:
    inside = counted.peers[counted.rows_of(category)]
    if len(inside) < swarms or len(inside) == len(counted.peers):
        return []
    shares = counted.peers.sum(axis=0) / counted.peers.sum()
    return [int(k) for k in np.flatnonzero(shares * inside.sum() >= expected)]


def _permuted(
    counted: _Counted, rows: list[_Row], draws: int, random: np.random.Generator
) -> _Matrix:
    """For each row the share of draws that differ from all swarms as much as what was seen."""
    at = (np.array([row.category for row in rows]), np.array([row.country for row in rows]))
    whole = counted.peers.sum(axis=0) / counted.peers.sum()

    def differences(peers: _Matrix) -> _Matrix:
        sums = np.add.reduceat(peers, counted.begins, axis=0)
        shares = sums / sums.sum(axis=1, keepdims=True)
        return np.asarray(np.abs(shares[at] - whole[at[1]]))

    seen = differences(counted.peers) * (1 - 1e-9)  # sums in another order differ in their last bit
    as_great = np.zeros(len(rows))
    for _ in range(draws):
        as_great += differences(counted.peers[random.permutation(len(counted.peers))]) >= seen
    return (as_great + 1) / (draws + 1)


def _tell(counted: _Counted, row: _Row) -> tuple[object, ...]:
    rows = counted.rows_of(row.category)
    sizes = counted.peers.sum(axis=1)
    mine = counted.peers[:, row.country]
    share, share_all = mine[rows].sum() / sizes[rows].sum(), mine.sum() / sizes.sum()
    low, high = _interval(mine, sizes, rows)
    return (
        counted.categories[row.category],
        counted.countries[row.country],
        rows.stop - rows.start,
        int(mine[rows].sum()),
        share,
        share_all,
        share / share_all,
        low,
        high,
    )


def _interval(mine: _Matrix, sizes: _Matrix, rows: slice) -> tuple[float, float | None]:
    """The 95 % interval of the share within `rows` over the share in all."""
    share, share_all = mine[rows].sum() / sizes[rows].sum(), mine.sum() / sizes.sum()
    if share == 0:
        return 0.0, None
    # How far each swarm moves the logarithm of the ratio.
    pull = -(mine - sizes * share_all) / mine.sum()
    pull[rows] += (mine[rows] - sizes[rows] * share) / mine[rows].sum()
    inside = pull[rows]
    outside = np.delete(pull, np.arange(rows.start, rows.stop))
    variance = sum(
        (part**2).sum() * len(part) / max(len(part) - 1, 1) for part in (inside, outside)
    )
    effective = sizes[rows].sum() ** 2 / (sizes[rows] ** 2).sum()
    reach = student_t_95(effective - 1) * float(np.sqrt(variance))
    ratio = share / share_all
    return float(ratio * np.exp(-reach)), float(ratio * np.exp(reach))
