"""Which swarms share peers: the pairs with most in common, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

_ROWS_AT_ONCE = 10_000_000  # 160 MB
_PAIRS_AT_ONCE = 4_000_000  # 64 MB

OVERLAP_SCHEMA = pl.Schema(
    {
        "swarm_a": pl.UInt32(),  # the bigger of the two
        "swarm_b": pl.UInt32(),
        "peers_a": pl.Int64(),
        "peers_b": pl.Int64(),
        "shared": pl.Int64(),
        "jaccard": pl.Float64(),  # shared / peers of either
        "of_smaller": pl.Float64(),  # shared / peers of the smaller
    }
)

_Numbers = npt.NDArray[np.int64]


def overlap_table(
    sightings: pl.LazyFrame, *, top: int = 100, at_most_swarms: int = 2_000, least_shared: int = 2
) -> pl.DataFrame:
    """The `top` pairs by Jaccard's index, of the `at_most_swarms` biggest swarms.

    Exact for those swarms: each peer that is in several gives all its pairs, slice by slice. Memory
    is 4 bytes for each pair of swarms (16 MB by default) and some 500 MB for a slice. Pairs that
    share fewer than `least_shared` are left out: one peer in two swarms of one would lead the list.

    What both swarms missed is missing here twice, so `shared` says at least how many.
    """
    sizes = (
        sightings.group_by("swarm")
        .agg(peers=pl.len().cast(pl.Int64))
        .sort(["peers", "swarm"], descending=[True, False])
        .head(at_most_swarms)
        .collect(engine="streaming")
    )
    if len(sizes) < 2:
        return pl.DataFrame(schema=OVERLAP_SCHEMA)
    shared = np.zeros((len(sizes), len(sizes)), dtype=np.uint32)
    for members in _members(sightings, sizes):
        for first, second in _pairs(members):
            np.add.at(shared, (first, second), 1)
    first, second = np.nonzero(shared >= least_shared)
    peers = sizes["peers"].to_numpy()
    common = shared[first, second].astype(np.int64)
    either = peers[first] + peers[second] - common
    numbers = sizes["swarm"].to_numpy()
    return (
        pl.DataFrame(
            {
                "swarm_a": numbers[first],
                "swarm_b": numbers[second],
                "peers_a": peers[first],
                "peers_b": peers[second],
                "shared": common,
                "jaccard": common / either,
                "of_smaller": common / peers[second],
            },
            schema=OVERLAP_SCHEMA,
        )
        .sort(["jaccard", "shared", "swarm_a", "swarm_b"], descending=[True, True, False, False])
        .head(top)
    )


def _members(sightings: pl.LazyFrame, sizes: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """`peer` and `rank` (of its swarm by size, the biggest 0) of peers that are in several.

    In slices that hold all rows of a peer or none.
    """
    ranks = sizes.lazy().select("swarm").with_row_index("rank")
    slices = int(sizes["peers"].sum()) // _ROWS_AT_ONCE + 1
    for number in range(slices):
        members = (
            sightings.filter(pl.col("peer") % slices == number)
            .join(ranks, on="swarm")
            .select("peer", pl.col("rank").cast(pl.Int64))
            .collect(engine="streaming")
        )
        yield members.filter(pl.len().over("peer") > 1).sort("peer", "rank")


def _pairs(members: pl.DataFrame) -> Iterator[tuple[_Numbers, _Numbers]]:
    """All pairs of ranks that one peer has, the bigger swarm first, in slices."""
    ranks = members["rank"].to_numpy()
    lengths = members["peer"].rle().struct.field("len").to_numpy().astype(np.int64)
    # Row i of a peer with m rows is the first of m - 1 - i pairs.
    within = np.arange(len(ranks)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    partners = np.repeat(lengths, lengths) - 1 - within
    done = np.cumsum(partners)
    start = 0
    while start < len(ranks):
        before = int(done[start - 1]) if start else 0
        end = max(int(np.searchsorted(done, before + _PAIRS_AT_ONCE, side="right")), start + 1)
        counts = partners[start:end]
        rows = np.repeat(np.arange(start, end), counts)
        steps = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
        yield ranks[rows], ranks[rows + steps]
        start = end
