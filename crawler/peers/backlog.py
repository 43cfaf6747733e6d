"""A queue that its own workers may add to, and that ends when nothing can be added any more."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Backlog(Generic[Item]):
    """Items to be worked on, first come first served; used within one event loop."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[Item | None] = asyncio.Queue()
        self._unsettled = 0
        self._is_sealed = False

    def add(self, item: Item) -> None:
        """Put one more in."""
        self._unsettled += 1
        self._items.put_nowait(item)

    def seal(self) -> None:
        """From now on only those who work on items add to it."""
        self._is_sealed = True
        self._end_if_settled()

    async def take(self) -> Item | None:
        """The next item, to be settled with `settle`; None at the end, for every worker."""
        item = await self._items.get()
        if item is None:
            self._items.put_nowait(None)
        return item

    def settle(self) -> None:
        """One item is done, and with it all that it adds is in."""
        self._unsettled -= 1
        self._end_if_settled()

    def _end_if_settled(self) -> None:
        if self._is_sealed and self._unsettled == 0:
            self._items.put_nowait(None)
