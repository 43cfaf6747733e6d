"""An event loop in a thread of its own, whose rows a plain generator takes.

So the rest of the project stays free of `async`, and closing the generator ends every connection.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from typing import Any, Generic, TypeVar

Row = TypeVar("Row")
_POLL_S = 0.2


class LoopThread(Generic[Row]):
    """Runs one coroutine; ends with it, or when closed, whichever comes first."""

    def __init__(self, main: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Nothing runs before `start`."""
        self._main = main
        self._rows: queue.SimpleQueue[Row | BaseException | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; from here on `call` works."""
        self._thread.start()
        self._started.wait()

    def emit(self, row: Row) -> None:
        """Hand a row to whoever takes them."""
        self._rows.put(row)

    def call(self, function: Callable[..., object], *arguments: object) -> None:
        """Call a function in the loop, soon; never where the loop has ended."""
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop has just ended
            self._loop.call_soon_threadsafe(function, *arguments)

    def rows(self) -> Generator[Row | None, None, None]:
        """Every row, and None about five times a second; raises what the coroutine raised."""
        try:
            while True:
                try:
                    row = self._rows.get(timeout=_POLL_S)
                except queue.Empty:
                    yield None
                    continue
                if isinstance(row, BaseException):
                    raise row
                if row is None:
                    return
                yield row
        finally:
            self.close()

    def close(self) -> None:
        """End the coroutine and wait until its connections are closed; harmless when it ended."""
        if self._task is not None:
            self.call(self._task.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._begin())
        except asyncio.CancelledError:
            self._rows.put(None)
        except BaseException as error:  # noqa: BLE001 - the thread's edge: the taker raises it
            self._rows.put(error)
        else:
            self._rows.put(None)
        finally:
            self._started.set()

    async def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._started.set()
        await self._main()
