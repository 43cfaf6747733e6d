"""One request at a time to a tracker's host, with a pause between them."""

from __future__ import annotations

import asyncio


class HostGate:
    """Lets requests to one host through one by one; use as an async context manager."""

    def __init__(self, pause_s: float) -> None:
        self._pause_s = pause_s
        self._lock = asyncio.Lock()
        self._free_at_s = 0.0

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            wait_s = self._free_at_s - asyncio.get_running_loop().time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            self._lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._free_at_s = asyncio.get_running_loop().time() + self._pause_s
        self._lock.release()
