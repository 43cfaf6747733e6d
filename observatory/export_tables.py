"""The tables that can be taken out of a run, and what of each may tell of few people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from analysis.breakdowns import categories_table, swarms_table
from analysis.churn import churn_table
from analysis.concentration import concentration
from analysis.geojson import Shape
from analysis.life import life_table
from analysis.overlap import overlap_table
from analysis.representation import over_representation
from analysis.seeding import seeding_by_category, seeding_table
from analysis.selection import Selection
from analysis.snapshot import Snapshot
from analysis.suppression import Disclosure
from analysis.tables import Binning, SizeBins, histogram_table
from observatory.run_view import RunView
from swarm.errors import JobRefused

CELL_DEG = 1.0  # about 111 km
EVERYBODY = Selection()


@dataclass(frozen=True, slots=True)
class Subject:
    """The run that a table is made of, and those that it is compared with."""

    view: RunView
    snapshot: Snapshot
    before: Snapshot | None  # for what compares two runs
    history: tuple[Snapshot, ...]  # all runs up to this one, oldest first
    cell_deg: float = CELL_DEG  # the height of cells
    bins: Binning | SizeBins = Binning.CLASSIC  # of the table `histogram`
    selection: Selection = EVERYBODY  # whom tables made of the view are narrowed to


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One table: what it says, how it is made, and what suppression has to know."""

    meaning: str
    build: Callable[[Subject], pl.DataFrame]
    disclosure: Disclosure
    shape: Shape | None = None  # what places a row; None: there is no GeoJSON of it


def _peers(*keys: str, totals: tuple[tuple[str, ...], ...] = ((),)) -> Disclosure:
    return Disclosure(("peers",), keys, totals)


_NAMED = ("swarm", "infohash", "name", "category")
_IN_PLACE = Disclosure(("peers",), (), ((),), whole_row=True)
_BY_BIN = _peers("order", "label", "country", totals=(("order",), ("country",)))


def _histogram(subject: Subject) -> pl.DataFrame:
    if isinstance(subject.bins, Binning):
        return subject.view.histogram(subject.selection, subject.bins)
    return histogram_table(subject.snapshot.tallies, subject.snapshot.swarms, subject.bins)


def _cells(subject: Subject) -> pl.DataFrame:
    try:
        return subject.view.places(subject.selection, cell_deg=subject.cell_deg)
    except ValueError as error:
        raise JobRefused(f"--cell-deg: {error}") from None


def _concentration(subject: Subject) -> pl.DataFrame:
    """One row for each way to sort the peers: over swarms, countries, networks."""
    view = subject.view
    networks = view.networks().filter(pl.col("asn").is_not_null())
    spread = {
        "swarms": swarms_table(*_swarm_frames(subject))["peers"],
        "countries": view.countries()["peers"],
        "networks": networks.group_by("asn").agg(pl.col("peers").sum())["peers"],
        "cells of 1 degree": view.places(cell_deg=CELL_DEG)["peers"],
    }
    rows = []
    for over, peers in spread.items():
        found = concentration(peers)
        if found is not None:
            rows.append(
                {
                    "over": over,
                    "members": found.members,
                    "peers": found.peers,
                    "gini": found.gini,
                    "top_1_share": found.top_1_share,
                    "top_10_share": found.top_10_share,
                    "top_1_percent_share": found.top_1_percent_share,
                }
            )
    schema = {"over": pl.String, "members": pl.Int64, "peers": pl.Int64, "gini": pl.Float64}
    shares = ("top_1_share", "top_10_share", "top_1_percent_share")
    return pl.DataFrame(rows, schema=schema | dict.fromkeys(shares, pl.Float64))


def _overlap(subject: Subject) -> pl.DataFrame:
    """The pairs with both names."""
    names = subject.snapshot.swarms.select("swarm", "name").collect()
    pairs = overlap_table(subject.snapshot.sightings)
    for one in ("a", "b"):
        named = names.rename({"name": f"name_{one}"})
        pairs = pairs.join(named, left_on=f"swarm_{one}", right_on="swarm", maintain_order="left")
    return pairs


def _churn(subject: Subject) -> pl.DataFrame:
    if subject.before is None:
        raise JobRefused("This table compares two runs: name the earlier one with --against RUN.")
    return churn_table(subject.before, subject.snapshot)


def _swarm_frames(subject: Subject) -> tuple[pl.LazyFrame, pl.LazyFrame, pl.LazyFrame]:
    return subject.snapshot.tallies, subject.snapshot.swarms, subject.snapshot.outcomes


TABLES: Mapping[str, ExportTable] = MappingProxyType(
    {
        "countries": ExportTable(
            "peers by country, their share and the size of the median torrent",
            lambda s: s.view.countries(s.selection),
            _peers("country"),
            Shape.COUNTRY,
        ),
        "histogram": ExportTable(
            "peers by country and size of torrent, in bins of 100 MB or of --bin-mb",
            _histogram,
            _BY_BIN,
        ),
        "histogram-log2": ExportTable(
            "the same in bins that double in width",
            lambda s: s.view.histogram(s.selection, Binning.LOG2),
            _BY_BIN,
        ),
        "cells": ExportTable(
            "peers by cells of equal area, 1 degree high or --cell-deg; cities only",
            _cells,
            _IN_PLACE,
            Shape.CELL,
        ),
        "places": ExportTable(
            "peers by the points of the geolocation database; cities only",
            lambda s: s.view.places(s.selection),
            _IN_PLACE,
            Shape.POINT,
        ),
        "country-level": ExportTable(
            "peers that are placed no better than by country",
            lambda s: s.view.country_level(s.selection),
            _peers("country"),
            Shape.COUNTRY,
        ),
        "networks": ExportTable(
            "peers by autonomous system; empty: unknown",
            lambda s: s.view.networks(),
            _peers("asn", "as_name", "hosting"),
        ),
        "hosting": ExportTable(
            "peers by likely hosting: yes, no, unknown",
            lambda s: s.view.hosting(),
            _peers("hosting"),
        ),
        "sources": ExportTable(
            "peers by who named them, and those whom nobody else named",
            lambda s: s.view.sources(),
            Disclosure(("peers", "alone"), ("source",)),
        ),
        "categories": ExportTable(
            "swarms, peers and countries by category",
            lambda s: categories_table(s.snapshot.tallies, s.snapshot.swarms),
            _peers("category", "swarms"),
        ),
        "swarms": ExportTable(
            "each swarm: peers found, estimated size, seeds, with intervals",
            lambda s: swarms_table(*_swarm_frames(s)),
            _peers(*_NAMED, "size_mb", "state"),
        ),
        "seeds": ExportTable(
            "each swarm: seeds against downloaders (BEP 33), with intervals",
            lambda s: seeding_table(s.snapshot.outcomes, s.snapshot.swarms),
            Disclosure(("seeds", "downloaders"), _NAMED),
        ),
        "seeds-by-category": ExportTable(
            "the same, added up by category",
            lambda s: seeding_by_category(s.snapshot.outcomes, s.snapshot.swarms),
            Disclosure(("seeds", "downloaders"), ("category", "swarms")),
        ),
        "concentration": ExportTable(
            "how unevenly peers are spread: Gini and what the biggest have",
            _concentration,
            _peers("over", "members", totals=()),
        ),
        "representation": ExportTable(
            "countries that a category has more or less of, with test and interval",
            lambda s: over_representation(s.snapshot.tallies, s.snapshot.swarms),
            _peers("category", "country", "swarms", totals=(("category",), ("country",))),
        ),
        "overlap": ExportTable(
            "the 100 pairs of swarms that share most of their peers",
            _overlap,
            Disclosure(("shared",), ("swarm_a", "swarm_b", "name_a", "name_b")),
        ),
        "churn": ExportTable(
            "each swarm of two runs: who is new, stayed, is gone, with bounds",
            _churn,
            Disclosure(
                ("before", "after", "stayed", "new", "gone"),
                ("infohash", "name", "state_before", "state_after"),
            ),
        ),
        "life": ExportTable(
            "each swarm over all runs: peers, estimates, seeds, with intervals",
            lambda s: life_table(s.history),
            Disclosure(
                ("peers", "seeds", "downloaders"),
                ("infohash", "name", "run_id", "taken_at", "days", "state"),
            ),
        ),
    }
)
