"""A timer wheel: things that are due a little later, at a cost that does not grow with them. Pure.

Varghese and Lauck (1987), "Hashed and hierarchical timing wheels": one slot per millisecond, so
that putting in is an append, and taking out hands over whole slots.
"""

from __future__ import annotations

from typing import Generic, TypeVar

TICK_S = 0.001
_SLOTS = 1 << 14

Item = TypeVar("Item")


class Wheel(Generic[Item]):
    """Items by due time, exact to a tick; delays beyond 16 s are cut to that."""

    def __init__(self, now: float) -> None:
        self._slots: list[list[Item]] = [[] for _ in range(_SLOTS)]
        self._tick = int(now / TICK_S)
        self.waiting = 0

    def add(self, item: Item, due_at: float) -> None:
        """Put in an item; what is due already comes with the next `due`."""
        tick = int(due_at / TICK_S)
        tick = min(max(tick, self._tick + 1), self._tick + _SLOTS - 1)
        self._slots[tick % _SLOTS].append(item)
        self.waiting += 1

    def due(self, now: float) -> list[Item]:
        """Take out all that is due by now, in order of time."""
        until = int(now / TICK_S)
        if not self.waiting:
            self._tick = max(self._tick, until)
            return []
        due: list[Item] = []
        for tick in range(self._tick + 1, min(until, self._tick + _SLOTS) + 1):
            slot = self._slots[tick % _SLOTS]
            if slot:
                due += slot
                slot.clear()
        self._tick = max(self._tick, until)
        self.waiting -= len(due)
        return due
