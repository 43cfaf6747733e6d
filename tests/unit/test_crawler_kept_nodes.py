"""crawler.kept_nodes and joining: a later run begins among nodes that answered an earlier one."""

from __future__ import annotations

import random
from itertools import chain, pairwise

import pytest

from crawler.addresses import BogonFilter
from crawler.family import IPV4, IPV6
from crawler.joining import KNOWN_AT_ONCE, KNOWN_ROUNDS, Joining
from crawler.kept_nodes import (
    ASKED_FOR_S,
    FRESHEST,
    MOST_NODES,
    KeptNodes,
    dealt,
    decode_nodes,
    encode_nodes,
)
from swarm.errors import StorageError

NOW_S = 1_800_000_000
RNG = random.Random(4)


def contact(host: bytes = b"\x7f\x01\x02\x03", key: bytes | None = None) -> bytes:
    return (key or RNG.randbytes(20)) + host + b"\x1a\xe1"


def test_nodes_survive_the_file() -> None:
    """Contacts of both families and the times of their replies come back as they were."""
    nodes = {contact(): NOW_S, contact(): 0, contact(RNG.randbytes(16)): NOW_S - 5}
    assert decode_nodes(encode_nodes(nodes)) == nodes
    assert decode_nodes(encode_nodes({})) == {}


def test_a_foreign_or_broken_file_is_refused() -> None:
    """Not one byte may be missing or changed, and another file is not taken for ours."""
    whole = encode_nodes({contact(): NOW_S for _ in range(3)})
    changed = bytearray(whole)
    changed[60] ^= 1
    for raw in (b"", b"PAR1" + whole, whole[:-1], whole[:40], bytes(changed), whole + b"x"):
        with pytest.raises(StorageError):
            decode_nodes(raw)


def test_only_what_may_live_is_asked() -> None:
    """After a week a node is not asked, nor one of the future, of the other family, or shunned."""
    fresh, old = contact(b"\x08\x08\x08\x08"), contact(b"\x08\x08\x08\x09")
    nodes = {
        old: NOW_S - ASKED_FOR_S,
        fresh: NOW_S,
        contact(b"\x08\x08\x08\x0a"): NOW_S - ASKED_FOR_S - 1,
        contact(b"\x08\x08\x08\x0b"): NOW_S + 1,
        contact(b"\x7f\x00\x00\x01"): NOW_S,
        contact(b"\x20\x01\x48\x60" + bytes(12)): NOW_S,
    }
    bogons = BogonFilter(allow_local=False)
    kept = KeptNodes(nodes)
    asked = kept.worth_asking(IPV4, now_s=NOW_S, is_shunned=bogons.is_bogus)
    assert asked == [fresh, old]
    assert len(kept.worth_asking(IPV6, now_s=NOW_S, is_shunned=lambda _: False)) == 1


def test_each_process_gets_its_share_and_the_freshest() -> None:
    """Every node goes to the process whose keys are near, the freshest ones to all."""
    contacts = [contact() for _ in range(FRESHEST + 500)]
    bounds = [b"\x10" * 20, b"\x60" * 20, b"\xb0" * 20]
    shares = dealt(contacts, bounds)
    assert [share[:FRESHEST] for share in shares] == 3 * [contacts[:FRESHEST]]
    rest = [share[FRESHEST:] for share in shares]
    assert sorted(chain(*rest)) == sorted(contacts[FRESHEST:])
    edges = [b"\x00" * 20, *bounds[1:], b"\xff" * 21]
    for own, (low, high) in zip(rest, pairwise(edges), strict=True):
        assert all(low <= one < high for one in own)
    assert dealt([], bounds) == [[], [], []]


def test_what_is_kept_is_fresh_and_bounded() -> None:
    """A later reply counts, a silent node goes, and beyond the bound the oldest go."""
    first, second = contact(), contact()
    kept = KeptNodes({first: 10, second: 20})
    kept.update({first: 30}, silent=[second, contact()])
    assert kept.snapshot() == {first: 30}
    assert not kept.changed
    kept.update({number.to_bytes(26): number for number in range(2 * MOST_NODES + 1)}, [])
    assert kept.changed
    oldest = 2 * MOST_NODES + 1 - MOST_NODES
    assert sorted(kept.snapshot().values()) == list(range(oldest, 2 * MOST_NODES + 1))


BOOTSTRAP = [("192.0.2.1", 1), ("192.0.2.2", 1)]


def asked_at(joining: Joining, now: float) -> list[tuple[str, int]]:
    found = []
    while (address := joining.next_address(now)) is not None:
        found.append(address)
    return found


def test_known_nodes_come_before_bootstrap_nodes() -> None:
    """The bootstrap nodes are asked only when two rounds of known nodes have kept silent."""
    known = [("198.51.100.1", port) for port in range(1, 200)]
    joining = Joining(BOOTSTRAP, 0.0, 10.0, known)
    assert asked_at(joining, 0.0) == known[:KNOWN_AT_ONCE]
    assert asked_at(joining, 0.5) == []
    assert joining.wakeup() == 1.0
    assert asked_at(joining, 1.0) == known[KNOWN_AT_ONCE : KNOWN_ROUNDS * KNOWN_AT_ONCE]
    assert asked_at(joining, 2.0) == BOOTSTRAP
    assert asked_at(joining, 3.0) == BOOTSTRAP
    assert asked_at(joining, 4.9) == []
    assert asked_at(joining, 5.0) == BOOTSTRAP
    assert not joining.failed(11.9)
    assert joining.failed(12.0)


def test_one_answer_of_a_known_node_is_enough() -> None:
    """Once a known node answers, no bootstrap node is asked; after a loss of all it begins anew."""
    joining = Joining(BOOTSTRAP, 0.0, 10.0, [("198.51.100.1", 1)])
    assert asked_at(joining, 0.0) == [("198.51.100.1", 1)]
    joining.succeeded()
    assert asked_at(joining, 60.0) == []
    assert joining.wakeup() is None
    joining.begin(100.0)
    assert asked_at(joining, 100.0) == [("198.51.100.1", 1)]
    assert asked_at(joining, 101.0) == BOOTSTRAP


def test_without_known_nodes_the_bootstrap_nodes_come_at_once() -> None:
    """They are asked at once, then after 1, 2, 4 seconds, and given up in time."""
    joining = Joining(BOOTSTRAP, 0.0, 10.0)
    rounds = [now for now in (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0) if asked_at(joining, now)]
    assert rounds == [0.0, 1.0, 3.0, 7.0]
    assert joining.failed(10.0)
