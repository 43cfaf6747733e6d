"""A lock that dies with its holder: how one tells a running job from one that was killed.

`flock` on a file of the workspace. The kernel drops it when the worker ends, however it ends, so no
heartbeat has to go stale before the next start knows.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

LOCK_NAME = "job.lock"


class JobLock:
    """Held by the process that runs a workspace's job, for as long as it runs."""

    def __init__(self, runs_dir: Path) -> None:
        self._path = runs_dir / LOCK_NAME
        self._handle: int | None = None

    def acquire(self, *, patience_s: float = 0.0) -> bool:
        """Take the lock; False where another process still has it after `patience_s`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        deadline = time.monotonic() + patience_s
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(handle)
                    return False
                time.sleep(0.02)  # flock has no timeout of its own
                continue
            self._handle = handle
            return True

    def release(self) -> None:
        """Give the lock back; nothing happens where it is not held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()
