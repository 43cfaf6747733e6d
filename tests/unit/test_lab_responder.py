"""The simulated nodes' answers: BEP 5, tokens, counters, and what gets no answer."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest
from bencode2 import bencode

from crawler import krpc
from lab.holdings import LIFETIME_S, MAX_VALUES, Holdings
from lab.nodes import Population
from lab.responder import Responder

ASKER = ("127.3.2.1", 7000)
KEY = bytes(range(20))
PEER = bytes([127, 9, 9, 9]) + struct.pack(">H", 7001)


class Lab:
    """A responder, and what it was told to announce."""

    def __init__(self) -> None:
        self.nodes = Population(seed=1, live=200, dead_share=0.2, port=6881)
        self.holdings = Holdings(random.Random(1))
        self.announced: list[tuple[bytes, bytes]] = []
        self.responder = Responder(
            self.nodes,
            self.holdings,
            secret=b"secret",
            on_announce=lambda key, peer: self.announced.append((key, peer)),
        )
        self.node = self.nodes.holders(KEY)[0]

    def raw(
        self, datagram: bytes, *, source: tuple[str, int] = ASKER, now: float = 0.0
    ) -> bytes | None:
        return self.responder.answer(datagram, source, self.nodes.address(self.node), now)

    def ask(
        self,
        method: bytes,
        *,
        source: tuple[str, int] = ASKER,
        now: float = 0.0,
        **arguments: Any,
    ) -> krpc.Message:
        body = {b"id": bytes(20)} | {name.encode(): value for name, value in arguments.items()}
        query = {b"a": body, b"q": method, b"t": b"xy", b"y": b"q"}
        answer = self.raw(bencode(query), source=source, now=now)
        assert answer is not None
        return krpc.decode(answer)

    def token(self, *, source: tuple[str, int] = ASKER, now: float = 0.0) -> bytes:
        reply = self.ask(b"get_peers", info_hash=KEY, source=source, now=now)
        assert isinstance(reply, krpc.Reply)
        assert reply.token is not None
        return reply.token


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_ping_tells_the_node_id(lab: Lab) -> None:
    """A ping is answered with the id of the node that stands at the address."""
    reply = lab.ask(b"ping")
    assert isinstance(reply, krpc.Reply)
    assert reply.sender_id == lab.nodes.node_id(lab.node)
    assert reply.transaction == b"xy"


def test_find_node_tells_contacts(lab: Lab) -> None:
    """find_node is answered with what the node's table says."""
    reply = lab.ask(b"find_node", target=KEY)
    assert isinstance(reply, krpc.Reply)
    assert reply.nodes == lab.nodes.closest(lab.node, KEY)


def test_announcement_stands_and_is_told(lab: Lab) -> None:
    """With its token a peer is stored, reported once, and told to the next asker."""
    token = lab.token()
    reply = lab.ask(b"announce_peer", info_hash=KEY, port=7001, token=token)
    assert isinstance(reply, krpc.Reply)
    peer = bytes([127, 3, 2, 1]) + struct.pack(">H", 7001)
    assert lab.announced == [(KEY, peer)]
    told = lab.ask(b"get_peers", info_hash=KEY, source=("127.8.8.8", 9))
    assert isinstance(told, krpc.Reply)
    assert told.values == (peer,)
    assert lab.responder.counters.announces == 1


def test_implied_port_is_the_datagrams(lab: Lab) -> None:
    """BEP 5: with implied_port the port in the message does not count."""
    lab.ask(b"announce_peer", info_hash=KEY, port=1, implied_port=1, token=lab.token())
    assert lab.announced == [(KEY, bytes([127, 3, 2, 1]) + struct.pack(">H", 7000))]


@pytest.mark.parametrize(
    "arguments",
    [
        {"token": b"wrong"},
        {},
        {"port": 0},
        {"info_hash": b"short"},
    ],
)
def test_bad_announcements_are_refused(lab: Lab, arguments: dict[str, Any]) -> None:
    """A wrong or missing token, port or key: error 203, nothing stored."""
    good: dict[str, Any] = {"info_hash": KEY, "port": 7001}
    if "token" not in arguments and arguments:
        good["token"] = lab.token()
    reply = lab.ask(b"announce_peer", **(good | arguments))
    assert isinstance(reply, krpc.ErrorReply)
    assert reply.code == 203
    assert lab.announced == []


def test_token_is_bound_to_the_address(lab: Lab) -> None:
    """A token that another address got is worthless, one of another port of it is good."""
    token = lab.token()
    elsewhere = lab.ask(
        b"announce_peer", info_hash=KEY, port=1, token=token, source=("127.3.2.2", 7000)
    )
    assert isinstance(elsewhere, krpc.ErrorReply)
    same = lab.ask(b"announce_peer", info_hash=KEY, port=1, token=token, source=("127.3.2.1", 5))
    assert isinstance(same, krpc.Reply)


@pytest.mark.parametrize(("age_s", "is_good"), [(299.0, True), (301.0, True), (601.0, False)])
def test_tokens_hold_five_to_ten_minutes(lab: Lab, age_s: float, is_good: bool) -> None:
    """BEP 5: tokens up to ten minutes old are accepted."""
    reply = lab.ask(b"announce_peer", info_hash=KEY, port=1, token=lab.token(), now=age_s)
    assert isinstance(reply, krpc.Reply) is is_good


def test_unknown_method_gets_error_204(lab: Lab) -> None:
    """What the lab does not know is refused as BEP 5 says."""
    reply = lab.ask(b"sample_infohashes", target=KEY)
    assert isinstance(reply, krpc.ErrorReply)
    assert reply.code == 204
    assert lab.responder.counters.queries == {"other": 1}


def test_dead_addresses_and_strangers_get_no_answer(lab: Lab) -> None:
    """Nobody answers at a dead address, and nobody answers an asker outside loopback."""
    ping = krpc.encode_ping(b"xy", bytes(20))
    dead = next(
        address
        for address in map(lab.nodes.address, range(lab.nodes.count))
        if lab.nodes.node_at(address) is None
    )
    assert lab.responder.answer(ping, ASKER, dead, 0.0) is None
    assert lab.raw(ping, source=("10.0.0.1", 7000)) is None
    assert lab.raw(ping, source=("1.127.0.1", 7000)) is None
    counters = lab.responder.counters
    assert (counters.to_nobody, counters.foreign, counters.datagrams) == (1, 2, 1)


@pytest.mark.parametrize(
    "datagram",
    [b"", b"x", b"d1:q4:ping", b"i1e", bytes(5000), b"l" * 4000, b"d1:t2:xy1:y1:re"],
)
def test_rubbish_is_counted_and_ignored(lab: Lab, datagram: bytes) -> None:
    """What is no KRPC query gets no answer and does not stop the lab."""
    assert lab.raw(datagram) is None
    assert lab.responder.counters.malformed == 1


def test_big_swarms_are_told_by_random_hundreds(lab: Lab) -> None:
    """At most 100 peers a reply, all different, and repeated asking brings all of them."""
    peers = [bytes([127, 9, n // 200, n % 200]) + b"\x1b\x58" for n in range(357)]
    lab.holdings.plant(KEY, [lab.node], peers)
    seen: set[bytes] = set()
    for _ in range(60):
        told = lab.holdings.sample(lab.node, KEY, 0.0)
        assert len(told) == len(set(told)) == MAX_VALUES
        seen |= set(told)
    assert seen == set(peers)


def test_real_announcements_are_forgotten_planted_stay(lab: Lab) -> None:
    """A client that does not come again vanishes after its lifetime; what was planted does not."""
    lab.holdings.plant(KEY, [lab.node], [PEER])
    other = PEER[:4] + b"\x00\x01"
    lab.holdings.announce(lab.node, KEY, other, now=10.0)
    assert lab.holdings.holders_of(KEY, 11.0) == {PEER: 1, other: 1}
    assert set(lab.holdings.sample(lab.node, KEY, 9.0 + LIFETIME_S)) == {PEER, other}
    assert set(lab.holdings.sample(lab.node, KEY, 11.0 + LIFETIME_S)) == {PEER}


def test_a_peer_both_planted_and_announced_counts_once(lab: Lab) -> None:
    """No reply names a peer twice."""
    lab.holdings.plant(KEY, [lab.node], [PEER, PEER])
    lab.holdings.announce(lab.node, KEY, PEER, now=0.0)
    assert list(lab.holdings.sample(lab.node, KEY, 1.0)) == [PEER]


def test_every_question_for_a_held_key_is_counted() -> None:
    """The lab knows how often each key was asked for, at holders and elsewhere, and no others."""
    lab = Lab()
    lab.holdings.plant(KEY, lab.nodes.holders(KEY), [PEER])
    lab.ask(b"get_peers", info_hash=KEY)
    lab.ask(b"get_peers", info_hash=KEY)
    lab.ask(b"get_peers", info_hash=bytes(20))
    lab.node = lab.nodes.holders(bytes(20))[0]
    lab.ask(b"get_peers", info_hash=KEY)
    assert lab.holdings.asked() == {KEY: 3}
