"""crawler.peers under hostile bytes: a message or MalformedMessage, nothing else."""

from __future__ import annotations

from contextlib import suppress

from bencode2 import bencode
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.peers import extended
from crawler.peers.client_names import name_of_peer_id
from crawler.peers.conversation import Conversation
from crawler.peers.holdings import Holdings
from crawler.peers.wire import (
    Kind,
    Message,
    MessageReader,
    decode_handshake,
    encode_handshake,
    encode_message,
)
from swarm.endpoint import Endpoint, compact_to_endpoint
from swarm.errors import MalformedMessage

KEY, OURS, THEIRS = b"k" * 20, b"o" * 20, b"-TR4050-abcdefghijkl"
keys = st.one_of(
    st.sampled_from(
        [b"m", b"v", b"ut_pex", b"ut_metadata", b"metadata_size", b"upload_only", b"yourip",
         b"added", b"added6", b"msg_type", b"piece", b"total_size"]
    ),
    st.binary(max_size=4),
)  # fmt: skip
trees = st.recursive(
    st.one_of(st.binary(max_size=60), st.integers(-(2**70), 2**70)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=5)),
    max_leaves=20,
)
bodies = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(keys, trees, max_size=8).map(bencode),
    st.tuples(st.dictionaries(keys, trees, max_size=4).map(bencode), st.binary(max_size=30)).map(
        b"".join
    ),
)
kinds = st.sampled_from([0, 4, 5, 6, 7, 9, 14, 15, 17, 20, 21, 22, 99])
messages = st.one_of(
    st.builds(encode_message, kinds, st.binary(max_size=40)),
    st.builds(
        lambda number, body: encode_message(Kind.EXTENDED, bytes([number]) + body),
        st.integers(0, 3),
        bodies,
    ),
    st.binary(max_size=20),
)


@settings(max_examples=400, deadline=None)
@given(bodies)
def test_extended_bodies_are_malformed_at_worst(body: bytes) -> None:
    """Noise, and bencoded nonsense with the right keys, raise nothing but MalformedMessage."""
    for decode in (
        extended.decode_extension_handshake,
        extended.decode_pex,
        extended.decode_metadata_message,
    ):
        with suppress(MalformedMessage):
            decode(body)


@settings(max_examples=400, deadline=None)
@given(st.lists(messages, max_size=12), st.booleans(), st.none() | st.integers(1, 400))
def test_conversations_are_malformed_at_worst(
    said: list[bytes], shakes: bool, piece_count: int | None
) -> None:
    """Whatever a peer says, before or after its handshake, ends as MalformedMessage at worst."""
    talk = Conversation(KEY, OURS, piece_count=piece_count, metadata_bytes=1000)
    with suppress(MalformedMessage):
        if shakes:
            talk.receive(encode_handshake(KEY, THEIRS))
        for chunk in said:
            talk.receive(chunk)
    assert talk.seed in (True, False, None)
    assert talk.client is None or len(talk.client) <= 100


@settings(deadline=None)
@given(st.binary(max_size=80))
def test_handshakes_are_malformed_at_worst(raw: bytes) -> None:
    """68 bytes that are no handshake, and fewer or more, are MalformedMessage."""
    with suppress(MalformedMessage):
        decode_handshake(raw)
    assert name_of_peer_id(raw) is None or raw[:1] in (b"-", b"M", b"A")


@settings(deadline=None)
@given(st.lists(st.tuples(kinds.filter(lambda kind: kind != 7), st.just(b""))), st.data())
def test_any_cut_of_the_stream_reads_the_same(
    said: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    """Where the network cuts the stream makes no difference to what is read."""
    stream = b"".join(encode_message(*message) for message in said)
    reader, heard, at = MessageReader(), [], 0
    while at < len(stream):
        end = data.draw(st.integers(at + 1, len(stream)))
        heard += reader.feed(stream[at:end])
        at = end
    assert heard == [Message(*message) for message in said]


@settings(deadline=None)
@given(st.integers(1, 3000), st.booleans(), st.data())
def test_bitfields_tell_seeds(pieces: int, is_known: bool, data: st.DataObject) -> None:
    """All bits but the spare ones are a seed, one less is none until its `have` comes."""
    bits = bytearray((((1 << pieces) - 1) << -pieces % 8).to_bytes((pieces + 7) // 8))
    count = pieces if is_known else None
    full = Holdings(count)
    full.take_bitfield(bytes(bits))
    assert full.is_seed(None) is True
    # Of the last byte's spare bits only the true count knows that a hole is one.
    hole = data.draw(st.integers(0, pieces - 1 if is_known else max(0, pieces - 9)))
    bits[hole // 8] &= 0xFF ^ (0x80 >> hole % 8)
    holed = Holdings(count)
    holed.take_bitfield(bytes(bits))
    if is_known or pieces > 8:
        assert holed.is_seed(None) is False
    holed.take_have(hole)
    assert holed.is_seed(None) is True


@settings(deadline=None)
@given(st.lists(st.binary(min_size=6, max_size=6)), st.lists(st.binary(min_size=18, max_size=18)))
def test_pex_reads_back(v4: list[bytes], v6: list[bytes]) -> None:
    """Both families are read, each peer once, without those at port 0."""
    body = bencode({b"added": b"".join(v4), b"added6": b"".join(v6), b"added.f": b"x"})
    wanted: dict[Endpoint, None] = {}
    for entry in (*v4, *v6):
        if entry[-2:] != b"\0\0":
            wanted[compact_to_endpoint(entry)] = None
    assert extended.decode_pex(body) == tuple(wanted)
