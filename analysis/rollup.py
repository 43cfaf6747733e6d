"""Roll-ups: a run's sightings counted once, so that the page's figures never read them again.

Pure. A `Rollup` counts rows of (swarm, peer) by swarm and country, by place, by network and by who
named them; the last three by kind of torrent, which is its category and size bins. Two roll-ups of
different parts of a run add up to that of both, so a growing run is rolled up part by part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from analysis.cells import at_city_level
from analysis.selection import Selection
from analysis.tables import Binning, bin_columns, with_size_mb

PLACE_KEYS = ("latitude", "longitude", "city", "country")  # null point: known to the country only
NETWORK_KEYS = ("asn", "as_name", "hosting", "country")
SOURCE_KEYS = ("sources", "country")


@dataclass(frozen=True, slots=True)
class Cube:
    """Peers by some key and by kind of torrent.

    `keys`: `key` (UInt32), the columns that make it, and `peers`, all that it has.
    `counts`: `key`, `kind`, `peers`; each pair once.
    """

    keys: pl.DataFrame
    counts: pl.DataFrame

    def __add__(self, other: Cube) -> Cube:
        names = [name for name in self.keys.columns if name not in ("key", "peers")]
        both = [self.keys.select(names), other.keys.select(names)]
        keys = pl.concat(both).unique(maintain_order=True).with_row_index("key")
        counts = [
            one.counts.join(_renumbered(one.keys, keys, names), on="key").select(
                pl.col("new").alias("key"), "kind", "peers"
            )
            for one in (self, other)
        ]
        return _cube(keys, pl.concat(counts))

    def narrowed(self, selection: Selection, kinds: pl.DataFrame) -> pl.DataFrame:
        """`keys` with the peers that the selection's countries, categories and bin leave."""
        keys = self.keys
        if selection.categories or selection.size_bin:
            wanted = kinds.filter(of_kind(selection))["kind"].implode()
            counts = self.counts.filter(pl.col("kind").is_in(wanted))
            left = counts.group_by("key").agg(pl.col("peers").sum())
            keys = keys.drop("peers").join(left, on="key")
        return keys.filter(of_country(selection))


@dataclass(frozen=True, slots=True)
class Rollup:
    """All that the main figures of a run are made of."""

    kinds: pl.DataFrame  # kind, category, and per binning `order` and label; see `kinds_of`
    swarms: pl.DataFrame  # swarm, country, peers: by the tallies
    places: Cube  # PLACE_KEYS
    networks: Cube  # NETWORK_KEYS
    sources: Cube  # SOURCE_KEYS

    def __add__(self, other: Rollup) -> Rollup:
        return Rollup(
            self.kinds,
            _summed(pl.concat([self.swarms, other.swarms]), "swarm", "country"),
            self.places + other.places,
            self.networks + other.networks,
            self.sources + other.sources,
        )

    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables by the names under which they are kept."""
        cubes = {"places": self.places, "networks": self.networks, "sources": self.sources}
        return {"kinds": self.kinds, "swarms": self.swarms} | {
            f"{name}{suffix}": frame
            for name, cube in cubes.items()
            for suffix, frame in (("", cube.keys), ("_by_kind", cube.counts))
        }

    @classmethod
    def of(cls, frames: Mapping[str, pl.DataFrame]) -> Rollup:
        """The roll-up whose `frames` these are."""
        names = ("places", "networks", "sources")
        cubes = [Cube(frames[name], frames[f"{name}_by_kind"]) for name in names]
        return cls(frames["kinds"], frames["swarms"], *cubes)


def roll_up(
    sightings: pl.LazyFrame, swarms: pl.DataFrame, tallies: pl.LazyFrame | None = None
) -> Rollup:
    """Count sightings (SIGHTING_COLUMNS) of the run whose swarms are `swarms` (SWARM_COLUMNS).

    Args:
        sightings: of the whole run, or of some of its parts.
        swarms: always all of the run: the numbers of kinds come from them.
        tallies: an import's own counts, TALLY_COLUMNS; else they are counted from the sightings.
    """
    kinds, kind_of_swarm = kinds_of(swarms)
    located = at_city_level()
    point = [pl.when(located).then(name).alias(name) for name in PLACE_KEYS[:3]]
    rows = sightings.join(kind_of_swarm.lazy(), on="swarm")
    counted = [
        rows.with_columns(point).group_by(*PLACE_KEYS, "kind").agg(peers=pl.len()),
        rows.group_by(*NETWORK_KEYS, "kind").agg(peers=pl.len()),
        rows.group_by(*SOURCE_KEYS, "kind").agg(peers=pl.len()),
        rows.group_by("swarm", "country").agg(peers=pl.len())
        if tallies is None
        else tallies.group_by("swarm", "country").agg(pl.col("peers").sum()),
    ]
    places, networks, sources, per_swarm = pl.collect_all(counted, engine="streaming")
    return Rollup(
        kinds,
        per_swarm.with_columns(pl.col("peers").cast(pl.Int64)).filter(pl.col("peers") > 0),
        _keyed(places, PLACE_KEYS),
        _keyed(networks, NETWORK_KEYS),
        _keyed(sources, SOURCE_KEYS),
    )


def kinds_of(swarms: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The kinds of torrents there are, and which swarm is of which (`swarm`, `kind`).

    A kind is `kind` (UInt32), `category` ("" where none is known), and for each binning its `order`
    and `label`, named `classic`, `classic_label`, `log2`, `log2_label`.
    """
    columns = []
    for binning in Binning:
        order, label = bin_columns(binning)
        columns += [order.alias(binning.value), label.alias(f"{binning.value}_label")]
    names = ["category", *(f"{b.value}{suffix}" for b in Binning for suffix in ("", "_label"))]
    described = (
        with_size_mb(swarms.lazy())
        .select("swarm", pl.col("category").fill_null(""), *columns)
        .collect()
    )
    kinds = described.select(names).unique(maintain_order=True).with_row_index("kind")
    return kinds, described.join(kinds, on=names).select("swarm", "kind")


def of_kind(selection: Selection) -> pl.Expr:
    """Whether a kind of torrent is in the selection."""
    chosen = pl.lit(True)
    if selection.categories:
        chosen &= pl.col("category").is_in(sorted(selection.categories))
    if selection.size_bin is not None:
        binning, order = selection.size_bin
        chosen &= pl.col(binning.value) == order
    return chosen


def of_country(selection: Selection) -> pl.Expr:
    """Whether `country` is in the selection."""
    if not selection.countries:
        return pl.lit(True)
    return pl.col("country").is_in(sorted(selection.countries))


def _keyed(counted: pl.DataFrame, names: tuple[str, ...]) -> Cube:
    keys = counted.select(names).unique(maintain_order=True).with_row_index("key")
    numbered = counted.join(keys, on=names, nulls_equal=True)
    return _cube(keys, numbered.select("key", "kind", pl.col("peers").cast(pl.UInt32)))


def _cube(keys: pl.DataFrame, counts: pl.DataFrame) -> Cube:
    counts = _summed(counts, "key", "kind").sort("key", "kind")
    totals = counts.group_by("key").agg(pl.col("peers").cast(pl.Int64).sum())
    return Cube(keys.join(totals, on="key", maintain_order="left"), counts)


def _renumbered(old: pl.DataFrame, keys: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    renamed = keys.select(*names, pl.col("key").alias("new"))
    return old.drop("peers").join(renamed, on=names, nulls_equal=True).select("key", "new")


def _summed(frame: pl.DataFrame, *by: str) -> pl.DataFrame:
    return frame.group_by(*by).agg(pl.col("peers").sum())
