"""crawler.node_table: what BEP 5 calls good, questionable and bad."""

from __future__ import annotations

from crawler.node_table import BAD_FOR_S, GOOD_FOR_S, NodeTable, Standing

NODE = bytes(range(26))
KEY = b"\x00" * 20


def test_hearsay_that_fails_once_is_bad() -> None:
    """A contact that never replied is given up at its first silence and proposed no more."""
    table = NodeTable()
    assert table.standing(NODE, 0.0) is Standing.UNKNOWN
    assert table.add(NODE, 0.0)
    assert table.standing(NODE, 0.0) is Standing.UNTRIED
    assert not table.failed(NODE, 1.0)
    assert table.standing(NODE, 1.0) is Standing.BAD
    assert table.closest(KEY, 8) == []
    assert not table.add(NODE, 2.0)
    assert table.add(NODE, 1.0 + BAD_FOR_S)


def test_a_verified_node_may_fail_once() -> None:
    """A node that has replied is questionable after one silence, bad after two in a row."""
    table = NodeTable()
    assert not table.replied(NODE, 0.0)
    assert table.replied(NODE, 1.0)
    assert table.standing(NODE, 1.0) is Standing.GOOD
    assert table.failed(NODE, 2.0)
    assert table.standing(NODE, 2.0) is Standing.QUESTIONABLE
    assert table.replied(NODE, 3.0)
    assert table.failed(NODE, 4.0)
    assert table.closest(KEY, 8) == [(int.from_bytes(NODE[:20]), NODE)]
    assert table.failed(NODE, 5.0)
    assert table.standing(NODE, 5.0) is Standing.BAD
    assert (table.verified, len(table)) == (0, 0)


def test_good_lasts_fifteen_minutes() -> None:
    """BEP 5: 15 minutes after its last reply a node becomes questionable."""
    table = NodeTable()
    table.replied(NODE, 0.0)
    assert table.standing(NODE, GOOD_FOR_S) is Standing.GOOD
    assert table.standing(NODE, GOOD_FOR_S + 1) is Standing.QUESTIONABLE


def test_a_late_reply_brings_a_bad_node_back() -> None:
    """A node given up too early is good again when it answers after all."""
    table = NodeTable()
    table.add(NODE, 0.0)
    table.failed(NODE, 1.0)
    assert not table.replied(NODE, 2.0)
    assert table.standing(NODE, 2.0) is Standing.GOOD
    assert table.verified == 1
    assert table.closest(KEY, 8) == [(int.from_bytes(NODE[:20]), NODE)]


def test_silence_is_answered_by_ever_longer_rests() -> None:
    """A node that is bad again and again rests twice as long each time; a reply ends that."""
    table = NodeTable()
    table.add(NODE, 0.0)
    now = 0.0
    for times in range(3):
        table.failed(NODE, now)
        rest = BAD_FOR_S * 2**times
        assert not table.add(NODE, now + rest - 1)
        now += rest
        assert table.add(NODE, now)
    table.replied(NODE, now)
    table.gone(NODE, now)
    assert table.add(NODE, now + BAD_FOR_S)
