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
        new = harvest.add(b"".join(reply), told_by, number, BogonFilter(allow_local=False))
        assert new == len(set(reply) - first.keys())
        namings.update(set(reply))
        first = {**dict.fromkeys(reply, told_by), **first}
    assert len(harvest) == len(first)
    once = sum(count == 1 for count in namings.values())
    assert harvest.unseen_share == (once / namings.total() if namings else 0.0)
    columns = harvest.columns(InfoHash(b"h" * 20))
    rows = {
        columns.addresses[16 * i + 12 : 16 * i + 16] + columns.ports[2 * i : 2 * i + 2]: (
            columns.told_by[18 * i + 12 : 18 * i + 18]
        )
        for i in range(len(columns))
    }
    assert rows == first
