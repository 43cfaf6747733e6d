"""How swarms grow and fade over many runs."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from analysis.snapshot import Snapshot, same_torrent

_FIGURES = ("estimate", "low", "high", "seeds", "seeds_low", "seeds_high")
_MORE = ("downloaders", "downloaders_low", "downloaders_high")

LIFE_SCHEMA = pl.Schema(
    {
        "infohash": pl.String(),
        "name": pl.String(),
        "run_id": pl.String(),
        "taken_at": pl.Datetime("us", "UTC"),
        "days": pl.Float64(),  # since the first of the runs that asked for it
        "state": pl.String(),  # null: the run ended before its turn came
        "peers": pl.Int64(),
        **dict.fromkeys((*_FIGURES, *_MORE), pl.Float64()),
    }
)


def life_table(snapshots: Iterable[Snapshot]) -> pl.DataFrame:
    """A row per torrent and run that asked for it (LIFE_SCHEMA), in the order of time.

    Estimates keep their intervals (`low`, `high`, ...). A swarm that was not finished has null
    everywhere, which is not the same as nobody.
    """
    points = [_points(snapshot) for snapshot in snapshots]
    if not points:
        return pl.DataFrame(schema=LIFE_SCHEMA)
    since = pl.col("taken_at") - pl.col("taken_at").min().over("torrent")
    return (
        pl.concat(points)
        .with_columns(days=since.dt.total_microseconds() / 86_400e6)
        .sort("torrent", "taken_at", "run_id")
        .select(pl.col(name).cast(kind) for name, kind in LIFE_SCHEMA.items())
        .collect(engine="streaming")
    )


def _points(snapshot: Snapshot) -> pl.LazyFrame:
    said = snapshot.outcomes.select(
        "swarm", "state", pl.col("unique_peers").alias("peers"), *_FIGURES, *_MORE
    )
    return (
        snapshot.swarms.select("swarm", "infohash", "name", same_torrent())
        .unique("torrent", keep="first")
        .join(said, on="swarm", how="left")
        .with_columns(
            run_id=pl.lit(snapshot.run_id),
            taken_at=pl.lit(snapshot.taken_at).cast(pl.Datetime("us", "UTC")),
        )
    )
