"""observatory.handover: who hands over never waits; what waits is done in order, and once."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from observatory.handover import Handover
from swarm.errors import StorageError

DEADLINE_S = 30.0


class Desk:
    """Takes numbers down; can be stopped in the middle of it, and told to fail."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.begun = threading.Event()
        self.may_go_on = threading.Event()
        self.fault: BaseException | None = None

    def work(self, items: Sequence[int]) -> int:
        self.begun.set()
        assert self.may_go_on.wait(DEADLINE_S)
        if self.fault is not None:
            raise self.fault
        self.calls.append(list(items))
        return sum(map(sum, self.calls))

    def handover(self, *, most: int = 1_000, at_once: int = 1_000) -> Handover[int, int]:
        return Handover(self.work, 0, size_of=lambda n: n, most=most, at_once=at_once)


def test_what_waits_is_done_as_one() -> None:
    """While the first is worked on, others are taken at once; then they are one call."""
    desk = Desk()
    numbers = desk.handover()
    numbers.give(1)
    assert desk.begun.wait(DEADLINE_S)
    for number in (2, 3, 4):
        numbers.give(number)
    assert numbers.standing() == (0, [1, 2, 3, 4])
    desk.may_go_on.set()
    numbers.drain()
    numbers.close()
    assert desk.calls == [[1], [2, 3, 4]]
    assert numbers.standing() == (10, [])


def test_a_call_is_no_larger_than_asked() -> None:
    """A long queue is done in pieces; an item that is too large goes alone."""
    desk = Desk()
    numbers = desk.handover(at_once=5)
    numbers.give(1)
    assert desk.begun.wait(DEADLINE_S)
    for number in (2, 3, 1, 9, 4):
        numbers.give(number)
    desk.may_go_on.set()
    numbers.drain()
    numbers.close()
    assert desk.calls == [[1], [2, 3], [1], [9], [4]]


def test_a_failure_is_said_and_nothing_is_lost() -> None:
    """`check` raises it, what waits goes on waiting, and `drain` tries once more."""
    desk = Desk()
    desk.may_go_on.set()
    desk.fault = StorageError("no room")
    numbers = desk.handover()
    numbers.give(1)
    with pytest.raises(StorageError, match="no room"):
        numbers.drain()
    numbers.give(2)
    with pytest.raises(StorageError, match="no room"):
        numbers.check()
    assert numbers.standing() == (0, [1, 2])
    desk.fault = None
    numbers.drain()
    numbers.check()
    numbers.close()
    assert desk.calls == [[1, 2]]


def test_too_much_is_said_and_still_taken() -> None:
    """Beyond the bound `check` says so, also of what is being worked on; drained, all is done."""
    desk = Desk()
    numbers = desk.handover(most=10)
    numbers.give(9)
    assert desk.begun.wait(DEADLINE_S)
    numbers.check()
    numbers.give(2)
    with pytest.raises(StorageError, match="has not kept up"):
        numbers.check()
    desk.may_go_on.set()
    numbers.drain()
    numbers.check()
    numbers.close()
    assert desk.calls == [[9], [2]]
