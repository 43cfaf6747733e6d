"""crawler.krpc under hostile bytes: a message or MalformedMessage, nothing else."""

from __future__ import annotations

from contextlib import suppress

from bencode2 import bencode
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import krpc
from swarm.errors import MalformedMessage

ids = st.binary(min_size=20, max_size=20)
short = st.binary(max_size=12)
atoms = st.one_of(st.binary(max_size=60), st.integers(-(2**80), 2**80))
keys = st.one_of(
    st.sampled_from([b"t", b"y", b"r", b"q", b"a", b"e", b"ro", b"id", b"nodes", b"values"]),
    st.binary(max_size=4),
)
trees = st.recursive(
    st.one_of(atoms, st.sampled_from([b"q", b"r", b"e", b"get_peers"])),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=6)),
    max_leaves=25,
)


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_noise_is_malformed_at_worst(noise: bytes) -> None:
    """Random bytes never raise anything but MalformedMessage."""
    with suppress(MalformedMessage):
        krpc.decode(noise)


@settings(max_examples=400)
@given(st.dictionaries(keys, trees, max_size=8))
def test_wellformed_nonsense_is_malformed_at_worst(tree: dict[bytes, object]) -> None:
    """Bencoded dictionaries of the wrong shape never raise anything but MalformedMessage."""
    with suppress(MalformedMessage):
        krpc.decode(bencode(tree))


@settings(max_examples=300)
@given(ids, st.binary(max_size=60), st.integers(0, 200), st.binary(min_size=1, max_size=3))
def test_broken_replies_are_malformed_at_worst(
    node_id: bytes, nodes: bytes, at: int, patch: bytes
) -> None:
    """A reply with some bytes overwritten reads as something, or as malformed."""
    reply = krpc.encode_get_peers_reply(
        b"tt", node_id, token=b"tok", nodes=nodes, values=[b"p" * 6]
    )
    with suppress(MalformedMessage):
        krpc.decode(reply[:at] + patch + reply[at + len(patch) :])
    with suppress(MalformedMessage):
        krpc.decode(reply[:at])


@given(short, ids, ids, st.booleans())
def test_queries_read_back(transaction: bytes, sender: bytes, key: bytes, scrape: bool) -> None:
    """What we ask is what a node reads, for any transaction id."""
    query = krpc.decode(krpc.encode_get_peers(transaction, sender, key, scrape=scrape))
    assert query == krpc.Query(
        transaction, b"get_peers", sender, key, True, None, None, False, scrape, False
    )


@given(
    short,
    ids,
    st.lists(st.binary(min_size=6, max_size=6), max_size=120),
    st.lists(st.binary(min_size=26, max_size=26), max_size=8),
    st.binary(max_size=20),
    st.none() | st.binary(min_size=256, max_size=256),
)
def test_replies_read_back(
    transaction: bytes,
    node: bytes,
    peers: list[bytes],
    nodes: list[bytes],
    token: bytes,
    bloom: bytes | None,
) -> None:
    """What a node answers is what the crawler reads."""
    raw = krpc.encode_get_peers_reply(
        transaction,
        node,
        token=token,
        nodes=b"".join(nodes),
        values=peers,
        seeds=bloom,
        downloaders=bloom,
    )
    assert krpc.decode(raw) == krpc.Reply(
        transaction, node, b"".join(nodes), b"", tuple(peers), (), token, bloom, bloom
    )
