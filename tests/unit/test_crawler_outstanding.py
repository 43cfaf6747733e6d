"""crawler.outstanding: which replies are believed, and for how long they are waited for."""

from __future__ import annotations

import random

from crawler.outstanding import LATE_S, Outstanding, Question

HERE, THERE = ("127.0.0.1", 1), ("127.0.0.2", 1)


def make() -> Outstanding:
    return Outstanding(random.Random(1).randbytes)


def test_a_reply_matches_once_and_only_from_where_was_asked() -> None:
    """The right id from another address is nothing; from the right one it counts once."""
    outstanding = make()
    asked = Question(HERE, None, None, 0.0)
    transaction = outstanding.add(asked)
    assert outstanding.match(transaction, THERE) is None
    assert outstanding.in_flight == 1
    assert outstanding.match(transaction, HERE) is asked
    assert outstanding.match(transaction, HERE) is None
    assert outstanding.in_flight == 0


def test_overdue_queries_are_told_once_and_late_replies_recognised() -> None:
    """A query becomes overdue at its timeout; its reply is known for a while longer."""
    outstanding = make()
    early, late = Question(HERE, None, None, 0.0), Question(THERE, None, None, 1.0)
    first, second = outstanding.add(early), outstanding.add(late)
    assert outstanding.next_overdue(2.0) == 2.0
    assert outstanding.overdue(1.9, 2.0) == []
    assert outstanding.overdue(2.0, 2.0) == [early]
    assert (outstanding.overdue(2.0, 2.0), outstanding.in_flight) == ([], 1)
    assert outstanding.next_overdue(2.0) == 3.0
    assert outstanding.match(first, HERE) is early
    assert outstanding.in_flight == 1
    assert outstanding.overdue(3.0, 2.0) == [late]
    outstanding.overdue(1.0 + LATE_S, 2.0)
    assert outstanding.match(second, THERE) is None
    assert outstanding.next_overdue(2.0) is None


def test_transaction_ids_differ() -> None:
    """Many queries in flight never share an id, even from poor entropy."""
    blocks = iter([bytes(4096), bytes(range(256)) * 16])
    outstanding = Outstanding(lambda count: next(blocks)[:count])
    assert len({outstanding.add(Question(HERE, None, None, 0.0)) for _ in range(60)}) == 60
