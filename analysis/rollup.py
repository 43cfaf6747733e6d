"""Roll-ups: a run's sightings counted once, so that the page's figures never read them again.

Pure. A `Rollup` counts rows of (swarm, peer) by swarm and country, by place, by network and by who
named them; the last three by kind of torrent, which is its category and size bins. Two roll-ups of
different parts of a run add up to that of both, so a growing run is rolled up part by part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from analysis.place_code import country_number, country_of_number, decoded, with_place
from analysis.selection import Selection
from analysis.tables import Binning, bin_columns, with_size_mb

# What tells the keys of each cube apart.
PLACE_NAMES = ("place",)
NETWORK_NAMES = ("asn", "country")
SOURCE_NAMES = ("sources", "country")
CUBES = {"places": PLACE_NAMES, "networks": NETWORK_NAMES, "sources": SOURCE_NAMES}


@dataclass(frozen=True, slots=True)
class Cube:
    """Peers by some key and by kind of torrent.

    `keys`: `key` (UInt32), the columns that tell it and what else is known of it, and `peers`, all
    that it has. `counts`: `key`, `kind`, `peers`; each pair once.
    """

    keys: pl.DataFrame
    counts: pl.DataFrame

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
    places: Cube  # place, latitude, longitude (null: known to the country only), country, city
    networks: Cube  # asn, as_name, hosting, country
    sources: Cube  # sources, country

    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables by the names under which they are kept."""
        cubes = {name: self.cube(name) for name in CUBES}
        return {"kinds": self.kinds, "swarms": self.swarms} | {
            f"{name}{suffix}": frame
            for name, cube in cubes.items()
            for suffix, frame in (("", cube.keys), ("_by_kind", cube.counts))
        }

    def cube(self, name: str) -> Cube:
        """One of CUBES by its name."""
        return {"places": self.places, "networks": self.networks, "sources": self.sources}[name]

    @classmethod
    def of(cls, frames: Mapping[str, pl.DataFrame]) -> Rollup:
        """The roll-up whose `frames` these are."""
        cubes = [Cube(frames[name], frames[f"{name}_by_kind"]) for name in CUBES]
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
    sightings = with_place(sightings)
    rows = sightings.with_columns(country=country_number())
    rows = rows.join(kind_of_swarm.lazy(), on="swarm")
    peers = pl.len().alias("peers")
    labels = [
        per_place(sightings).drop("peers"),
        sightings.group_by("asn").agg(pl.col("as_name", "hosting").first()),
    ]
    counted = [rows.group_by(*names, "kind").agg(peers) for names in CUBES.values()]
    swarm_counts = (
        per_swarm(sightings)
        if tallies is None
        else tallies.group_by("swarm", "country").agg(pl.col("peers").sum())
    )
    cities, owners, swarm_rows, *cubes = pl.collect_all(
        [*labels, swarm_counts, *counted], engine="streaming"
    )
    if tallies is None:
        swarm_rows = swarm_rows.with_columns(country=country_of_number("country"))
    places, networks, sources = map(_cube, cubes, CUBES.values())
    return Rollup(
        kinds,
        swarm_rows.with_columns(pl.col("peers").cast(pl.Int64)).filter(pl.col("peers") > 0),
        Cube(_located(places.keys, cities), places.counts),
        Cube(_owned(networks.keys, owners), networks.counts),
        Cube(_spelt(sources.keys), sources.counts),
    )


def per_swarm(sightings: pl.LazyFrame) -> pl.LazyFrame:
    """`swarm`, `country` (see `country_number`), `peers`; `place` must be filled in."""
    return sightings.group_by("swarm", country_number().alias("country")).agg(peers=pl.len())


def per_place(sightings: pl.LazyFrame) -> pl.LazyFrame:
    """`place`, `city`, `peers`; `place` must be filled in."""
    return sightings.group_by("place").agg(pl.col("city").first(), peers=pl.len())


def united(rollups: Sequence[Rollup]) -> Rollup:
    """The roll-up of all the parts that these are of; at least one, all of the same run."""
    swarms = pl.concat([one.swarms for one in rollups])
    cubes = [_united([one.cube(name) for one in rollups], names) for name, names in CUBES.items()]
    return Rollup(rollups[0].kinds, _summed(swarms, "swarm", "country"), *cubes)


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


def _cube(counted: pl.DataFrame, names: tuple[str, ...]) -> Cube:
    keys = counted.select(names).unique(maintain_order=True).with_row_index("key")
    counts = counted.join(keys, on=names, nulls_equal=True).select(
        "key", "kind", pl.col("peers").cast(pl.UInt32)
    )
    return Cube(_with_totals(keys, counts), counts.sort("key", "kind"))


def _united(cubes: Sequence[Cube], names: tuple[str, ...]) -> Cube:
    described = pl.concat([cube.keys.drop("key", "peers") for cube in cubes])
    keys = described.unique(names, keep="first", maintain_order=True).with_row_index("key")
    new_key = keys.select(*names, pl.col("key").alias("new"))
    renumbered = [
        cube.counts.join(
            cube.keys.join(new_key, on=names, nulls_equal=True).select("key", "new"), on="key"
        ).select("kind", "peers", key="new")
        for cube in cubes
    ]
    counts = _summed(pl.concat(renumbered), "key", "kind").sort("key", "kind")
    return Cube(_with_totals(keys, counts), counts)


def _with_totals(keys: pl.DataFrame, counts: pl.DataFrame) -> pl.DataFrame:
    totals = counts.group_by("key").agg(pl.col("peers").cast(pl.Int64).sum())
    return keys.join(totals, on="key", maintain_order="left")


def _located(places: pl.DataFrame, cities: pl.DataFrame) -> pl.DataFrame:
    """Keys with the point that the number says, and the city's name where the point is one."""
    named = decoded(places).join(cities, on="place", how="left", maintain_order="left")
    city = pl.when(pl.col("latitude").is_not_null()).then("city")
    return named.with_columns(city=city)


def _owned(networks: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    named = networks.join(owners, on="asn", how="left", nulls_equal=True, maintain_order="left")
    return _spelt(named)


def _spelt(keys: pl.DataFrame) -> pl.DataFrame:
    return keys.with_columns(country=country_of_number("country"))


def _summed(frame: pl.DataFrame, *by: str) -> pl.DataFrame:
    return frame.group_by(*by).agg(pl.col("peers").sum())
