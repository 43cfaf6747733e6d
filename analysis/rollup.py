"""Roll-ups: a run's sightings counted once, so that the page's figures never read them again.

Pure. A `Rollup` counts rows of (swarm, peer) by swarm and country, by place, by network and by who
named them; the last three by kind of torrent, which is its category and size bins. Two roll-ups of
different parts of a run add up to that of both, so a growing run is rolled up part by part.
Its long tables are lazy: where they lie on disk, a figure reads what it needs of them.
Distinct peers are the one thing that does not add up: they are counted of a whole run alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from analysis.distinct import MOST_ROWS, distinct_table
from analysis.place_code import (
    LETTERS,
    LETTERS_FROM,
    country_number,
    country_of_number,
    decoded,
    with_place,
)
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
    that it has. `counts`: `key`, `kind`, `peers`; each pair once, kind by kind.
    """

    keys: pl.DataFrame
    counts: pl.LazyFrame

    def narrowed(self, selection: Selection, kinds: pl.DataFrame) -> pl.DataFrame:
        """`keys` with the peers that the selection's countries, categories and bin leave."""
        keys = self.keys
        if selection.categories or selection.size_bin:
            wanted = kinds.filter(of_kind(selection))["kind"].implode()
            counts = self.counts.filter(pl.col("kind").is_in(wanted))
            left = counts.group_by("key").agg(pl.col("peers").cast(pl.Int64).sum())
            left_of = left.collect(engine="streaming")
            keys = keys.drop("peers").join(left_of, on="key", maintain_order="left")
        return keys.filter(of_country(selection))


@dataclass(frozen=True)
class Rollup:
    """All that the main figures of a run are made of."""

    kinds: pl.DataFrame  # kind, category, and per binning `order` and label; see `kinds_of`
    classic: pl.DataFrame  # order, label, country, peers: the histogram of everybody, see Binning
    log2: pl.DataFrame
    bars: pl.LazyFrame  # kind, country, peers: the swarms of a kind together
    by_swarm: pl.LazyFrame  # swarm, country, peers: by the tallies
    places: Cube  # place, latitude, longitude (null: known to the country only), country, city
    networks: Cube  # asn, as_name, hosting, country
    sources: Cube  # sources, country
    distinct: pl.LazyFrame | None = None  # see `distinct_table`; None: of a part, or too many

    @cached_property
    def swarms(self) -> pl.DataFrame:
        """`by_swarm`, read when it is first asked for."""
        return self.by_swarm.collect()

    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables by the names under which they are kept."""
        cubes = {name: self.cube(name) for name in CUBES}
        drawn = {binning.value: self.histogram(binning) for binning in Binning}
        long = {"bars": self.bars.collect(), "swarms": self.swarms}
        if self.distinct is not None:
            long["distinct"] = self.distinct.collect()
        return (
            {"kinds": self.kinds}
            | drawn
            | long
            | {
                f"{name}{suffix}": frame
                for name, cube in cubes.items()
                for suffix, frame in (("", cube.keys), ("_by_kind", cube.counts.collect()))
            }
        )

    def histogram(self, binning: Binning) -> pl.DataFrame:
        """`order`, `label`, `country`, `peers` of everybody, in bin order."""
        return {Binning.CLASSIC: self.classic, Binning.LOG2: self.log2}[binning]

    def cube(self, name: str) -> Cube:
        """One of CUBES by its name."""
        return {"places": self.places, "networks": self.networks, "sources": self.sources}[name]

    @classmethod
    def of(cls, frames: Mapping[str, pl.LazyFrame]) -> Rollup:
        """The roll-up whose `frames` these are; the short ones are read now."""
        short = ["kinds", Binning.CLASSIC.value, Binning.LOG2.value, *CUBES]
        kinds, classic, log2, *keys = pl.collect_all([frames[name] for name in short])
        counts = [frames[f"{name}_by_kind"] for name in CUBES]
        places, networks, sources = map(Cube, keys, counts)
        return cls(
            kinds, classic, log2, frames["bars"], frames["swarms"],
            places, networks, sources, frames.get("distinct"),
        )  # fmt: skip


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
    by_swarm = (
        _collected(per_swarm(sightings))
        if tallies is None
        else _collected(tallies.group_by("swarm", "country").agg(pl.col("peers").sum()))
    )
    if tallies is None:
        by_swarm = _spelt(by_swarm)
    by_swarm = by_swarm.with_columns(pl.col("peers").cast(pl.Int64)).filter(pl.col("peers") > 0)
    by_swarm = by_swarm.sort("swarm", "country")
    cities = _collected(per_place(sightings).drop("peers"))
    owners = _collected(sightings.group_by("asn").agg(pl.col("as_name", "hosting").first()))
    # One after the other: at once, all their groups would be in memory.
    places, networks, sources = (
        _cube(_collected(rows.group_by(*names, "kind").agg(peers=pl.len())), names)
        for names in CUBES.values()
    )
    bars = _summed([by_swarm.join(kind_of_swarm, on="swarm")], "kind", "country")
    return Rollup(
        kinds,
        binned(bars, kinds, Binning.CLASSIC),
        binned(bars, kinds, Binning.LOG2),
        bars.lazy(),
        by_swarm.lazy(),
        Cube(_located(places.keys, cities), places.counts),
        Cube(_owned(networks.keys, owners), networks.counts),
        Cube(_spelt(sources.keys), sources.counts),
    )


def with_distinct(rollup: Rollup, sightings: pl.LazyFrame, swarms: pl.DataFrame) -> Rollup:
    """The roll-up of a whole run with its distinct peers; without, where there are too many rows.

    Arguments are those of `roll_up`.
    """
    if rollup.swarms["peers"].sum() > MOST_ROWS:
        return rollup
    table = distinct_table(with_place(sightings), *kinds_of(swarms))
    return replace(rollup, distinct=table.lazy())


def per_swarm(sightings: pl.LazyFrame) -> pl.LazyFrame:
    """`swarm`, `country` (see `country_number`), `peers`; `place` must be filled in."""
    # Grouped as one integer, which takes three quarters of the time of two: the letters stay where
    # `place` has them, the swarm takes the place of the point. No letters are no country.
    code = (pl.col("place").fill_null(0) & LETTERS) | pl.col("swarm").cast(pl.UInt64)
    number = (pl.col("code") // LETTERS_FROM).cast(pl.UInt16)
    return (
        sightings.group_by(code=code)
        .agg(peers=pl.len())
        .select(
            (pl.col("code") % LETTERS_FROM).cast(pl.UInt32).alias("swarm"),
            pl.when(number != 0).then(number).alias("country"),
            "peers",
        )
    )


def per_place(sightings: pl.LazyFrame) -> pl.LazyFrame:
    """`place`, `city`, `peers`; `place` must be filled in."""
    return sightings.group_by("place").agg(pl.col("city").first(), peers=pl.len())


def united(rollups: Sequence[Rollup]) -> Rollup:
    """The roll-up of all the parts that these are of; at least one, all of the same run."""
    kinds = rollups[0].kinds
    bars = _summed([one.bars.collect() for one in rollups], "kind", "country")
    classic, log2 = (binned(bars, kinds, binning) for binning in (Binning.CLASSIC, Binning.LOG2))
    swarms = _summed([one.swarms for one in rollups], "swarm", "country")
    places, networks, sources = [
        _united([one.cube(name) for one in rollups], names) for name, names in CUBES.items()
    ]
    return Rollup(kinds, classic, log2, bars.lazy(), swarms.lazy(), places, networks, sources)


def binned(bars: pl.DataFrame, kinds: pl.DataFrame, binning: Binning) -> pl.DataFrame:
    """Some `bars` of a roll-up by the bins of some `kinds`: see `Rollup.histogram`."""
    order = pl.col(binning.value).alias("order")
    labels = kinds.select(order, pl.col(f"{binning.value}_label").alias("label")).unique()
    return (
        bars.join(kinds.select("kind", order), on="kind")
        .group_by("order", "country")
        .agg(pl.col("peers").sum())
        .join(labels, on="order")
        .select("order", "label", "country", "peers")
        .sort("order", "country")
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


def _cube(counted: pl.DataFrame, names: tuple[str, ...]) -> Cube:
    """`counted` has `names`, `kind` and `peers`, each pair once."""
    total = pl.col("peers").cast(pl.Int64).sum()
    keys = counted.group_by(names).agg(total).sort(names).with_row_index("key")
    counts = counted.join(keys, on=names, nulls_equal=True).select(
        "key", "kind", pl.col("peers").cast(pl.UInt32)
    )
    return Cube(keys, counts.sort("kind", "key").lazy())


def _united(cubes: Sequence[Cube], names: tuple[str, ...]) -> Cube:
    told = [cube.keys.drop("peers").lazy() for cube in cubes]
    counted = [
        cube.counts.join(keys.select("key", *names), on="key").select(*names, "kind", "peers")
        for cube, keys in zip(cubes, told, strict=True)
    ]
    summed = _collected(pl.concat(counted).group_by(*names, "kind").agg(pl.col("peers").sum()))
    cube = _cube(summed, names)
    described = pl.concat(told).drop("key").unique(names, keep="first", maintain_order=True)
    keys = cube.keys.join(described.collect(), on=names, nulls_equal=True, maintain_order="left")
    return Cube(keys.select(cubes[0].keys.columns), cube.counts)


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


def _summed(frames: Sequence[pl.DataFrame], *by: str) -> pl.DataFrame:
    return pl.concat(frames).group_by(*by).agg(pl.col("peers").sum()).sort(by).select(*by, "peers")


def _collected(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.collect(engine="streaming")
