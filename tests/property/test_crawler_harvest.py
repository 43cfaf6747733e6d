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


nodes = st.builds(
    lambda last, port: bytes((9, 9, 9, last, 0, port)), st.integers(0, 3), st.integers(1, 2)
)


@given(st.lists(st.tuples(nodes, st.lists(peers, max_size=8)), max_size=12), st.sets(nodes))
def test_who_stands_alone_and_who_is_caught(
    replies: list[tuple[bytes, list[bytes]]], proven: set[bytes]
) -> None:
    """By sets: a peer stands by two hosts or a proven node, and each half catches its own."""
    harvest, words = Harvest(), dict[bytes, set[bytes]]()
    for told_by, reply in replies:
        harvest.add(reply, told_by, 0, BogonFilter(allow_local=False))
        words.setdefault(told_by, set()).update(reply)
    hosts = {
        peer: {told_by[:4] for told_by, word in words.items() if peer in word}
        for peer in set().union(*words.values())
    }
    assert set(harvest.alone()) == {
        told_by for told_by, word in words.items() if any(len(hosts[peer]) == 1 for peer in word)
    }
    standing = {
        peer
        for peer, by in hosts.items()
        if len(by) > 1 or any(peer in words.get(told_by, ()) for told_by in proven)
    }
    key = InfoHash(b"h" * 20)
    found = {
        bytes(s.peer.address.packed) + s.peer.port.to_bytes(2)
        for s in set(harvest.columns(key, proven))
    }
    assert found == standing
    named = [word & standing for word in words.values() if word]
    first, second = set[bytes]().union(*named[::2]), set[bytes]().union(*named[1::2])
    captures = harvest.captures(proven)
    assert (captures.first, captures.second, captures.both) == (
        len(first), len(second), len(first & second),
    )  # fmt: skip


def test_a_node_that_sent_filters_first_is_dated_by_its_peers() -> None:
    """The time of a sighting is that of the reply that named the peer, not of one before."""
    harvest, node = Harvest(), bytes((9, 9, 9, 1, 0, 1))
    harvest.add_filters(b"\1" * 256, b"\0" * 256, node)
    harvest.add([bytes((8, 8, 8, 8, 0, 1))], node, 77, BogonFilter(allow_local=False))
    columns = harvest.columns(InfoHash(b"h" * 20), {node})
    assert int.from_bytes(columns.seen_at_us) == 77
