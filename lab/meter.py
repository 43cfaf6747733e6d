"""How fast packets come: in any one second, and to any one address. Pure; times are handed in.

This is how the lab proves that a crawler keeps its caps: from the receiving side, with the
kernel's time of arrival, so that a busy lab proves no less than an idle one.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 1.0
_PRUNE_ABOVE = 1 << 20  # addresses
ADDRESS_RATE_PER_S = 1.0  # the rate against which bursts are measured


class Meter:
    """Notes arrivals in the order of their times; keeps the maxima."""

    def __init__(self) -> None:
        self.busiest_second = 0  # the most packets in any interval of one second
        self.address_burst = 0.0  # see `note`
        self._recent: deque[float] = deque()
        self._full_at: dict[int, float] = {}
        self._prune_above = _PRUNE_ABOVE

    def note(self, address: int, at_s: float) -> None:
        """A packet to `address` has arrived.

        `address_burst` is the highest level that a leaky bucket per address reaches, where each
        packet adds 1 and 1 a second leaks: 4 is "one a second after a burst of four".
        """
        recent = self._recent
        recent.append(at_s)
        expired = at_s - WINDOW_S
        while recent[0] <= expired:
            recent.popleft()
        self.busiest_second = max(self.busiest_second, len(recent))
        full_at = self._full_at.get(address, 0.0)
        full_at = (full_at if full_at > at_s else at_s) + 1 / ADDRESS_RATE_PER_S
        self._full_at[address] = full_at
        if len(self._full_at) > self._prune_above:
            self._prune(at_s)
        level = (full_at - at_s) * ADDRESS_RATE_PER_S
        self.address_burst = max(self.address_burst, level)

    def _prune(self, at_s: float) -> None:
        """Forget the addresses whose buckets have run empty."""
        self._full_at = {a: full_at for a, full_at in self._full_at.items() if full_at > at_s}
        self._prune_above = max(_PRUNE_ABOVE, 2 * len(self._full_at))
