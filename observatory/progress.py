"""The one interface through which a job says how far it is and learns that it shall stop."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

from swarm.errors import JobCancelled


class Progress(Protocol):
    """Where a job reports. Calls are cheap; a job makes one after each step."""

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """Say what is being done and how far it is; `counts` are figures worth showing.

        Raises:
            JobCancelled: the user asked to stop; the job lets it pass, closing what it opened.
        """
        ...


class Throttled:
    """Passes a report on at most every `interval_s`, and always when `doing` changes."""

    def __init__(
        self,
        inner: Progress,
        *,
        interval_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inner = inner
        self._interval_s = interval_s
        self._clock = clock
        self._last_doing: str | None = None
        self._last_at = 0.0

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """See `Progress.report`."""
        now = self._clock()
        if doing == self._last_doing and now - self._last_at < self._interval_s:
            return
        self._last_doing, self._last_at = doing, now
        self._inner.report(doing, done, total, **counts)


class StoppedBySignal:
    """Turns SIGINT and SIGTERM into a cancel at the next report, where a job can take it.

    An exception in the middle of a write would leave it to chance what was counted. A second
    signal does raise KeyboardInterrupt, for whoever cannot wait. Outside the main thread, where
    Python takes no signals, it only passes reports on.
    """

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._stopped = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StoppedBySignal:
        if threading.current_thread() is threading.main_thread():
            for name in (signal.SIGINT, signal.SIGTERM):
                self._before[name] = signal.signal(name, self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        if self._stopped:
            raise KeyboardInterrupt
        self._stopped = True

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """See `Progress.report`."""
        if self._stopped:
            raise JobCancelled("stopped by a signal")
        self._inner.report(doing, done, total, **counts)


class Both:
    """Reports to two places, for a job that runs in a terminal and stands in the job table."""

    def __init__(self, first: Progress, second: Progress) -> None:
        self._first = first
        self._second = second

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """See `Progress.report`."""
        self._first.report(doing, done, total, **counts)
        self._second.report(doing, done, total, **counts)
