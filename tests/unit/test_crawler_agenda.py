"""crawler.agenda: which lookups are under way, and which of them asks next."""

from __future__ import annotations

import random
from collections import Counter

from crawler.agenda import Agenda
from crawler.honesty import Honesty
from crawler.lookup import PARALLEL
from crawler.node_table import NodeTable
from swarm.infohash import InfoHash


def questions_by_lookup(keys: int, *, max_lookups: int) -> list[int]:
    """How many questions each lookup asks at once among 200 live nodes, in the order begun."""
    rng = random.Random(4)
    table = NodeTable()
    for _ in range(200):
        table.replied(rng.randbytes(20) + b"\x7f" + rng.randbytes(5), 0.0)
    infohashes = [InfoHash(rng.randbytes(20)) for _ in range(keys)]
    agenda = Agenda(infohashes, table, Honesty(rng.randbytes), max_lookups=max_lookups)
    counts: Counter[bytes] = Counter()
    while (question := agenda.next_question(0.0)) is not None:
        assert question.lookup is not None
        counts[question.lookup.key] += 1
    return list(counts.values())


def test_few_lookups_ask_several_nodes_at_once() -> None:
    """Where nobody waits to begin, a lookup does not wait for one answer before it asks on."""
    assert questions_by_lookup(20, max_lookups=64) == [PARALLEL] * 20


def test_in_a_crowd_each_lookup_asks_one_node_at_a_time() -> None:
    """While others wait to begin, those beyond the first 32 have one query in flight."""
    counts = questions_by_lookup(99, max_lookups=64)
    assert len(counts) == 64
    assert counts[32:] == [1] * 32
