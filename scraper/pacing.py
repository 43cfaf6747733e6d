"""How fast a host is asked: one request at a time, and a pause after each.

The pause lies between the end of one request and the start of the next, so that whatever the way
does to the packets, the host sees no two requests closer together than that.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

# By host, when it may be asked again. Handed from one scrape to the next, so that a site is not
# asked at once after a feed that stands on its host. Times of time.monotonic().
FreeAt = dict[str, float]

LEAST_WAIT_S = 1.0  # between two requests to one host, wherever there are limits at all


class Pace:
    """The pace towards one host. `wait_s` 0 lets several requests go at a time."""

    def __init__(
        self,
        host: str,
        wait_s: float,
        sleep: Callable[[float], Awaitable[None]],
        free_at_s: FreeAt | None = None,
    ) -> None:
        self._host = host
        self._wait_s = wait_s
        self._sleep = sleep
        self._one_by_one = asyncio.Lock()
        self._free_at_s = {} if free_at_s is None else free_at_s

    def slow_down(self, wait_s: float) -> None:
        """The host's own wish; counts where it is slower."""
        self._wait_s = max(self._wait_s, wait_s)

    def rest(self, seconds: float) -> None:
        """The host wants to be left alone for so long, by everybody here."""
        free_at_s = self._free_at_s.get(self._host, 0.0)
        self._free_at_s[self._host] = max(free_at_s, time.monotonic() + seconds)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn; the host is asked within."""
        if self._wait_s <= 0:
            await self._until_free()
            yield
            return
        async with self._one_by_one:
            await self._until_free()
            try:
                yield
            finally:
                self.rest(self._wait_s)

    async def _until_free(self) -> None:
        missing_s = self._free_at_s.get(self._host, 0.0) - time.monotonic()
        if missing_s > 0:
            await self._sleep(missing_s)
