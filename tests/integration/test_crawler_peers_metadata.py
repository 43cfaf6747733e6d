"""crawler.peers.metadata: `info` from real clients on loopback, and from fakes that lie."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from bencode2 import bdecode, bencode

from crawler.peers import metadata
from crawler.peers.assembly import MetadataKey
from crawler.peers.extended import (
    BLOCK_BYTES,
    METADATA_ID,
    PEX_ID,
    MetadataKind,
    decode_metadata_message,
)
from crawler.peers.metadata import (
    MetadataOutcome,
    MetadataPlan,
    MetadataResult,
    MetadataTarget,
    fetch_metadata,
)
from crawler.peers.wire import Kind, encode_handshake, encode_message
from lab.metainfo import MetainfoVersion
from swarm.endpoint import Endpoint, endpoint_to_compact
from swarm.infohash import InfoHash
from tests.integration.aria2 import seeding
from tests.integration.peer_world import (
    FakePeers,
    LibtorrentPeer,
    Shared,
    share,
    transmission,
    wait_until,
)

PLAN = MetadataPlan(allow_local=True, deadline_s=60, pex_wait_s=20)
THEIR_ID = b"-qB4650-abcdefghijkl"
# Ten blocks and a bit.
TRUE = random.Random(3).randbytes(10 * BLOCK_BYTES + 77)
FALSE = TRUE[:-1] + bytes([TRUE[-1] ^ 1])
KEY = MetadataKey(InfoHash(hashlib.sha1(TRUE, usedforsecurity=False).digest()))


def fetch(key: MetadataKey, peers: Iterable[Endpoint], plan: MetadataPlan = PLAN) -> MetadataResult:
    """The one result."""
    (result,) = [r for r in fetch_metadata([MetadataTarget(key, tuple(peers))], plan) if r]
    return result


def info_of(shared: Shared) -> bytes:
    """The raw `info` of a torrent, as it stands in the file."""
    raw: bytes = bencode(bdecode(shared.raw)[b"info"])
    assert raw in shared.raw
    return raw


def keys_of(shared: Shared) -> list[MetadataKey]:
    """All that a magnet may say of it: v1, v2, both, and the v2 infohash cut to 20 bytes."""
    torrent = shared.torrent
    keys = [MetadataKey(key) for key in torrent.dht_keys]
    if torrent.infohash_v2 is not None:
        keys += [MetadataKey(key, torrent.infohash_v2) for key in torrent.dht_keys]
    return keys


# --- real clients ---


@pytest.mark.parametrize("version", list(MetainfoVersion))
def test_libtorrent_gives_the_exact_bytes(tmp_path: Path, version: MetainfoVersion) -> None:
    """A libtorrent seed alone: the bytes of `info` for v1, v2 and hybrid, under every key."""
    shared = share(tmp_path / "payload", version, size=60_000_000, piece_bytes=16384)
    seed = LibtorrentPeer("127.0.9.1", shared.raw, shared.folder, seed=True)
    for key in keys_of(shared):
        result = fetch(key, [seed.endpoint])
        assert (result.outcome, result.metadata) == (MetadataOutcome.FETCHED, info_of(shared))


@pytest.mark.transmission
def test_transmission_gives_the_exact_bytes(tmp_path: Path) -> None:
    """transmission alone."""
    shared = share(tmp_path / "payload")
    (tmp_path / "it.torrent").write_bytes(shared.raw)
    with transmission(tmp_path / "s", tmp_path / "it.torrent", shared.folder, "127.0.0.1") as seed:
        results: list[MetadataResult] = []

        def given() -> bool:  # it checks its files first, and hangs up until then
            results[:] = [fetch(keys_of(shared)[0], [seed])]
            return results[0].outcome is MetadataOutcome.FETCHED

        wait_until(given, every_s=0.5)
    assert results[0].metadata == info_of(shared)


@pytest.mark.aria2
def test_aria2_gives_the_exact_bytes(tmp_path: Path) -> None:
    """aria2 alone."""
    shared = share(tmp_path / "payload")
    (tmp_path / "it.torrent").write_bytes(shared.raw)
    with seeding(shared.folder, tmp_path / "it.torrent") as seed:
        result = fetch(keys_of(shared)[0], [seed])
    assert result.outcome is MetadataOutcome.FETCHED
    assert result.metadata == info_of(shared)


# --- fakes ---


class Giver:
    """A peer that answers requests for metadata with blocks of `metadata`, or as told."""

    def __init__(
        self,
        metadata: bytes,
        *,
        claims: int | None = None,
        offers: bool = True,
        rejects: bool = False,
        gives: int | None = None,
        names: Iterable[Endpoint] = (),
    ) -> None:
        self.metadata = metadata
        self.claims = len(metadata) if claims is None else claims
        self.offers = offers
        self.rejects = rejects
        self.gives = gives  # blocks, then silence
        self.names = tuple(names)
        self.requests: list[int] = []

    def __call__(self, sock: Any, greeting: bytes) -> None:
        sock.sendall(encode_handshake(greeting[28:48], THEIR_ID))
        offered: dict[bytes, int] = {b"ut_pex": 8} if self.names else {}
        if self.offers:
            offered[b"ut_metadata"] = 7
        hello = bencode({b"m": offered, b"metadata_size": self.claims})
        sock.sendall(encode_message(Kind.HAVE_NONE) + encode_message(Kind.EXTENDED, b"\0" + hello))
        if self.names:
            added = b"".join(map(endpoint_to_compact, self.names))
            body = bytes([PEX_ID]) + bencode({b"added": added})
            sock.sendall(encode_message(Kind.EXTENDED, body))
        while True:
            length = int.from_bytes(sock.take(4))
            message = sock.take(length)
            if message[:2] == bytes([Kind.EXTENDED, 7]):
                self._answer(sock, message[2:])

    def _answer(self, sock: Any, body: bytes) -> None:
        request = decode_metadata_message(body)
        assert request is not None
        assert request.kind is MetadataKind.REQUEST
        if self.gives is not None and len(self.requests) >= self.gives:
            return
        self.requests.append(request.piece)
        fields: dict[bytes, int] = {b"msg_type": 2, b"piece": request.piece}
        block = b""
        if not self.rejects:
            fields = {b"msg_type": 1, b"piece": request.piece, b"total_size": self.claims}
            start = request.piece * BLOCK_BYTES
            block = self.metadata[start : start + BLOCK_BYTES]
        raw = bytes([METADATA_ID]) + bencode(fields) + block
        sock.sendall(encode_message(Kind.EXTENDED, raw))


def test_several_peers_share_the_work() -> None:
    """Of three peers each gives some blocks, and no block is given more often than peers ask."""
    givers = [Giver(TRUE) for _ in range(3)]
    with FakePeers(givers[0]) as a, FakePeers(givers[1]) as b, FakePeers(givers[2]) as c:
        result = fetch(KEY, [*a.endpoints, *b.endpoints, *c.endpoints])
    assert result.metadata == TRUE
    assert set().union(*(giver.requests for giver in givers)) == set(range(11))


def test_poison_alone_is_refused() -> None:
    """Metadata that hashes to something else is never handed on."""
    with FakePeers(Giver(FALSE), count=3) as liars:
        result = fetch(KEY, liars.endpoints)
    assert (result.outcome, result.metadata) == (MetadataOutcome.POISONED, None)
    assert result.peers_barred == 3


def test_one_honest_peer_among_poisoners_is_enough() -> None:
    """Liars of the same size mix their blocks in; whoever gives all of it alone is believed."""
    with FakePeers(Giver(FALSE), count=4) as liars, FakePeers(Giver(TRUE)) as honest:
        result = fetch(KEY, [*liars.endpoints[:2], *honest.endpoints, *liars.endpoints[2:]])
    assert (result.outcome, result.metadata) == (MetadataOutcome.FETCHED, TRUE)


def test_sizes_that_disagree_do_not_mix() -> None:
    """A liar about the size keeps nobody from giving the true one."""
    with (
        FakePeers(Giver(TRUE[:40_000])) as short,
        FakePeers(Giver(TRUE + b"more" * 9000)) as long,
        FakePeers(Giver(TRUE)) as honest,
    ):
        result = fetch(KEY, [*short.endpoints, *long.endpoints, *honest.endpoints])
    assert result.metadata == TRUE


def test_a_peer_that_stops_is_replaced() -> None:
    """Blocks that a peer was asked for and does not give are asked of another."""
    with FakePeers(Giver(TRUE, gives=3)) as tired, FakePeers(Giver(TRUE)) as other:
        plan = replace(PLAN, answer_timeout_s=1.0, max_connections=1)
        result = fetch(KEY, [*tired.endpoints, *other.endpoints], plan)
    assert result.metadata == TRUE


def test_holder_is_found_by_exchange() -> None:
    """A peer without metadata names one that has it."""
    with (
        FakePeers(Giver(TRUE), address="127.0.9.8") as holder,
        FakePeers(Giver(b"", offers=False, names=holder.endpoints)) as teller,
    ):
        result = fetch(KEY, teller.endpoints)
    assert (result.metadata, result.peers_known) == (TRUE, 2)


NOTHING: dict[str, tuple[Giver, MetadataOutcome]] = {
    "does not offer it": (Giver(b"", offers=False), MetadataOutcome.NOT_OFFERED),
    "rejects": (Giver(TRUE, rejects=True), MetadataOutcome.NOT_OFFERED),
    "claims 0 bytes": (Giver(b""), MetadataOutcome.NOT_OFFERED),
    "claims 100 MB and one": (Giver(TRUE, claims=100_000_001), MetadataOutcome.NOT_OFFERED),
    "claims 2 GB": (Giver(TRUE, claims=2**31), MetadataOutcome.NOT_OFFERED),
    "claims a negative size": (Giver(TRUE, claims=-5), MetadataOutcome.NOT_OFFERED),
    "gives short blocks": (Giver(TRUE[:9], claims=50_000), MetadataOutcome.NOT_OFFERED),
    "stops in the middle": (Giver(TRUE, gives=4), MetadataOutcome.NOT_OFFERED),
    "gives something else": (Giver(FALSE), MetadataOutcome.POISONED),
}


@pytest.mark.parametrize("case", NOTHING)
def test_why_there_is_none(case: str) -> None:
    """Each way of giving nothing ends by itself, with the outcome that says what it was."""
    giver, outcome = NOTHING[case]
    with FakePeers(giver) as fakes:
        result = fetch(KEY, fakes.endpoints, replace(PLAN, answer_timeout_s=1.0))
    assert (result.outcome, result.metadata) == (outcome, None)


def test_who_asks_without_end_and_reads_nothing_is_hung_up_on() -> None:
    """Answers that a peer never reads are not piled up for it."""
    over = threading.Event()

    def asker(sock: Any, greeting: bytes) -> None:
        sock.sendall(encode_handshake(greeting[28:48], THEIR_ID))
        hello = bencode({b"m": {b"ut_metadata": 7}})
        sock.sendall(encode_message(Kind.EXTENDED, b"\0" + hello))
        request = bytes([METADATA_ID]) + bencode({b"msg_type": 0, b"piece": 1})
        asked = encode_message(Kind.EXTENDED, request) * 1000
        try:
            for _ in range(3000):  # 100 MB, if they are let
                sock.sendall(asked)
        except OSError:
            over.set()
            raise

    with FakePeers(asker) as fakes:
        result = fetch(KEY, fakes.endpoints, replace(PLAN, answer_timeout_s=30.0))
        assert over.wait(30)
    assert result.outcome is MetadataOutcome.NOT_OFFERED


def test_found_metadata_waits_for_who_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a bound nothing new is begun before what was found is taken; nothing is lost."""
    monkeypatch.setattr(metadata, "_MOST_UNTAKEN_BYTES", 0)
    wanted = [random.Random(n).randbytes(20_000) for n in range(100)]
    by_key = {hashlib.sha1(w, usedforsecurity=False).digest(): w for w in wanted}
    taken: list[MetadataResult] = []
    taken_by_then: list[int] = []  # at each visit

    def library(sock: Any, greeting: bytes) -> None:
        taken_by_then.append(len(taken))
        Giver(by_key[greeting[28:48]])(sock, greeting)

    with FakePeers(library) as fakes:
        targets = [MetadataTarget(MetadataKey(InfoHash(k)), fakes.endpoints) for k in by_key]
        for result in fetch_metadata(targets, replace(PLAN, max_connections=1)):
            if result is not None:
                taken.append(result)
    assert taken_by_then == list(range(100))
    assert {r.key.infohash.digest: r.metadata for r in taken} == by_key


def test_nobody_to_ask() -> None:
    """No peer, none who listens, none who may be contacted, no time: an outcome for each."""
    with FakePeers(Giver(TRUE)) as fakes:
        shunned = replace(PLAN, never_contact=(ip_network("127.0.0.0/24"),))
        assert fetch(KEY, fakes.endpoints, shunned).outcome is MetadataOutcome.NO_PEERS
        strict = replace(PLAN, allow_local=False)
        assert fetch(KEY, fakes.endpoints, strict).outcome is MetadataOutcome.NO_PEERS
        late = replace(PLAN, deadline_s=0)
        assert fetch(KEY, fakes.endpoints, late).outcome is MetadataOutcome.TIMEOUT
        assert fakes.visits == []
    assert fetch(KEY, fakes.endpoints).outcome is MetadataOutcome.UNREACHABLE
    assert fetch(KEY, []).outcome is MetadataOutcome.NO_PEERS


def test_many_targets_each_once() -> None:
    """A hundred targets over six connections: one result each, all of them fetched."""
    wanted = [random.Random(n).randbytes(20_000 + n) for n in range(100)]
    by_key = {hashlib.sha1(w, usedforsecurity=False).digest(): w for w in wanted}

    def library(sock: Any, greeting: bytes) -> None:
        Giver(by_key[greeting[28:48]])(sock, greeting)

    with FakePeers(library, count=2) as fakes:
        targets = [MetadataTarget(MetadataKey(InfoHash(k)), fakes.endpoints) for k in by_key]
        plan = replace(PLAN, max_connections=6)
        results = [r for r in fetch_metadata(targets, plan) if r is not None]
    assert {r.key.infohash.digest: r.metadata for r in results} == by_key
    assert len(results) == 100


def test_closing_hangs_up_everywhere() -> None:
    """When the taker of the results goes, every connection is closed."""
    with FakePeers(Giver(TRUE, gives=1), count=3) as fakes:
        rows = fetch_metadata([MetadataTarget(KEY, fakes.endpoints)], PLAN)
        assert next(rows) is None
        wait_until(lambda: len(fakes.visits) == 3)
        rows.close()
        wait_until(lambda: len(fakes.received) == 3)
