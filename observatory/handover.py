"""A thread that works on what it is handed; who hands over never waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from swarm.errors import StorageError

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Handover(Generic[_Item, _Result]):
    """Hands items over, in their order; many that wait are worked on as one.

    So work that falls behind is done in fewer, larger pieces. An item is done when `work` has
    returned; if that raises, the thread stops with the item still waiting, and `check` says why.
    Bounded by size, not by count.
    """

    def __init__(
        self,
        work: Callable[[Sequence[_Item]], _Result],
        first: _Result,
        *,
        size_of: Callable[[_Item], int],
        most: int,
        at_once: int,
    ) -> None:
        """Start the thread.

        Args:
            work: is called with items, and never by two threads at a time.
            first: what `standing` says before any item is done.
            size_of: an item's size.
            most: of all items that wait or are being worked on; beyond it `check` raises.
            at_once: about how much `work` is given in one call, at least one item.
        """
        self._work = work
        self._result = first
        self._size_of = size_of
        self._most = most
        self._at_once = at_once
        self._changed = threading.Condition()
        self._waiting: list[_Item] = []
        self._failure: BaseException | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="handover", daemon=True)
        self._thread.start()

    def give(self, item: _Item) -> None:
        """Hand an item over, at once, however `work` fares: `check` says that."""
        with self._changed:
            self._waiting.append(item)
            self._changed.notify_all()

    def check(self) -> None:
        """Say whether the work goes on as it should.

        Raises:
            StorageError: more waits than may.
            BaseException: what `work` raised.
        """
        with self._changed:
            if self._failure is not None:
                raise self._failure
            size = sum(map(self._size_of, self._waiting))
        if size > self._most:
            raise StorageError(
                f"the disk has not kept up: {size / 1e6:,.0f} MB of what was found wait to be "
                f"written, and {self._most / 1e6:,.0f} MB may. See what keeps the disk busy, then "
                "start again: an interrupted crawl goes on where it was"
            )

    def drain(self) -> None:
        """Wait until every item is done; one that failed before is tried once more.

        Raises:
            BaseException: what `work` raises; the items that are not done still wait.
        """
        with self._changed:
            self._failure = None
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting or self._failure is not None)
            if self._failure is not None:
                raise self._failure

    def standing(self) -> tuple[_Result, list[_Item]]:
        """What `work` returned last, and the items that are not done."""
        with self._changed:
            return self._result, list(self._waiting)

    def close(self) -> None:
        """End the thread when it has done what it is at; items that wait are given up."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while items := self._next_items():
            try:
                result = self._work(items)
            except BaseException as error:  # noqa: BLE001 - raised where the items came from
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
            else:
                with self._changed:
                    self._result = result
                    del self._waiting[: len(items)]
                    self._changed.notify_all()

    def _next_items(self) -> list[_Item]:
        """Waits for some; none when the thread is to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or (self._waiting and self._failure is None))
            if self._ended:
                return []
            chosen: list[_Item] = []
            size = 0
            for item in self._waiting:
                size += self._size_of(item)
                if chosen and size > self._at_once:
                    break
                chosen.append(item)
            return chosen
