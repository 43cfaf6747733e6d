"""Patience: how long to wait for a reply, learnt from the replies that came.

A crawl meets nodes of the whole internet, each only a few times, so the times are pooled: twice
the round-trip time that 98 % of the recent replies stayed below. RFC 6298's mean and deviation
suit one path; over many the distribution has a long tail, which a quantile follows better.
"""

from __future__ import annotations

from math import log2
from typing import Final

FIRST_TIMEOUT_S: Final = 2.0  # before anything is known
LEAST_TIMEOUT_S: Final = 0.4
MOST_TIMEOUT_S: Final = 5.0

_QUANTILE: Final = 0.98
_MARGIN: Final = 2.0
_FIRST_SAMPLES: Final = 32
_BATCH: Final = 256  # replies between two looks at the distribution
_SHORTEST_S: Final = 0.001
_STEPS_PER_OCTAVE: Final = 4
_BUCKETS: Final = 64  # up to 65 s


class Patience:
    """The current timeout, from a decaying histogram of round-trip times (log scale)."""

    def __init__(self) -> None:
        self.timeout_s = FIRST_TIMEOUT_S
        self._counts = [0.0] * _BUCKETS
        self._fresh = 0
        self._next_look = _FIRST_SAMPLES

    def replied(self, rtt_s: float) -> None:
        """Learn from one reply, late ones included: without them the timeout could only shrink."""
        step = int(_STEPS_PER_OCTAVE * log2(max(rtt_s, _SHORTEST_S) / _SHORTEST_S))
        self._counts[min(step, _BUCKETS - 1)] += 1
        self._fresh += 1
        if self._fresh >= self._next_look:
            self._look()

    def _look(self) -> None:
        below = sum(self._counts) * _QUANTILE
        step = 0
        while (below := below - self._counts[step]) > 0 and step < _BUCKETS - 1:
            step += 1
        quantile_s = _SHORTEST_S * 2 ** ((step + 1) / _STEPS_PER_OCTAVE)
        self.timeout_s = min(max(_MARGIN * quantile_s, LEAST_TIMEOUT_S), MOST_TIMEOUT_S)
        self._counts = [count / 2 for count in self._counts]  # what is old counts ever less
        self._fresh = 0
        self._next_look = _BATCH
