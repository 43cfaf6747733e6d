"""How unevenly peers are spread: over swarms, countries, networks, cities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True, slots=True)
class Concentration:
    """How much of the whole the biggest have."""

    members: int  # swarms, countries or networks that have anybody
    peers: int
    gini: float  # 0: all alike; towards 1: one has all
    top_1_share: float
    top_10_share: float
    top_1_percent_share: float  # of the biggest hundredth, at least one


def gini(counts: pl.Series) -> float | None:
    """Gini's coefficient of non-negative counts; None where they add up to nothing.

    2 sum(i x_i) / (n sum(x)) - (n + 1) / n over the counts in rising order (Damgaard and Weiner
    2000). Those who are known to have nothing have to be among them, as zeros.
    """
    ordered = np.sort(counts.to_numpy()).astype(np.float64)
    total, members = float(ordered.sum()), len(ordered)
    if not total:
        return None
    weighted = float((ordered * np.arange(1, members + 1)).sum())
    return 2 * weighted / (members * total) - (members + 1) / members


def top_share(counts: pl.Series, top: int) -> float | None:
    """What part of the whole the `top` biggest have; None where there is nothing."""
    total = float(counts.sum())
    return float(counts.top_k(min(top, len(counts))).sum()) / total if total else None


def concentration(counts: pl.Series) -> Concentration | None:
    """How peers are spread over the members that have any; None where nobody has."""
    held = counts.filter(counts > 0)
    uneven, first, ten = gini(held), top_share(held, 1), top_share(held, 10)
    hundredth = top_share(held, max(round(len(held) / 100), 1))
    if uneven is None or first is None or ten is None or hundredth is None:
        return None
    return Concentration(len(held), int(held.sum()), uneven, first, ten, hundredth)
