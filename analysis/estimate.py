"""Estimates: how big a swarm is that was seen in part, and how big the DHT. Pure arithmetic.

Every estimate comes with a 95 % interval: of so many such intervals, about 95 % hold the truth, as
long as the assumption in its docstring holds. `docs/how-we-count.md` explains them in words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log, sqrt

import numpy as np
import numpy.typing as npt

from swarm.bloom import FILTER_BITS, bloom_estimate

_Z = 1.959964  # two-sided 95 % of the normal distribution
_LEVEL = 0.95
_NEGLIGIBLE = 9.0  # a tail of e ** -9 of what is likely is left out
_FINENESS = 32  # far off, sizes are computed in steps of 1/32 of how far off they are
_MOST_SIZE = 10**12
_BLOOM_HASHES = 2
_EXACT_ADDRESSES = 400
_MOST_ADDRESSES = 20_000  # nearly three times what fills a filter


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value and its 95 % interval; `high` is None where nothing bounds it from above."""

    value: float
    low: float
    high: float | None


def chapman(first: int, second: int, both: int) -> Estimate:
    """The size of a population of which two independent catches caught `first` and `second`.

    Chapman (1951): (n1 + 1)(n2 + 1) / (m + 1) - 1, unbiased where n1 + n2 >= N. The interval is
    made of the likeliest sizes that have 95 % of the posterior together (the last one counted
    half, since sizes are whole): beforehand every size is as likely as another, and each catch's
    chance is Beta(1/2, 1/2), as Jeffreys has it. So it is lopsided, as the truth is, and never
    below what was seen. Where nobody was caught twice nothing bounds it. Assumes that each catch
    takes every member with one chance, whatever the other caught.
    """
    seen = first + second - both
    if both == 0:
        return Estimate(float(seen), float(seen), 0.0 if seen == 0 else None)
    value = (first + 1) * (second + 1) / (both + 1) - 1
    low, high = _likely_sizes(first, second, both)
    return Estimate(min(max(value, low), high), float(low), float(high))


@lru_cache(maxsize=65_536)
def _likely_sizes(first: int, second: int, both: int) -> tuple[int, int]:
    """The least and the greatest of the likeliest sizes that have 95 % together."""
    seen = first + second - both

    def log_posterior(size: int) -> float:
        value = lgamma(size + 1) - lgamma(size - seen + 1)
        for caught in (first, second):  # its chance integrated out: a beta function
            value += lgamma(size - caught + 0.5) - lgamma(size + 1)
        return value

    middle = max(seen, first * second // both)
    sizes, logs = [middle], [log_posterior(middle)]
    for towards, end in ((-1, seen), (1, _MOST_SIZE)):
        offset = 0
        while middle + towards * offset != end:
            # One by one near the middle, then in ever longer steps: the tail is long and smooth.
            offset = min(offset + 1 + offset // _FINENESS, abs(end - middle))
            sizes.append(middle + towards * offset)
            logs.append(log_posterior(sizes[-1]))
            if logs[-1] + log(offset) < logs[0] - _NEGLIGIBLE:
                break
    return _densest(np.array(sizes), np.array(logs))


def _densest(sizes: npt.NDArray[np.int64], logs: npt.NDArray[np.float64]) -> tuple[int, int]:
    """The ends of the densest sizes that hold 95 %, each standing for its part of the axis."""
    order = np.argsort(sizes)
    sizes, logs = sizes[order], logs[order]
    density = np.exp(logs - logs.max())
    edges = np.concatenate(([sizes[0] - 0.5], (sizes[1:] + sizes[:-1]) / 2, [sizes[-1] + 0.5]))
    weights = density * np.diff(edges)
    order = np.argsort(-density, kind="stable")
    ranked = weights[order] / weights.sum()
    inside = order[np.cumsum(ranked) - ranked / 2 <= _LEVEL]
    return int(sizes[inside.min()]), int(sizes[inside.max()])


def swarm_size(unique: int, first: int, second: int, both: int) -> Estimate:
    """The distinct endpoints of a swarm, from those found and from what either half named.

    Chapman's estimate. Where the halves do not cover just what was found (a hybrid's two keys
    are counted apart, and joined), it is scaled to that.
    """
    covered = first + second - both
    if covered == 0:
        return Estimate(float(unique), float(unique), 0.0 if unique == 0 else None)
    found = chapman(first, second, both)
    scale = unique / covered
    high = None if found.high is None else found.high * scale
    return Estimate(found.value * scale, found.low * scale, high)


def bloom_size(bloom: bytes) -> Estimate:
    """The addresses in a BEP 33 filter: the BEP's estimate, in an interval of whole numbers.

    The interval has every number of addresses from which so many set bits, or so few, come with a
    chance of 2.5 % at least, the number itself counted half ("mid-p", Lancaster 1961). Where no
    number passes, which is where two hashes of few addresses met, it is the only one possible.
    Assumes that addresses hash evenly.
    """
    set_bits = int.from_bytes(bloom).bit_count()
    fewest, most = _filter_bounds()
    low = int(np.searchsorted(most, set_bits))
    high = int(np.searchsorted(fewest, set_bits, side="right")) - 1
    if low > high:
        low = high = -(-set_bits // _BLOOM_HASHES)  # so many addresses it takes to set these bits
    value = max(bloom_estimate(bloom), float(low))
    if set_bits == FILTER_BITS:
        return Estimate(value, float(low), None)
    return Estimate(min(value, float(high)), float(low), float(high))


@lru_cache(maxsize=1)
def _filter_bounds() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """For 0, 1, 2, ... addresses: the fewest and the most set bits that are not unlikely.

    Exact for few addresses; above, by the normal distribution with the mean and the variance of
    the occupancy problem (Johnson and Kotz 1977, "Urn models").
    """
    throws = _BLOOM_HASHES * np.arange(_MOST_ADDRESSES, dtype=np.float64)
    one_empty = (1 - 1 / FILTER_BITS) ** throws
    two_empty = (1 - 2 / FILTER_BITS) ** throws
    mean = FILTER_BITS * (1 - one_empty)
    variance = FILTER_BITS * (
        (FILTER_BITS - 1) * two_empty + one_empty - FILTER_BITS * one_empty**2
    )
    reach = _Z * np.sqrt(np.maximum(variance, 0.0))
    fewest, most = mean - reach, mean + reach
    bits = np.arange(_BLOOM_HASHES * _EXACT_ADDRESSES + 1)
    chances = (bits == 0).astype(np.float64)
    for addresses in range(_EXACT_ADDRESSES):
        below = np.cumsum(chances) - chances / 2
        passes = np.flatnonzero(np.minimum(below, 1 - below) >= (1 - _LEVEL) / 2)
        fewest[addresses], most[addresses] = passes[0], passes[-1]
        for _ in range(_BLOOM_HASHES):  # a hash hits a bit that is set, or sets another
            hit = chances * bits / FILTER_BITS
            chances = hit + np.roll(chances - hit, 1)
    return np.maximum.accumulate(fewest), np.maximum.accumulate(most)


def dht_size(reaches: Iterable[float], *, closest: int = 8) -> Estimate | None:
    """How many nodes the DHT has, from how near the k-th closest live node is to random keys.

    Each reach is a share of the key space. With N nodes at random, k of them lie within a reach
    d that is gamma-distributed with mean k/N; so (k - 1)/d is unbiased, and over L keys
    (kL - 1) / sum(d) with 2 N sum(d) as chi-squared with 2kL degrees (quantiles after Wilson and
    Hilferty 1931). Keys closer together than their reach say the same thing twice: the interval
    counts at most as many keys as the space has room for.
    """
    found = list(reaches)
    total = sum(found)
    if not total:
        return None
    value = (closest * len(found) - 1) / total
    independent = max(1.0, min(len(found), value / closest))
    degrees = 2 * closest * independent
    scale = total * independent / len(found)
    low, high = (_chi_squared(degrees, z) / (2 * scale) for z in (-_Z, _Z))
    return Estimate(value, low, high)


def _chi_squared(degrees: float, z: float) -> float:
    """The quantile of the chi-squared distribution that belongs to a normal deviate."""
    ninth = 2 / (9 * degrees)
    return float(degrees * (1 - ninth + z * sqrt(ninth)) ** 3)
