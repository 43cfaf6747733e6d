"""The simulated nodes: their tables have Kademlia's shape, and a lookup through them ends well."""

from __future__ import annotations

import random

import pytest

from lab.nodes import CONTACT_BYTES, K, Population
from swarm.errors import WorldError

PORT = 6881


def population(*, live: int = 2000, dead_share: float = 0.2, seed: int = 1) -> Population:
    return Population(seed=seed, live=live, dead_share=dead_share, port=PORT)


def contacts(column: bytes) -> list[tuple[bytes, int, int]]:
    """Each contact's id, address and port."""
    rows = [column[i : i + CONTACT_BYTES] for i in range(0, len(column), CONTACT_BYTES)]
    return [(r[:20], int.from_bytes(r[20:24]), int.from_bytes(r[24:])) for r in rows]


def distance(a: bytes, b: bytes) -> int:
    return int.from_bytes(a) ^ int.from_bytes(b)


def live_nodes(nodes: Population) -> list[int]:
    return [n for n in range(nodes.count) if nodes.node_at(nodes.address(n)) is not None]


def look_up(nodes: Population, key: bytes) -> tuple[list[bytes], int, int]:
    """The eight closest live ids that a plain lookup finds; nodes asked; dead among them."""
    known: dict[bytes, int] = {}
    dead: set[bytes] = set()
    asked: set[bytes] = set()
    answer = nodes.closest(nodes.bootstrap, key)
    while True:
        known |= {node_id: address for node_id, address, _ in contacts(answer)}
        closest = sorted(known.keys() - dead, key=lambda i: distance(i, key))[:K]
        todo = [node_id for node_id in closest if node_id not in asked]
        if not todo:
            return closest, len(asked), len(dead)
        asked.add(todo[0])
        node = nodes.node_at(known[todo[0]])
        if node is None:
            dead.add(todo[0])
        else:
            answer = nodes.closest(node, key)


def test_address_and_node_are_each_others_inverse() -> None:
    """Every live node is found at its address, all addresses differ and are loopback."""
    nodes = population()
    addresses = [nodes.address(n) for n in range(nodes.count)]
    assert len(set(addresses)) == nodes.count
    assert all(address >> 24 == 127 and address >> 16 != 0x7F00 for address in addresses)
    alive = live_nodes(nodes)
    assert len(alive) == 2000
    assert [nodes.node_at(nodes.address(n)) for n in alive] == alive


def test_nobody_is_elsewhere() -> None:
    """Addresses outside the range, and free ones inside, have no node."""
    nodes = population(live=10)
    taken = {nodes.address(n) for n in range(nodes.count)}
    for address in (0x7F000002, 0x7FFFFFFF, 0x08080808, 0):
        assert nodes.node_at(address) is None
    free = next(a for a in range(0x7F050000, 0x7F060000) if a not in taken)
    assert nodes.node_at(free) is None


def test_holders_are_the_closest_live_nodes() -> None:
    """Bisecting finds exactly what comparing all distances finds."""
    nodes = population()
    alive = live_nodes(nodes)
    rng = random.Random(3)
    for _ in range(30):
        key = rng.randbytes(20)
        closest = sorted(alive, key=lambda n: distance(nodes.node_id(n), key))[:K]
        assert list(nodes.holders(key)) == closest


def test_tables_answer_with_known_contacts_without_repetition() -> None:
    """Eight distinct contacts of the population, never the node itself, the same every time."""
    nodes = population()
    ids = {nodes.node_id(n): nodes.address(n) for n in range(nodes.count)}
    rng = random.Random(4)
    for node in rng.sample(live_nodes(nodes), 50):
        key = rng.randbytes(20)
        answer = nodes.closest(node, key)
        rows = contacts(answer)
        assert len(rows) == len({node_id for node_id, _, _ in rows}) == K
        assert all(ids[node_id] == address for node_id, address, _ in rows)
        assert all(port == PORT for _, _, port in rows)
        assert nodes.node_id(node) not in {node_id for node_id, _, _ in rows}
        assert answer == nodes.closest(node, key)


def test_answers_lead_closer() -> None:
    """Kademlia's step: contacts for a key share more bits with it than the node that names them."""
    nodes = population()
    rng = random.Random(5)
    for node in rng.sample(live_nodes(nodes), 50):
        key = rng.randbytes(20)
        own = distance(nodes.node_id(node), key)
        best = min(distance(node_id, key) for node_id, _, _ in contacts(nodes.closest(node, key)))
        assert best < own or node in nodes.holders(key)


@pytest.mark.parametrize("live", [50, 2000, 30_000])
def test_lookups_find_the_holders(live: int) -> None:
    """A plain lookup finds at least 97 % of the holders, and every time most of them."""
    nodes = population(live=live)
    rng = random.Random(6)
    shares = []
    for _ in range(60):
        key = rng.randbytes(20)
        found, _, _ = look_up(nodes, key)
        holders = {nodes.node_id(n) for n in nodes.holders(key)}
        shares.append(len(holders & set(found)) / K)
    assert sum(shares) / len(shares) >= 0.97
    assert min(shares) >= 0.5


def test_the_dead_share_is_what_lookups_meet() -> None:
    """Of the addresses that lookups ask, about the given share is dead."""
    nodes = population(dead_share=0.2)
    rng = random.Random(7)
    tallies = [look_up(nodes, rng.randbytes(20))[1:] for _ in range(200)]
    asked, dead = (sum(column) for column in zip(*tallies, strict=True))
    assert 0.15 < dead / asked < 0.25


def test_a_fresh_population_shows_no_dead_contact() -> None:
    """While shows_dead is off, every contact of every answer is live."""
    nodes = population(dead_share=0.5)
    nodes.shows_dead = False
    rng = random.Random(8)
    for node in rng.sample(live_nodes(nodes), 100):
        for _, address, _ in contacts(nodes.closest(node, rng.randbytes(20))):
            assert nodes.node_at(address) is not None


def test_same_seed_same_population() -> None:
    """Ids, addresses and who is dead depend on the seed alone."""
    first, second, other = population(), population(), population(seed=2)
    assert [first.node_id(n) for n in range(50)] == [second.node_id(n) for n in range(50)]
    assert live_nodes(first) == live_nodes(second)
    assert first.node_id(0) != other.node_id(0)


@pytest.mark.parametrize(("live", "dead_share"), [(7, 0.2), (20_000_000, 0.2), (100, 0.95)])
def test_impossible_sizes_are_refused(live: int, dead_share: float) -> None:
    """Too few nodes for a bucket, more than addresses, or all dead: one sentence."""
    with pytest.raises(WorldError):
        population(live=live, dead_share=dead_share)
