"""analysis.distinct: whatever is chosen, it says what a count of the rows says."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.distinct import distinct_peers, distinct_table
from analysis.rollup import kinds_of, of_country, of_kind
from analysis.selection import Selection
from analysis.tables import Binning

CATEGORIES = [f"Category {number}" for number in range(130)]  # more than two columns of bits hold
COUNTRIES = ["DE", "FR", "ZZ"]
SWARMS = st.lists(
    st.tuples(st.sampled_from([*CATEGORIES, None]), st.sampled_from([None, 5, 350, 390, 7_000])),
    min_size=1,
    max_size=8,
)
PEERS = st.dictionaries(
    st.integers(0, 2**64 - 1),
    st.tuples(st.sampled_from(COUNTRIES), st.sets(st.integers(0, 7), min_size=1)),
    min_size=1,
    max_size=12,
)
CHOSEN = st.builds(
    Selection,
    countries=st.frozensets(st.sampled_from(COUNTRIES), max_size=2),
    categories=st.frozensets(st.sampled_from([*CATEGORIES, ""]), max_size=130),
    size_bin=st.none()
    | st.tuples(st.just(Binning.CLASSIC), st.sampled_from([0, 3, 70]))
    | st.tuples(st.just(Binning.LOG2), st.sampled_from([2, 8])),
)


@settings(deadline=None)  # the first question makes polars start its threads
@given(SWARMS, PEERS, CHOSEN)
def test_each_selection_is_a_count_of_its_rows(
    swarms: list[tuple[str | None, int | None]],
    peers: dict[int, tuple[str, set[int]]],
    chosen: Selection,
) -> None:
    """Any countries, categories (more than one column holds) and a bin, alone and together."""
    table = pl.DataFrame(
        [(number, *swarm) for number, swarm in enumerate(swarms)],
        schema={"swarm": pl.UInt32, "category": pl.String, "recorded_size_mb": pl.Float64},
        orient="row",
    ).with_columns(size_bytes=pl.lit(None, pl.Int64))
    kinds, kind_of_swarm = kinds_of(table)
    rows = pl.DataFrame(
        [
            (peer, swarm, country, int.from_bytes(country.encode()) << 43)
            for peer, (country, members) in peers.items()
            for swarm in {one % len(swarms) for one in members}
        ],
        schema={"peer": pl.UInt64, "swarm": pl.UInt32, "country": pl.String, "place": pl.UInt64},
        orient="row",
    )
    kept = kind_of_swarm.join(kinds.filter(of_kind(chosen)), on="kind", how="semi")
    left = rows.join(kept, on="swarm", how="semi").filter(of_country(chosen))
    counted = distinct_table(rows.lazy(), kinds, kind_of_swarm)
    assert distinct_peers(counted.lazy(), kinds, chosen) == left["peer"].n_unique()
