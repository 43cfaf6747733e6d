"""The one interface through which a job says how far it is and learns that it shall stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol


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


class Both:
    """Reports to two places, for a job that runs in a terminal and stands in the job table."""

    def __init__(self, first: Progress, second: Progress) -> None:
        self._first = first
        self._second = second

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """See `Progress.report`."""
        self._first.report(doing, done, total, **counts)
        self._second.report(doing, done, total, **counts)
