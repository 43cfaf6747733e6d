"""observatory.progress: throttling, and signals that stop a job where it can take it."""

from __future__ import annotations

import os
import signal

import pytest

from observatory.progress import Both, StoppedBySignal, Throttled
from swarm.errors import JobCancelled


class Heard:
    """Remembers what was reported."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, int]] = []

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        self.reports.append((doing, done))


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_at_the_next_report(name: signal.Signals) -> None:
    """The signal itself interrupts nothing; the next report raises, and handlers are put back."""
    heard = Heard()
    before = signal.getsignal(name)
    with StoppedBySignal(heard) as stoppable:
        stoppable.report("asking", 1, 2)
        os.kill(os.getpid(), name)
        with pytest.raises(JobCancelled):
            stoppable.report("asking", 2, 2)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), name)
    assert heard.reports == [("asking", 1)]
    assert signal.getsignal(name) is before


def test_reports_are_throttled_but_news_are_not() -> None:
    """The same doing passes once an interval, a new one at once, and both listeners hear it."""
    first, second, now = Heard(), Heard(), [0.0]
    progress = Both(Throttled(first, interval_s=1.0, clock=lambda: now[0]), second)
    progress.report("a", 1, None)
    progress.report("a", 2, None)
    progress.report("b", 3, None)
    now[0] = 1.5
    progress.report("b", 4, None)
    assert first.reports == [("a", 1), ("b", 3), ("b", 4)]
    assert len(second.reports) == 4
