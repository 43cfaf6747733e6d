"""Joining: how a crawl gets its first contacts, from the bootstrap nodes that the user names.

Every bootstrap address is asked at once, then again after 1, 2, 4, ... seconds until one answers;
after that they are nodes like all others. If the network goes away so long that every known node
is given up, it begins again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from crawler.addresses import SocketAddress

_FIRST_PAUSE_S = 1.0


class Joining:
    """The schedule of asking bootstrap nodes; reads no clock."""

    def __init__(self, addresses: Sequence[SocketAddress], now: float, timeout_s: float) -> None:
        self._addresses = addresses
        self._timeout_s = timeout_s
        self.begin(now)

    def begin(self, now: float) -> None:
        """Start from the first round."""
        self._to_ask = deque(self._addresses)
        self._pause_s = _FIRST_PAUSE_S
        self._next_round = now + _FIRST_PAUSE_S
        self._give_up_at = now + self._timeout_s
        self.joined = False

    def succeeded(self) -> None:
        """Note that a node has answered: nothing more is to be done."""
        self.joined = True

    def failed(self, now: float) -> bool:
        """Whether nobody has answered and the time for it is over."""
        return not self.joined and now >= self._give_up_at

    def next_address(self, now: float) -> SocketAddress | None:
        """A bootstrap address to ask now, or None."""
        if self.joined:
            return None
        if not self._to_ask and now >= self._next_round:
            self._to_ask.extend(self._addresses)
            self._pause_s *= 2
            self._next_round = now + self._pause_s
        return self._to_ask.popleft() if self._to_ask else None

    def wakeup(self) -> float | None:
        """When the next round, or the end of the waiting, is due; None once joined."""
        return None if self.joined else min(self._next_round, self._give_up_at)
