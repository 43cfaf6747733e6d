"""Quantiles of two distributions and Benjamini-Hochberg: all of statistics that we need.

scipy has them too, at 143 MB and a second for its import; tests hold these to published tables.
"""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import numpy.typing as npt

_FINE = 20_001  # steps of the integral; five digits of the quantile
_MANY_DEGREES = 2_000.0  # beyond, Student's t is the normal distribution to three digits
_WIDE = 10_000.0  # failures
_REACH = 20.0  # standard deviations: the tail of few successes is long


def student_t_95(degrees: float) -> float:
    """The two-sided 95 % quantile of Student's t with `degrees` (>= 1, may be a fraction).

    With t = sqrt(n) tan(a), a has a density of cos(a) ** (n - 1): bounded, so easily summed up.
    """
    degrees = min(max(degrees, 1.0), _MANY_DEGREES)
    # The middle of each step: at 90 degrees the density of n = 1 is 0 ** 0.
    angle = (np.arange(_FINE) + 0.5) * (pi / 2 / _FINE)
    mass = np.cumsum(np.cos(angle) ** (degrees - 1))
    at = float(np.interp(0.95 * mass[-1], mass, angle + pi / 4 / _FINE))
    return sqrt(degrees) * float(np.tan(at))


def missed_95(seen: int, chance: float) -> tuple[int, int]:
    """How many were there but not seen, if `seen` were, each with this chance: a 95 % interval.

    With every total as likely as another beforehand, the missed are negative binomial: the
    failures before success `seen` + 1 (Johnson, Kemp and Kotz 2005, 5.2).

    Raises:
        ValueError: `chance` is not above 0 and at most 1.
    """
    if not 0 < chance <= 1:
        raise ValueError(f"a chance of being seen is above 0 and at most 1, not {chance}")
    return _failures(seen + 1, chance, 0.025), _failures(seen + 1, chance, 0.975)


def _failures(successes: int, chance: float, level: float) -> int:
    """The least number of failures that is reached with a probability of `level` at least."""
    if chance == 1:
        return 0
    mean = successes * (1 - chance) / chance
    deviation = sqrt(mean / chance)
    if deviation > _WIDE:  # the normal distribution, to well under a thousandth of the mean
        return max(round(mean + (1.959964 if level > 0.5 else -1.959964) * deviation), 0)
    first = max(int(mean - _REACH * deviation), 0)
    count = np.arange(first + 1, int(mean + _REACH * deviation) + 40)
    # p(k) / p(k - 1) = (k + s - 1) / k * (1 - chance); what lies further out is below 1e-9.
    logs = np.concatenate(
        ([0.0], np.cumsum(np.log((count + successes - 1) / count * (1 - chance))))
    )
    mass = np.cumsum(np.exp(logs - logs.max()))
    return first + int(np.searchsorted(mass, level * mass[-1]))


def false_discovery_rates(p_values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Benjamini and Hochberg (1995): for each test the least rate at which it is a discovery.

    Of all rows with a value of at most 0.05, on average no more than 5 % are false.
    """
    count = len(p_values)
    order = np.argsort(p_values)
    raised = p_values[order] * count / np.arange(1, count + 1)
    falling = np.minimum.accumulate(raised[::-1])[::-1].clip(max=1.0)
    rates = np.empty(count)
    rates[order] = falling
    return rates
