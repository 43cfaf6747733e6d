"""crawler.peers, the pure parts: names, addresses, seeds, and who is believed about metadata."""

from __future__ import annotations

import hashlib
import random
from ipaddress import ip_network

import pytest
from bencode2 import bencode

from crawler.peers.assembly import MetadataHunt, MetadataKey
from crawler.peers.client_names import name_of_peer_id
from crawler.peers.conversation import Conversation
from crawler.peers.extended import (
    BLOCK_BYTES,
    METADATA_ID,
    decode_extension_handshake,
    encode_metadata_reject,
)
from crawler.peers.gate import Gate
from crawler.peers.holdings import Holdings
from crawler.peers.interview import Interview
from crawler.peers.wire import Kind, encode_handshake, encode_message
from swarm.endpoint import Endpoint
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash

TRUE = random.Random(1).randbytes(4 * BLOCK_BYTES + 5)
FALSE = bytes(len(TRUE))
KEY = MetadataKey(InfoHash(hashlib.sha1(TRUE, usedforsecurity=False).digest()))


@pytest.mark.parametrize(
    ("peer_id", "name"),
    [
        (b"-TR3000-abcdefghijkl", "Transmission 3000"),
        (b"-qB4650-abcdefghijkl", "qBittorrent 4650"),
        (b"-ZZ12AB-abcdefghijkl", "ZZ 12AB"),
        (b"M7-9-2--abcdefghijkl", "Mainline 7.9.2"),
        (b"A2-1-36-0-abcdefghij", "aria2 1.36.0"),
        (bytes(20), None),
    ],
)
def test_peer_ids_name_clients(peer_id: bytes, name: str | None) -> None:
    """Azureus, Mainline and aria2 styles are read; anything else names nobody."""
    assert name_of_peer_id(peer_id) == name


@pytest.mark.parametrize(
    "peer",
    ["10.0.0.1:1", "127.0.0.1:1", "224.0.0.1:1", "[::1]:1", "[fe80::1]:1", "[fc00::1]:1",
     "[ff02::1]:1", "[::ffff:8.8.8.8]:1", "[2002:808:808::1]:1", "[64:ff9b::808:808]:1",
     "[2001:db8::1]:1", "[::]:1"],
)  # fmt: skip
def test_bogons_of_both_families(peer: str) -> None:
    """Private, reserved and multicast addresses are nobody's, and IPv4 in IPv6 dress neither."""
    assert not Gate(allow_local=False).lets_pass(Endpoint.parse(peer))


def test_gate_lets_the_rest_pass() -> None:
    """Global addresses pass, local ones where they are allowed, networks that opted out never."""
    strict = Gate(
        allow_local=False, never_contact=(ip_network("8.8.8.0/24"), ip_network("2a00::/16"))
    )
    passing = ["8.8.4.4:1", "[2606:4700::1]:1", "8.8.8.8:1", "[2a00::1]:1"]
    assert [strict.lets_pass(Endpoint.parse(p)) for p in passing] == [True, True, False, False]
    local = Gate(allow_local=True)
    assert all(local.lets_pass(Endpoint.parse(p)) for p in ("127.0.0.1:1", "[::1]:1", "10.0.0.1:1"))


def test_who_shows_nothing_and_wants_nothing_tells_nothing() -> None:
    """`upload_only` decides only where no holdings were told; beside `have none` it is unclear."""
    assert Holdings().is_seed(True) is True
    assert Holdings().is_seed(None) is None
    empty = Holdings()
    empty.take_all(False)
    assert empty.is_seed(None) is False
    assert empty.is_seed(True) is None
    partial = Holdings()
    partial.take_bitfield(b"\xf0\x00")
    assert partial.is_seed(True) is False


def give_all(hunt: MetadataHunt, peer: str, metadata: bytes) -> None:
    while (index := hunt.ask(peer)) is not None:
        hunt.give(peer, index, metadata[index * BLOCK_BYTES : (index + 1) * BLOCK_BYTES])


def test_a_lone_liar_is_barred_and_the_next_believed() -> None:
    """False metadata from one hand bars that hand; nothing of it is kept."""
    hunt = MetadataHunt(KEY)
    hunt.join("liar", len(FALSE))
    give_all(hunt, "liar", FALSE)
    assert (hunt.barred, hunt.metadata, hunt.held_bytes) == ({"liar"}, None, 0)
    hunt.join("honest", len(TRUE))
    give_all(hunt, "honest", TRUE)
    assert hunt.metadata == TRUE


def test_mixed_blocks_part_the_peers_and_bar_the_liar_alone() -> None:
    """One false block among true ones: all start anew alone, and only the liar is barred."""
    hunt = MetadataHunt(KEY)
    for peer in ("liar", "honest"):
        hunt.join(peer, len(TRUE))
    index = hunt.ask("liar")
    assert index == 0
    hunt.give("liar", 0, FALSE[:BLOCK_BYTES])
    under_way = hunt.ask("liar")
    while (index := hunt.ask("honest")) is not None:
        hunt.give("honest", index, TRUE[index * BLOCK_BYTES : (index + 1) * BLOCK_BYTES])
        if not hunt.owes("honest") and hunt.held_bytes == 0:
            break
    assert (hunt.metadata, hunt.barred) == (None, set())
    assert under_way is not None
    assert hunt.owes("liar") == 1  # what was under way may still come, and is no offence
    hunt.give("liar", under_way, FALSE[:BLOCK_BYTES])
    give_all(hunt, "liar", FALSE)
    assert hunt.barred == {"liar"}
    give_all(hunt, "honest", TRUE)
    assert hunt.metadata == TRUE


def test_who_was_barred_for_memory_breaks_nothing_later() -> None:
    """A peer barred while its blocks are under way may still give them: they are passed over."""
    hunt = MetadataHunt(KEY)
    for peer in ("barred", "liar", "honest"):
        hunt.join(peer, len(TRUE))
        if peer == "barred":
            assert hunt.ask(peer) == 0
            hunt.drop_largest()
    first = hunt.ask("honest")
    assert first is not None
    hunt.give("honest", first, TRUE[first * BLOCK_BYTES : (first + 1) * BLOCK_BYTES])
    give_all(hunt, "liar", FALSE)
    hunt.give("barred", 0, FALSE[:BLOCK_BYTES])
    give_all(hunt, "liar", FALSE)
    give_all(hunt, "honest", TRUE)
    assert (hunt.barred, hunt.metadata, hunt.held_bytes) == ({"barred", "liar"}, TRUE, 0)


def test_a_refusal_with_blocks_behind_it_is_no_fault_of_ours() -> None:
    """A peer that rejects and gives all the same has left the hunt: its blocks count no more."""
    hunt = MetadataHunt(KEY)
    talk = Conversation(KEY.infohash.digest, bytes(20), metadata_bytes=len(TRUE))
    interview = Interview(
        hunt, talk, "peer", lambda _: None, answer_timeout_s=1.0, pex_wait_s=1.0, now=0.0
    )
    said = {b"m": {b"ut_metadata": 7}, b"metadata_size": len(TRUE)}
    interview.hear(encode_handshake(KEY.infohash.digest, bytes(20)), 0.0)
    interview.hear(encode_message(Kind.EXTENDED, b"\0" + bencode(said)), 0.0)
    assert hunt.owes("peer") > 0
    block = bytes([METADATA_ID]) + bencode({b"msg_type": 1, b"piece": 0}) + TRUE[:BLOCK_BYTES]
    refusal = encode_metadata_reject(METADATA_ID, 0)
    interview.hear(refusal + encode_message(Kind.EXTENDED, block), 0.0)
    assert (hunt.held_bytes, interview.patience(0.0)) == (0, 0.0)


def test_a_message_of_many_values_is_refused_before_it_is_decoded() -> None:
    """Half a million empty lists in one message cost no half a million objects."""
    with pytest.raises(MalformedMessage, match="values"):
        decode_extension_handshake(b"d1:ml" + b"le" * 499_000 + b"ee")


def test_every_hash_must_agree() -> None:
    """v1, v2, v2 cut to 20 bytes; where a magnet gives both, both must fit."""
    v1, v2 = KEY.infohash, hashlib.sha256(TRUE).digest()
    assert MetadataKey(InfoHash(v2[:20])).fits(TRUE)
    assert MetadataKey(v1, v2).fits(TRUE)
    assert MetadataKey(InfoHash(v2[:20]), v2).fits(TRUE)
    assert not MetadataKey(v1, bytes(32)).fits(TRUE)
    assert not MetadataKey(InfoHash(bytes(20)), v2).fits(TRUE)
    assert MetadataKey(v1, v2).wire_keys == (v1, InfoHash(v2[:20]))


def test_memory_is_given_up_from_the_largest() -> None:
    """The largest unproven metadata goes first, and who is at it is barred."""
    hunt = MetadataHunt(KEY)
    hunt.join("big", 90_000_000)
    hunt.join("small", len(TRUE))
    for peer, count in (("big", 3), ("small", 1)):
        for _ in range(count):
            index = hunt.ask(peer)
            assert index is not None
            hunt.give(peer, index, bytes(BLOCK_BYTES))
    hunt.drop_largest()
    assert (hunt.barred, hunt.held_bytes) == ({"big"}, BLOCK_BYTES)
    with pytest.raises(MalformedMessage, match="at most"):
        hunt.join("huge", 100_000_001)
