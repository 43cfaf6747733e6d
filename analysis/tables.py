"""From a run's columns to the small tables that figures and the page are drawn from.

Pure: lazy frames in (columns of `swarm.columns`), small frames out; polars streams the rest.
Countries are counted from the tallies, since an import keeps its record's own counts there; places
come from the sightings. "Unknown" (ZZ) is a country like any other and is never dropped.
A peer that is in two swarms counts once in each, except in `KeyNumbers.peers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import polars as pl

from swarm.place import UNKNOWN_COUNTRY

OTHER = "other"  # the group of all countries behind the top; no ISO code is lower-case
UNKNOWN_SIZE = "unknown size"
MAX_MARKERS = 20_000  # above, one marker a place: a browser draws no more than this smoothly

# A point this vague stands for a whole country: geolocation databases put there what they cannot
# place any better.
COUNTRY_LEVEL_RADIUS_KM = 200

CLASSIC_WIDTH_MB = 100
_EXABYTE_MB = 1e12
_UNKNOWN_ORDER = 2**31 - 1


class Binning(Enum):
    """How torrent sizes are cut into bins."""

    CLASSIC = "classic"  # 100 MB wide, as the classic tool had it: "300 - 399"
    LOG2 = "log2"  # one bin for each doubling: "256 - 512"


@dataclass(frozen=True, slots=True)
class SizeBins:
    """Bins of one width from 0 on, labelled as the classic ones are: 250 MB wide, "500 - 749"."""

    width_mb: int

    def __post_init__(self) -> None:
        if self.width_mb < 1:
            raise ValueError(f"bins are at least 1 MB wide, not {self.width_mb}")


@dataclass(frozen=True, slots=True)
class KeyNumbers:
    """The figures of one run that are read before any chart."""

    peers: int  # distinct endpoints over all swarms
    memberships: int  # the same peer in two swarms counts twice
    countries: int  # without the unknown
    places: int  # distinct points on the map
    located_share: float | None  # of the memberships, how many have a country; None: no peers


def with_size_mb(swarms: pl.LazyFrame) -> pl.LazyFrame:
    """Add `size_mb` (decimal: bytes / 1e6; an import's recorded size first), null if unknown.

    A recorded size that is negative, not a number or beyond an exabyte is no size.
    """
    recorded = pl.col("recorded_size_mb")
    usable = recorded.is_between(0, _EXABYTE_MB)
    measured = pl.when(pl.col("size_bytes") >= 0).then(pl.col("size_bytes") / 1e6)
    return swarms.with_columns(size_mb=pl.when(usable).then(recorded).otherwise(measured))


def histogram_table(
    tallies: pl.LazyFrame,
    swarms: pl.LazyFrame,
    binning: Binning | SizeBins = Binning.CLASSIC,
) -> pl.DataFrame:
    """Peers per size bin and country: `order`, `label`, `country`, `peers`, in bin order.

    Swarms of unknown size are in a bin of their own, the last. Empty bins are absent.
    """
    order, label = bin_columns(binning)
    binned = with_size_mb(swarms).select("swarm", order.alias("order"), label.alias("label"))
    return (
        tallies.select("swarm", "country", "peers")
        .join(binned, on="swarm")
        .group_by("order", "label", "country")
        .agg(pl.col("peers").sum())
        .filter(pl.col("peers") > 0)
        .sort("order", "country")
        .collect(engine="streaming")
    )


def countries_table(tallies: pl.LazyFrame, swarms: pl.LazyFrame) -> pl.DataFrame:
    """A row per country: `country`, `peers`, `share` (of all peers), `median_mb`; most peers first.

    `median_mb` is the size of the torrent that the country's median peer shares, weighted by
    peers; null where no size is known.
    """
    per_size = (
        tallies.join(with_size_mb(swarms).select("swarm", "size_mb"), on="swarm")
        .group_by("country", "size_mb")
        .agg(pl.col("peers").sum())
        .collect(engine="streaming")
    )
    totals = per_size.group_by("country").agg(pl.col("peers").sum()).filter(pl.col("peers") > 0)
    return (
        totals.join(_weighted_medians(per_size), on="country", how="left")
        .with_columns(share=pl.col("peers") / pl.col("peers").sum())
        .select("country", "peers", "share", "median_mb")
        .sort(["peers", "country"], descending=[True, False])
    )


def _weighted_medians(per_size: pl.DataFrame) -> pl.DataFrame:
    known = per_size.filter(pl.col("size_mb").is_not_null(), pl.col("peers") > 0)
    half = pl.col("peers").cum_sum() * 2 >= pl.col("peers").sum()
    return (
        known.sort("size_mb")
        .group_by("country", maintain_order=True)
        .agg(median_mb=pl.col("size_mb").filter(half).first())
    )


def top_countries(countries: pl.DataFrame, count: int) -> list[str]:
    """The `count` countries with the most peers, in that order; the unknown is not one of them."""
    known = countries.filter(pl.col("country") != UNKNOWN_COUNTRY)
    return known.head(count)["country"].to_list()


def group_behind_top(histogram: pl.DataFrame, top: list[str]) -> pl.DataFrame:
    """The histogram with all countries but `top` and the unknown summed up as `OTHER`."""
    kept = pl.col("country").is_in([*top, UNKNOWN_COUNTRY])
    return (
        histogram.with_columns(country=pl.when(kept).then("country").otherwise(pl.lit(OTHER)))
        .group_by("order", "label", "country")
        .agg(pl.col("peers").sum())
        .sort("order", "country")
    )


def places_table(
    sightings: pl.LazyFrame, swarms: pl.LazyFrame, at_most: int = MAX_MARKERS
) -> pl.DataFrame:
    """Where peers are, the biggest torrent first: a row per place and swarm.

    Columns: `latitude`, `longitude`, `city` (null: known to the country only), `country`, `name`
    of the torrent, `size_mb` (null: unknown), `peers`, `swarms`. Where that would be more than
    `at_most` rows, a row stands for all swarms of a place: `name` is null, `swarms` counts them
    and `size_mb` is their median. Sightings without coordinates are on no map.
    """
    per_swarm = _located(sightings).group_by(*_PLACE, "swarm").agg(peers=pl.len().cast(pl.Int64))
    named = (
        per_swarm.join(with_size_mb(swarms).select("swarm", "name", "size_mb"), on="swarm")
        .with_columns(swarms=pl.lit(1, pl.Int64))
        .select(*_PLACE, "name", "size_mb", "peers", "swarms")
        .collect(engine="streaming")
    )
    if len(named) > at_most:
        named = _merge_swarms(named)
    return named.sort(
        ["size_mb", *_PLACE, "name"], descending=[True] + [False] * 5, nulls_last=True
    )


_PLACE = ("latitude", "longitude", "city", "country")


def _located(sightings: pl.LazyFrame) -> pl.LazyFrame:
    vague = pl.col("radius_km").fill_null(0) >= COUNTRY_LEVEL_RADIUS_KM
    return sightings.filter(
        pl.col("latitude").is_between(-90, 90), pl.col("longitude").is_between(-180, 180)
    ).with_columns(city=pl.when(~vague).then("city"))


def _merge_swarms(places: pl.DataFrame) -> pl.DataFrame:
    return places.group_by(*_PLACE).agg(
        pl.lit(None, pl.String).alias("name"),
        pl.col("size_mb").median(),
        pl.col("peers").sum(),
        pl.col("swarms").sum(),
    )


def key_numbers(sightings: pl.LazyFrame, tallies: pl.LazyFrame) -> KeyNumbers:
    """Count a run. Where an import has tallies but no sightings, peers are its memberships."""
    known = pl.col("country") != UNKNOWN_COUNTRY
    counted = tallies.select(
        memberships=pl.col("peers").sum(),
        located=pl.col("peers").filter(known).sum(),
        countries=pl.col("country").filter(known & (pl.col("peers") > 0)).n_unique(),
    ).collect(engine="streaming")
    memberships, located, countries = counted.row(0)
    seen, distinct = (
        sightings.select(pl.len(), pl.col("peer").n_unique().alias("distinct"))
        .collect(engine="streaming")
        .row(0)
    )
    places = _located(sightings).select("latitude", "longitude").unique().select(pl.len())
    return KeyNumbers(
        peers=distinct if seen >= memberships else memberships,
        memberships=memberships,
        countries=countries,
        places=places.collect(engine="streaming").item(),
        located_share=located / memberships if memberships else None,
    )


def log2_labels(first: int, last: int) -> list[str]:
    """The labels of the doublings whose `order` is from `first` to `last`, held or not."""
    _, label = bin_columns(Binning.LOG2)
    sizes = [2.0**order for order in range(first, last + 1)]
    return pl.DataFrame({"size_mb": sizes}).select(label.alias("label"))["label"].to_list()


def bin_columns(binning: Binning | SizeBins) -> tuple[pl.Expr, pl.Expr]:
    """Two expressions over `size_mb`: the place of its bin on the axis, and the bin's label."""
    size = pl.col("size_mb")
    if binning is not Binning.LOG2:
        # int(MB) - int(MB) % 100, as the classic tool has it
        width = binning.width_mb if isinstance(binning, SizeBins) else CLASSIC_WIDTH_MB
        order = size.cast(pl.Int64) // width
        low = order * width
        label = pl.format("{} - {}", low, low + width - 1)
    else:
        order = size.clip(lower_bound=0.5).log(2).floor().cast(pl.Int64)
        edges = pl.format("{} - {}", 2 ** order.clip(0), 2 ** (order.clip(0) + 1))
        label = pl.when(order < 0).then(pl.lit("0 - 1")).otherwise(edges)
    unknown = size.is_null()
    return (
        pl.when(unknown).then(_UNKNOWN_ORDER).otherwise(order),
        pl.when(unknown).then(pl.lit(UNKNOWN_SIZE)).otherwise(label),
    )
