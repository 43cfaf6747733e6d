"""How often a wrong token may be shown: a few times an address, then only after a rest. Pure.

The token itself cannot be guessed (256 bits); this keeps guessers from filling logs and time.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

MOST_FAILURES = 5  # of one address within the window
MOST_FAILURES_OF_ALL = 100
WINDOW_S = 300.0
_MOST_ADDRESSES = 10_000


class Attempts:
    """Failures of the last minutes, by address. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` counts seconds and never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until this address may try again; 0 where it may now."""
        with self._lock:
            now = self._clock()
            own = self._recent(origin(address), now)
            everybody = sorted(at for times in self._failures.values() for at in times)
            waits = [0.0]
            if len(own) >= MOST_FAILURES:
                waits.append(own[-MOST_FAILURES] + WINDOW_S - now)
            recent = [at for at in everybody if at > now - WINDOW_S]
            if len(recent) >= MOST_FAILURES_OF_ALL:
                waits.append(recent[-MOST_FAILURES_OF_ALL] + WINDOW_S - now)
            return max(waits)

    def count_failure(self, address: str) -> None:
        """A wrong token came from there."""
        with self._lock:
            now, key = self._clock(), origin(address)
            self._failures[key] = [*self._recent(key, now), now][-MOST_FAILURES:]
            self._failures.move_to_end(key)
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)

    def _recent(self, key: str, now: float) -> list[float]:
        return [at for at in self._failures.get(key, []) if at > now - WINDOW_S]


def origin(address: str) -> str:
    """Who counts as one: an IPv4 address; of IPv6 its /64, which one household has for itself."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    if isinstance(parsed, IPv6Address):
        return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
    return str(parsed)
