"""What takes too long for an answer of the page: worked out by a thread, asked for again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from swarm.errors import StorageError

_T = TypeVar("_T")


class Later(Generic[_T]):
    """Works of one kind, each by a thread of its own. Call it from under one lock."""

    def __init__(self) -> None:
        self._promised: dict[Hashable, Future[_T]] = {}
        self._done = 0

    @property
    def done(self) -> int:
        """How many works have ended until now, well or not."""
        return self._done

    def result(self, of: Hashable, *, meanwhile: Callable[[], str]) -> _T | None:
        """What was begun under `of`, once; None: nothing was.

        Raises:
            StorageError: it is still going on, and `meanwhile` says so; or the work raised.
        """
        promise = self._promised.get(of)
        if promise is None:
            return None
        if not promise.done():
            raise StorageError(meanwhile())
        return self._promised.pop(of).result()

    def begin(self, of: Hashable, work: Callable[[], _T], *, name: str) -> None:
        """Let a thread of this name do it. It ends with the process, whatever it is at."""
        promise: Future[_T] = Future()
        self._promised[of] = promise

        def do() -> None:
            try:
                promise.set_result(work())
            except Exception as error:  # noqa: BLE001 - the thread's edge: who asks next is told
                promise.set_exception(error)
            self._done += 1

        threading.Thread(target=do, name=name, daemon=True).start()
