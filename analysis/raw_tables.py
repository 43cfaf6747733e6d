"""The two main tables straight from the sightings, for a run of any size that has no roll-up.

Two passes, each over the columns `swarm` and `place` alone (docs/adr/0019); memory grows with the
pairs of swarm and country, never with the rows.
"""

from __future__ import annotations

import polars as pl

from analysis.place_code import country_of_number, decoded, with_place
from analysis.rollup import kinds_of, per_swarm
from analysis.tables import Binning


def raw_tables(
    sightings: pl.LazyFrame, swarms: pl.DataFrame, binning: Binning = Binning.CLASSIC
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Peers by size bin and country, and by place.

    Args:
        sightings: SIGHTING_COLUMNS.
        swarms: SWARM_COLUMNS, all of the run.
        binning: how sizes are cut.

    Returns:
        `order`, `label`, `country`, `peers`, in bin order; and `place`, `peers`, `latitude`,
        `longitude` (null: known to the country only), `country`, most peers first.
    """
    sightings = with_place(sightings)
    kinds, kind_of_swarm = kinds_of(swarms)
    order = pl.col(binning.value).alias("order")
    labels = kinds.select(order, pl.col(f"{binning.value}_label").alias("label")).unique()
    order_of_swarm = kind_of_swarm.join(kinds, on="kind").select("swarm", order)
    # All of it in the streaming engine: what follows the count would else be done by one thread.
    counted = (
        per_swarm(sightings)
        .join(order_of_swarm.lazy(), on="swarm")
        .group_by("order", "country")
        .agg(pl.col("peers").cast(pl.Int64).sum())
        .collect(engine="streaming")
    )
    histogram = (
        counted.join(labels, on="order")
        .with_columns(country=country_of_number("country"))
        .select("order", "label", "country", "peers")
        .sort("order", "country")
    )
    # A part is sorted by place: most of its rows are like the one before, and counted with it.
    runs = sightings.select(pl.col("place").rle()).unnest("place")
    by_place = runs.group_by(place="value").agg(peers=pl.col("len").cast(pl.Int64).sum())
    places = decoded(by_place.collect(engine="streaming"))
    return histogram, places.sort(["peers", "place"], descending=[True, False])
