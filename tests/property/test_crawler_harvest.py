"""crawler.harvest against the plain definition."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from crawler.addresses import BogonFilter
from crawler.harvest import Harvest
from swarm.infohash import InfoHash

peers = st.builds(
    lambda last, port: bytes((8, 8, 8, last, 0, port)), st.integers(0, 9), st.integers(1, 3)
)


@given(st.lists(st.lists(peers, max_size=12), max_size=12))
def test_counts_what_was_named(replies: list[list[bytes]]) -> None:
    """Distinct peers, Good's estimate and first teller are those of the definition."""
    harvest, namings = Harvest(), Counter[bytes]()
    first: dict[bytes, bytes] = {}
    for number, reply in enumerate(replies):
        told_by = bytes((9, 9, 9, number, 0, 1))
        harvest.add(reply, told_by, number, BogonFilter(allow_local=False))
        namings.update(set(reply))
        first = {**dict.fromkeys(reply, told_by), **first}
    assert len(harvest) == len(first)
    once = sum(count == 1 for count in namings.values())
    assert harvest.unseen_share == (once / namings.total() if namings else 0.0)
    columns = harvest.columns(InfoHash(b"h" * 20), set(harvest.told_by))
    rows = {
        columns.addresses[16 * i + 12 : 16 * i + 16] + columns.ports[2 * i : 2 * i + 2]: (
            columns.told_by[18 * i + 12 : 18 * i + 18]
        )
        for i in range(len(columns))
    }
    assert rows == first


@given(st.lists(st.tuples(st.integers(0, 5), st.lists(peers, max_size=8)), max_size=12))
def test_dropping_a_liar_is_as_if_it_had_never_spoken(
    replies: list[tuple[int, list[bytes]]],
) -> None:
    """What stands without the liar is what stands where it was never heard."""
    bogons = BogonFilter(allow_local=False)
    with_liar, without = Harvest(), Harvest()
    liar = bytes((9, 9, 9, 0, 0, 1))
    for number, reply in replies:
        told_by = bytes((9, 9, 9, number, 0, 1))
        with_liar.add(reply, told_by, 0, bogons)
        if told_by != liar:
            without.add(reply, told_by, 0, bogons)
    with_liar.drop(liar)
    key = InfoHash(b"h" * 20)
    for proven in (set(), set(without.told_by)):
        found = [set(h.columns(key, proven)) for h in (with_liar, without)]
        assert {s.peer for s in found[0]} == {s.peer for s in found[1]}
        assert with_liar.captures(proven) == without.captures(proven)
    assert set(with_liar.alone()) == set(without.alone())
