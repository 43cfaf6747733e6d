"""Joining: how a crawl gets its first contacts, from nodes that it knows or that the user names.

Nodes that answered an earlier run are asked first, a few dozen of them. Only if they all keep
silent the bootstrap nodes are: every address at once, then again after 1, 2, 4, ... seconds until
one answers; after that they are nodes like all others. If the network goes away so long that every
known node is given up, it begins again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from crawler.family import SocketAddress

KNOWN_AT_ONCE = 32
KNOWN_ROUNDS = 2
MOST_KNOWN = KNOWN_ROUNDS * KNOWN_AT_ONCE  # of 64 that answered lately one lives, if any does
_FIRST_PAUSE_S = 1.0


class Joining:
    """The schedule of asking for first contacts; reads no clock."""

    def __init__(
        self,
        addresses: Sequence[SocketAddress],
        now: float,
        timeout_s: float,
        known: Sequence[SocketAddress] = (),
    ) -> None:
        """`addresses` are of bootstrap nodes; `known` of nodes met earlier, the best first.

        It has failed when no bootstrap node answered within `timeout_s` of their first round.
        """
        self._addresses = addresses
        self._timeout_s = timeout_s
        self._known = known[:MOST_KNOWN]
        self.begin(now)

    def begin(self, now: float) -> None:
        """Start from the first round."""
        rounds = [
            self._known[at : at + KNOWN_AT_ONCE] for at in range(0, len(self._known), KNOWN_AT_ONCE)
        ]
        self._known_rounds = deque(rounds)
        self._to_ask: deque[SocketAddress] = deque()
        self._pause_s = _FIRST_PAUSE_S
        self._next_round = now
        self.fell_back = False  # whether bootstrap nodes have been asked
        self._give_up_at = now + len(rounds) * _FIRST_PAUSE_S + self._timeout_s
        self.joined = False

    def succeeded(self) -> None:
        """Note that a node has answered: nothing more is to be done."""
        self.joined = True

    def failed(self, now: float) -> bool:
        """Whether nobody has answered and the time for it is over."""
        return not self.joined and now >= self._give_up_at

    def next_address(self, now: float) -> SocketAddress | None:
        """An address to ask now, or None."""
        if self.joined:
            return None
        if not self._to_ask and now >= self._next_round:
            self._begin_round(now)
        return self._to_ask.popleft() if self._to_ask else None

    def _begin_round(self, now: float) -> None:
        if self._known_rounds:
            self._to_ask.extend(self._known_rounds.popleft())
            self._next_round = now + _FIRST_PAUSE_S
        else:
            self.fell_back = True
            self._to_ask.extend(self._addresses)
            self._next_round = now + self._pause_s
            self._pause_s *= 2

    def wakeup(self) -> float | None:
        """When the next round, or the end of the waiting, is due; None once joined."""
        return None if self.joined else min(self._next_round, self._give_up_at)
