"""Runs an event loop in a thread beside the taker of its events, and ends it on demand.

What is scraped is async inside and a plain generator outside: closing the generator cancels the
work and waits until it has closed what it opened.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Generator

from scraper.events import ScrapeEvent, StillWaiting

# How many events may wait to be taken: a slow taker slows the scrape, it does not fill the memory.
_ROOM = 32
_POLL_S = 0.2

Emit = Callable[[ScrapeEvent], Awaitable[None]]
Work = Callable[[Emit], Awaitable[None]]


def stream_events(work: Work) -> Generator[ScrapeEvent, None, None]:
    """The events that `work` emits, in order, with `StillWaiting` several times a second between.

    Raises:
        Whatever `work` raises, after the events that it emitted before.
    """
    scrape = _Thread(work)
    try:
        scrape.start()
        while True:
            try:
                event = scrape.take(_POLL_S)
            except queue.Empty:
                yield StillWaiting()
                continue
            if event is None:
                return
            yield event
    finally:
        scrape.close()


class _Thread:
    def __init__(self, work: Work) -> None:
        self._work = work
        self._events: queue.SimpleQueue[ScrapeEvent | BaseException | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="scrape", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._room = asyncio.Semaphore(_ROOM)

    def start(self) -> None:
        self._thread.start()
        self._started.wait()

    def take(self, timeout_s: float) -> ScrapeEvent | None:
        """The next event; None at the end; raises what the work raised, or queue.Empty."""
        event = self._events.get(timeout=timeout_s)
        if isinstance(event, BaseException):
            raise event
        if event is not None and self._loop is not None and self._thread.is_alive():
            self._call(self._room.release)
        return event

    def close(self) -> None:
        if self._task is not None:
            self._call(self._task.cancel)
        if self._thread.is_alive():
            self._thread.join()

    def _call(self, function: Callable[[], object]) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:
            return  # the loop has just ended

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            self._events.put(None)
        except BaseException as error:  # noqa: BLE001 - the thread's edge: the taker raises it
            self._events.put(error)
        else:
            self._events.put(None)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._started.set()
        await self._work(self._emit)

    async def _emit(self, event: ScrapeEvent) -> None:
        await self._room.acquire()
        self._events.put(event)
