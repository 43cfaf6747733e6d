"""crawler.peers.visiting against real clients on loopback, and against fakes that misbehave."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from bencode2 import bencode

from crawler.peers.extended import PEX_ID
from crawler.peers.visiting import PeerVisitor, VisitPlan, VisitTarget, visit_peers
from crawler.peers.wire import Kind, encode_handshake, encode_message
from lab.metainfo import MetainfoVersion
from swarm.endpoint import Endpoint, endpoint_to_compact
from swarm.infohash import InfoHash
from swarm.sighting import Source
from swarm.visit import PeerVisit, VisitOutcome
from tests.integration.aria2 import seeding
from tests.integration.peer_world import (
    FakePeers,
    LibtorrentPeer,
    Shared,
    share,
    transmission,
    wait_until,
)

PLAN = VisitPlan(allow_local=True, deadline_s=60, pex_wait_s=20)
KEY = InfoHash(b"\x17" * 20)
THEIR_ID = b"-qB4650-abcdefghijkl"


def visit(
    key: InfoHash, peers: Iterable[Endpoint], plan: VisitPlan = PLAN
) -> dict[Endpoint, PeerVisit]:
    """All rows of a visit, by peer; fails on a second row for one peer."""
    rows = [row for row in visit_peers([VisitTarget(key, tuple(peers))], plan) if row is not None]
    found = {row.peer: row for row in rows}
    assert len(found) == len(rows)
    return found


def named(row: PeerVisit) -> set[Endpoint]:
    assert row.peers is not None
    return {sighting.peer for sighting in row.peers}


# --- real clients ---


def test_hidden_peer_is_found_by_exchange(tmp_path: Path) -> None:
    """A peer that nobody told us of is named by a libtorrent leech, visited too, and named back."""
    shared = share(tmp_path / "payload")
    known = LibtorrentPeer("127.0.9.2", shared.raw, tmp_path / "b", seed=False)
    hidden = LibtorrentPeer("127.0.9.3", shared.raw, tmp_path / "c", seed=False)
    hidden.connect(known)
    rows = visit(shared.torrent.infohash, [known.endpoint])
    assert rows.keys() == {known.endpoint, hidden.endpoint}
    assert {row.outcome for row in rows.values()} == {VisitOutcome.REACHED}
    assert named(rows[known.endpoint]) == {hidden.endpoint}
    assert rows[known.endpoint].peers is not None
    sighting = next(iter(rows[known.endpoint].peers or ()))
    assert (sighting.source, sighting.told_by) == (Source.PEX, known.endpoint)


@pytest.mark.parametrize("version", list(MetainfoVersion))
def test_libtorrent_seed_and_leech(tmp_path: Path, version: MetainfoVersion) -> None:
    """A libtorrent seed is a seed and a leech a leech, for v1, v2 and hybrid, under every key."""
    shared = share(tmp_path / "payload", version)
    seed = LibtorrentPeer("127.0.9.1", shared.raw, shared.folder, seed=True)
    leech = LibtorrentPeer("127.0.9.2", shared.raw, tmp_path / "b", seed=False)
    plan = replace(PLAN, pex_wait_s=0)
    for key in shared.torrent.dht_keys:
        rows = visit(key, [seed.endpoint, leech.endpoint], plan)
        assert [rows[peer.endpoint].seed for peer in (seed, leech)] == [True, False]
        assert rows[seed.endpoint].client == "swarm-atlas-lab"


def test_ipv6_peers_are_visited_and_named(tmp_path: Path) -> None:
    """The same over IPv6: `added6` names a hidden peer at [::1], which is then visited."""
    shared = share(tmp_path / "payload")
    known = LibtorrentPeer("::1", shared.raw, tmp_path / "b", seed=False)
    hidden = LibtorrentPeer("::1", shared.raw, tmp_path / "c", seed=False)
    known.connect(hidden)
    rows = visit(shared.torrent.infohash, [known.endpoint])
    assert rows.keys() == {known.endpoint, hidden.endpoint}
    assert {row.seed for row in rows.values()} == {False}


@pytest.mark.transmission
def test_transmission_seed_and_leech(tmp_path: Path) -> None:
    """transmission's seed and leech are told apart, and its name is known."""
    shared = share(tmp_path / "payload")
    torrent = tmp_path / "it.torrent"
    torrent.write_bytes(shared.raw)
    (tmp_path / "empty").mkdir()
    plan = replace(PLAN, pex_wait_s=0)
    with (
        transmission(tmp_path / "s", torrent, shared.folder, "127.0.0.1") as seed,
        transmission(tmp_path / "l", torrent, tmp_path / "empty", "127.0.0.1") as leech,
    ):
        rows: dict[Endpoint, PeerVisit] = {}

        def verified() -> bool:  # it checks its files before it says what it has
            rows.update(visit(shared.torrent.infohash, [seed, leech], plan))
            return rows[seed].seed is True and rows[leech].outcome is VisitOutcome.REACHED

        wait_until(verified, every_s=0.5)
    assert rows[leech].seed is False
    assert (rows[seed].client or "").startswith("Transmission 3")


@pytest.mark.transmission
def test_we_are_not_our_own_peer(tmp_path: Path) -> None:
    """transmission names our own connection to us; it is neither counted nor visited."""
    shared = share(tmp_path / "payload")
    torrent = tmp_path / "it.torrent"
    torrent.write_bytes(shared.raw)
    with transmission(tmp_path / "s", torrent, shared.folder, "127.0.0.1") as seed:
        rows: dict[Endpoint, PeerVisit] = {}

        def has_told() -> bool:
            rows.update(visit(shared.torrent.infohash, [seed]))
            return rows[seed].peers is not None

        wait_until(has_told, every_s=0.5)
    assert rows.keys() == {seed}
    assert named(rows[seed]) == set()


@pytest.mark.aria2
def test_aria2_seed(tmp_path: Path) -> None:
    """aria2's seed is a seed, and its name is known."""
    shared = share(tmp_path / "payload")
    torrent = tmp_path / "it.torrent"
    torrent.write_bytes(shared.raw)
    with seeding(shared.folder, torrent) as seed:
        rows = visit(shared.torrent.infohash, [seed], replace(PLAN, pex_wait_s=0))
    assert rows[seed].outcome is VisitOutcome.REACHED
    assert rows[seed].seed is True
    assert (rows[seed].client or "").startswith("aria2")


# --- fakes ---


def handshake(greeting: bytes, *, extended: bool = True, fast: bool = True) -> bytes:
    raw = bytearray(encode_handshake(greeting[28:48], THEIR_ID))
    raw[25] = 0x10 if extended else 0
    raw[27] = 0x04 if fast else 0
    return bytes(raw)


def extension(*, pex: bool) -> bytes:
    body = bencode({b"m": {b"ut_pex": 9} if pex else {}, b"v": b"fake\n\x1b[31m 1"})
    return encode_message(Kind.EXTENDED, b"\0" + body)


def pex(peers: Iterable[Endpoint]) -> bytes:
    body = bencode({b"added": b"".join(map(endpoint_to_compact, peers))})
    return encode_message(Kind.EXTENDED, bytes([PEX_ID]) + body)


def polite(sock: Any, greeting: bytes) -> None:
    """A seed that has nothing to exchange."""
    sock.sendall(handshake(greeting) + encode_message(Kind.HAVE_ALL) + extension(pex=False))
    sock.drain()


def silent(sock: Any, _greeting: bytes) -> None:
    sock.drain()


def drip(raw: bytes, sock: Any) -> None:
    for at in range(len(raw)):
        sock.sendall(raw[at : at + 1])
        time.sleep(0.05)  # slower than the deadline, that is the point


def huge_prefix(sock: Any, greeting: bytes) -> None:
    sock.sendall(handshake(greeting) + (2**31 - 1).to_bytes(4) + b"\x05")
    sock.drain()


def endless_bitfield(sock: Any, greeting: bytes) -> None:
    sock.sendall(handshake(greeting, extended=False) + (2_000_001).to_bytes(4) + b"\x05")
    while True:
        sock.sendall(b"\xff" * 65536)


def bitfield_too_large(sock: Any, greeting: bytes) -> None:
    sock.sendall(handshake(greeting, extended=False) + (2_000_002).to_bytes(4) + b"\x05")
    sock.drain()


def endless_haves(sock: Any, greeting: bytes) -> None:
    sock.sendall(handshake(greeting, extended=False))
    while True:
        sock.sendall(encode_message(Kind.HAVE, bytes(4)) * 1000)


def other_swarm(sock: Any, greeting: bytes) -> None:
    sock.sendall(handshake(greeting[:28] + b"\x99" * 20))
    sock.drain()


def slow_after_handshake(sock: Any, greeting: bytes) -> None:
    sock.sendall(handshake(greeting))
    drip((900_000).to_bytes(4) + b"\x14" + bytes(900_000), sock)


def deep_bencoding(sock: Any, greeting: bytes) -> None:
    sock.sendall(handshake(greeting) + encode_message(Kind.EXTENDED, b"\0d1:m" + b"l" * 900_000))
    sock.drain()


MISBEHAVIOUR = {
    "says nothing": (silent, VisitOutcome.TIMEOUT),
    "a byte now and then": (lambda s, g: drip(handshake(g), s), VisitOutcome.TIMEOUT),
    "hangs up": (lambda s, g: None, VisitOutcome.CLOSED),
    "garbage": (
        lambda s, g: s.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        VisitOutcome.MALFORMED,
    ),
    "another swarm": (other_swarm, VisitOutcome.MALFORMED),
    "2 GB length prefix": (huge_prefix, VisitOutcome.MALFORMED),
    "endless bitfield": (endless_bitfield, VisitOutcome.MALFORMED),
    "bitfield too large": (bitfield_too_large, VisitOutcome.MALFORMED),
    "endless haves": (endless_haves, VisitOutcome.MALFORMED),
    "deep bencoding": (deep_bencoding, VisitOutcome.MALFORMED),
    "slow after the handshake": (slow_after_handshake, VisitOutcome.REACHED),
    "polite": (polite, VisitOutcome.REACHED),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
def test_every_misbehaviour_ends_in_its_row(case: str) -> None:
    """Whatever a peer does, the visit ends by itself, in one row that says what it was."""
    behaviour, outcome = MISBEHAVIOUR[case]
    slow = outcome in (VisitOutcome.TIMEOUT, VisitOutcome.REACHED)
    plan = replace(PLAN, visit_timeout_s=1.0 if slow else 60.0)
    with FakePeers(behaviour) as fakes:
        rows = visit(KEY, fakes.endpoints, plan)
        assert [row.outcome for row in rows.values()] == [outcome]
        assert len(fakes.visits) == 1


def test_client_names_are_one_line() -> None:
    """A client's name with escape sequences is shown as text."""
    with FakePeers(polite) as fakes:
        (row,) = visit(KEY, fakes.endpoints).values()
    assert (row.client, row.seed) == ("fake [31m 1", True)


def test_only_greetings_are_sent() -> None:
    """A peer hears a handshake, `have none` and an extension handshake: no request, no interest."""
    with FakePeers(polite) as fakes:
        visit(KEY, fakes.endpoints)
        wait_until(lambda: len(fakes.received) == 1)
    heard = fakes.received[0]
    assert heard[28:48] == KEY.digest
    assert heard[48:56] == b"-SA0001-"
    rest, kinds = heard[68:], []
    while rest:
        length = int.from_bytes(rest[:4])
        kinds.append(rest[4])
        rest = rest[4 + length :]
    assert kinds == [Kind.HAVE_NONE, Kind.EXTENDED]
    assert b"1:p" not in heard[68:]


def test_one_visit_per_peer() -> None:
    """20 peers that name each other and were added twice: one connection each."""
    with FakePeers(lambda s, g: everybody(s, g), count=20) as fakes:

        def everybody(sock: Any, greeting: bytes) -> None:
            sock.sendall(handshake(greeting) + encode_message(Kind.HAVE_NONE))
            sock.sendall(extension(pex=True) + pex(fakes.endpoints))
            sock.drain()

        plan = replace(PLAN, max_connections=3, max_told_ports_per_host=100)
        visitor = PeerVisitor(plan)
        visitor.add(KEY, fakes.endpoints[:5])
        visitor.add(KEY, fakes.endpoints[:5])
        visitor.finish()
        rows = [row for row in visitor.rows() if row is not None]
        assert sorted(map(str, fakes.visits)) == sorted(map(str, fakes.endpoints))
        assert len(rows) == 20
        assert {row.outcome for row in rows} == {VisitOutcome.REACHED}


def test_connections_are_capped() -> None:
    """Of 12 peers that hold us up until the deadline, just 3 are ever connected to."""
    with FakePeers(silent, count=12) as fakes:
        rows = visit(KEY, fakes.endpoints, replace(PLAN, max_connections=3, deadline_s=1))
        outcomes = [row.outcome for row in rows.values()]
        assert outcomes.count(VisitOutcome.TIMEOUT) == len(fakes.visits) == 3
        assert outcomes.count(VisitOutcome.NOT_VISITED) == 9


def test_optout_and_bogons_are_never_contacted() -> None:
    """Networks on the list and local addresses are left alone, also when a peer names them."""
    with FakePeers(polite) as shunned, FakePeers(polite, address="::1") as shunned6:
        apart = [*shunned.endpoints, *shunned6.endpoints]
        never = (ip_network("127.0.0.1/32"), ip_network("::1/128"))

        def gossip(sock: Any, greeting: bytes) -> None:
            sock.sendall(handshake(greeting) + encode_message(Kind.HAVE_NONE))
            sock.sendall(extension(pex=True) + pex(shunned.endpoints))
            sock.drain()

        with FakePeers(gossip, address="127.0.9.9") as teller:
            rows = visit(
                KEY, [*teller.endpoints, shunned6.endpoints[0]], replace(PLAN, never_contact=never)
            )
            assert rows[teller.endpoints[0]].outcome is VisitOutcome.REACHED
            assert named(rows[teller.endpoints[0]]) == set(shunned.endpoints)
            assert {rows[peer].outcome for peer in apart} == {VisitOutcome.NOT_VISITED}
        strict = visit(KEY, apart, replace(PLAN, allow_local=False))
        assert {row.outcome for row in strict.values()} == {VisitOutcome.NOT_VISITED}
        assert shunned.visits == shunned6.visits == []


def test_told_ports_of_one_host_are_capped() -> None:
    """A liar that names 200 ports of one machine does not make us scan it."""
    with FakePeers(lambda s, g: liar(s, g), address="127.0.9.9") as teller:
        ports = [Endpoint(teller.endpoints[0].address, port) for port in range(2, 202)]

        def liar(sock: Any, greeting: bytes) -> None:
            sock.sendall(handshake(greeting) + encode_message(Kind.HAVE_NONE))
            sock.sendall(extension(pex=True) + pex(ports))
            sock.drain()

        rows = visit(KEY, teller.endpoints)
    assert len(rows) == 1 + PLAN.max_told_ports_per_host


def test_refused_and_past_the_deadline() -> None:
    """Nobody listens: REFUSED. After the deadline: NOT_VISITED, for every peer that is left."""
    with FakePeers(silent) as fakes:
        closed = fakes.endpoints[0]
    assert visit(KEY, [closed])[closed].outcome is VisitOutcome.REFUSED
    with FakePeers(silent, count=4) as fakes:
        rows = visit(KEY, fakes.endpoints, replace(PLAN, deadline_s=0.5, max_connections=2))
        outcomes = [row.outcome for row in rows.values()]
        assert outcomes.count(VisitOutcome.TIMEOUT) == 2
        assert outcomes.count(VisitOutcome.NOT_VISITED) == 2


def test_closing_hangs_up_everywhere() -> None:
    """When the taker of the rows goes, every connection is closed, whatever its deadline."""
    with FakePeers(silent, count=5) as fakes:
        plan = replace(PLAN, visit_timeout_s=50)
        rows = visit_peers([VisitTarget(KEY, fakes.endpoints)], plan)
        assert next(rows) is None
        wait_until(lambda: len(fakes.visits) == 5)
        rows.close()
        wait_until(lambda: len(fakes.received) == 5)


def test_piece_count_decides_where_it_is_known(tmp_path: Path) -> None:
    """A bitfield that does not fit the torrent's number of pieces is no bitfield of it."""
    shared: Shared = share(tmp_path / "payload")
    seed = LibtorrentPeer("127.0.9.1", shared.raw, shared.folder, seed=True)

    def sixteen_pieces(sock: Any, greeting: bytes) -> None:
        sock.sendall(handshake(greeting, extended=False, fast=False))
        sock.sendall(encode_message(Kind.BITFIELD, b"\xff\xff"))
        sock.drain()

    with FakePeers(sixteen_pieces) as fakes:
        target = VisitTarget(shared.torrent.infohash, (seed.endpoint, *fakes.endpoints), 10)
        plan = replace(PLAN, pex_wait_s=0)
        rows = {row.peer: row for row in visit_peers([target], plan) if row is not None}
    assert rows[seed.endpoint].seed is True
    assert rows[fakes.endpoints[0]].outcome is VisitOutcome.MALFORMED
