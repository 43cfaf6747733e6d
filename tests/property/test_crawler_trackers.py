"""crawler.trackers under hostile bytes and text: a reply or MalformedMessage, nothing else."""

from __future__ import annotations

import gzip
from contextlib import suppress

import httpx
from bencode2 import bencode
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.trackers import http_codec, udp_codec
from crawler.trackers.address import TrackerAddress, read_tracker_address
from crawler.trackers.announcement import Announcement, Event
from crawler.trackers.batches import MAX_BATCH, Batches
from crawler.trackers.replies import PEER_BYTES, AnnounceReply, NoReply
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash

infohashes = st.binary(min_size=20, max_size=20).map(InfoHash)
transactions = st.binary(min_size=4, max_size=4)
keys = st.sampled_from(
    [
        b"files", b"failure reason", b"warning message", b"peers", b"peers6", b"interval",
        b"complete", b"incomplete", b"downloaded", b"ip", b"port", bytes(20),
    ]
)  # fmt: skip
atoms = st.one_of(
    st.binary(max_size=60),
    st.integers(-(2**70), 2**70),
    st.sampled_from([b"127.0.0.1", b"::1", b"tracker.example", b"\xff", 0, 1, 65535, 65536]),
)
trees = st.recursive(
    atoms,
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(keys, inner, max_size=6)),
    max_leaves=20,
)


def read_both(body: bytes) -> list[object]:
    """What either reader of an HTTP body makes of it; only MalformedMessage may come out."""
    found: list[object] = []
    with suppress(MalformedMessage):
        found.append(http_codec.read_scrape(body, [InfoHash(bytes(20))]))
    with suppress(MalformedMessage):
        found.append(http_codec.read_announce(body))
    return found


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_noise_over_http_is_malformed_at_worst(noise: bytes) -> None:
    """Random bytes never raise anything but MalformedMessage."""
    assert read_both(noise) == [] or noise[:1] == b"d"


@settings(max_examples=400)
@given(st.dictionaries(keys, trees, max_size=8))
def test_wellformed_nonsense_over_http_is_malformed_at_worst(tree: dict[bytes, object]) -> None:
    """Bencoded dictionaries of the wrong shape read as a reply of the right type, or not at all."""
    for reply in read_both(bencode(tree)):
        assert isinstance(reply, (dict, AnnounceReply, NoReply))
        if isinstance(reply, AnnounceReply):
            assert len(reply.peers) % PEER_BYTES == 0


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(["", "gzip", "deflate", "br", "x-gzip", "\x00"]))
def test_noise_in_any_encoding_is_malformed_at_worst(noise: bytes, encoding: str) -> None:
    """Whatever a body claims to be encoded as, inflating it stays within the cap or is refused."""
    with suppress(MalformedMessage):
        assert len(http_codec.inflate(noise, encoding)) <= http_codec.MAX_BODY_BYTES


@given(st.binary(max_size=300))
def test_a_gzipped_body_is_read_back(body: bytes) -> None:
    """An honest gzip body inflates to what it was."""
    assert http_codec.inflate(gzip.compress(body), "gzip") == body


@settings(max_examples=400)
@given(st.binary(max_size=200), transactions, st.lists(infohashes, min_size=1, max_size=5))
def test_noise_over_udp_is_malformed_at_worst(
    noise: bytes, transaction: bytes, asked: list[InfoHash]
) -> None:
    """Random bytes never raise anything but MalformedMessage, in any reader."""
    with suppress(MalformedMessage):
        udp_codec.open_envelope(noise, transaction)
    with suppress(MalformedMessage):
        assert len(udp_codec.read_connection(noise)) == 8
    with suppress(MalformedMessage):
        assert set(udp_codec.read_scrape(noise, asked)) <= set(asked)
    for width in (6, 18):
        with suppress(MalformedMessage):
            assert len(udp_codec.read_announce(noise, width).peers) % PEER_BYTES == 0


@given(
    infohashes, st.binary(min_size=8, max_size=8), transactions, st.text("abc/?=&", max_size=600)
)
def test_url_data_of_any_length_is_cut_into_options(
    infohash: InfoHash, connection: bytes, transaction: bytes, said: str
) -> None:
    """BEP 41: the options after the 98 bytes of an announce hold the whole of path and query."""
    packet = udp_codec.encode_announce(
        connection, transaction, Announcement(infohash), Event.STARTED, url_data=said
    )
    options, read = packet[98:], b""
    while options and options[0] == 2:
        read += options[2 : 2 + options[1]]
        options = options[2 + options[1] :]
    assert read.decode() == said
    assert options == (b"\x00" if said else b"")


@given(infohashes)
def test_an_infohash_survives_the_address_it_is_put_into(infohash: InfoHash) -> None:
    """httpx sends each byte of an infohash as it was quoted, whatever the byte is."""
    query = http_codec.scrape_query("passkey=a%2Fb", [infohash])
    sent = httpx.Request("GET", f"http://127.0.0.1/scrape?{query}").url.raw_path
    assert sent == f"/scrape?{query}".encode()


@settings(max_examples=400)
@given(
    st.one_of(
        st.text(max_size=80),
        st.builds("{}://{}:{}{}".format, st.sampled_from(["udp", "http", "wss", "file"]),
                  st.text(max_size=12), st.integers(-1, 70_000), st.text(max_size=20)),
    )
)  # fmt: skip
def test_hostile_addresses_are_labelled_safely(text: str) -> None:
    """Any text reads as an address or as unusable, with a label of plain ASCII on one line."""
    address = read_tracker_address(text)
    assert address.label.isascii()
    assert address.label.isprintable()
    if isinstance(address, TrackerAddress):
        assert 0 < address.port < 65536
        assert address.path_and_query.isascii()
        assert read_tracker_address(address.label).label == address.label


@settings(max_examples=300)
@given(
    st.integers(1, 200), st.sets(st.integers(0, 199)), st.integers(1, 80), st.booleans(),
)  # fmt: skip
def test_batches_end_and_settle_each_once(
    count: int, known: set[int], reads: int, silent_at_times: bool
) -> None:
    """Whatever a tracker knows and reads, every swarm is settled exactly once, in bounded turns."""
    asked_for = [InfoHash(n.to_bytes(20)) for n in range(count)]
    knows = {InfoHash(n.to_bytes(20)) for n in known}
    batches, settled, turns = Batches(asked_for), [], 0
    while batches:
        turns += 1
        assert turns <= 2 * count + 2
        portion = batches.portion()
        assert 0 < len(portion) <= MAX_BATCH
        if silent_at_times and turns % 3 == 0:
            settled += batches.drop(portion)
        else:
            settled += batches.settle(portion, knows.intersection(portion[:reads]))
    assert sorted(settled) == asked_for
