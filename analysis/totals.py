"""The figures of a run, or of a selection of it, that are read before any chart."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import polars as pl

from analysis.estimate import Estimate
from swarm.place import UNKNOWN_COUNTRY


@dataclass(frozen=True, slots=True)
class RunTotals:
    """The key numbers. What a selection does not tell is None, never guessed."""

    peers: int | None  # distinct endpoints; None where too many rows would have to be read
    memberships: int  # the same peer in two swarms counts twice
    swarms: int  # with at least one of these peers
    countries: int  # without the unknown
    places: int  # distinct points on the map; country-level points are none
    located_share: float | None  # of the memberships, how many have a country; None: no peers
    seeds: Estimate | None  # addresses, over swarms; None: not estimated, or not tellable
    downloaders: Estimate | None
    recall: float | None  # of the whole run: the share of known peers that was found


def located_share(by_country: pl.DataFrame) -> float | None:
    """Of `peers`, the share whose `country` is known; None where there are none."""
    everybody = int(by_country["peers"].sum())
    known = int(by_country.filter(pl.col("country") != UNKNOWN_COUNTRY)["peers"].sum())
    return known / everybody if everybody else None


def summed_estimate(outcomes: pl.DataFrame, name: str) -> Estimate | None:
    """The sum over swarms of `<name>`, with the 95 % interval of the sum.

    The distances of the ends from the values are added as squares, the swarms being estimated
    apart from each other (Zou and Donner 2008, "MOVER", for two; Zou et al. 2009 for many). Where
    one swarm's upper end is unbounded, so is the sum's. None where no swarm has an estimate.
    """
    known = outcomes.filter(pl.col(name).is_not_null())
    if known.is_empty():
        return None
    value = float(known[name].sum())
    below = sqrt(((known[name] - known[f"{name}_low"]) ** 2).sum())
    unbounded = known[f"{name}_high"].null_count() > 0
    above = None if unbounded else sqrt(((known[f"{name}_high"] - known[name]) ** 2).sum())
    return Estimate(value, max(0.0, value - below), None if above is None else value + above)
