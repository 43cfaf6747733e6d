"""The state of `pacing` in memory that all processes of a crawl share, with its lock."""

from __future__ import annotations

import fcntl
import mmap
import os
from types import TracebackType

from crawler.pacing import SLOTS, Pacing

_BYTES = 8 * (1 + SLOTS)


def create() -> int:
    """Make the shared state, all zero; returns its file descriptor, to be inherited by workers."""
    descriptor = os.memfd_create("swarm-atlas-pacing")
    os.ftruncate(descriptor, _BYTES)
    return descriptor


def attach(descriptor: int, max_packets_per_s: float) -> Pacing:
    """A Pacing upon the shared state. The clock of all of them must be CLOCK_MONOTONIC."""
    state = memoryview(mmap.mmap(descriptor, _BYTES)).cast("d")
    return Pacing(max_packets_per_s, state, _RecordLock(descriptor))


class _RecordLock:
    """A POSIX record lock: held by a process, and released by the kernel if it dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_EX)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN)
