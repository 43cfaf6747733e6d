"""crawler.agenda: which lookups are under way, and which of them asks next."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

from crawler.agenda import Agenda
from crawler.honesty import Honesty
from crawler.lookup import PARALLEL
from crawler.node_table import NodeTable
from swarm.infohash import InfoHash


def make_table(nodes: int = 200) -> NodeTable:
    rng, table = random.Random(4), NodeTable()
    for _ in range(nodes):
        table.replied(rng.randbytes(20) + b"\x7f" + rng.randbytes(5), 0.0)
    return table


def make_agenda(
    infohashes: list[InfoHash], *, max_lookups: int, table: NodeTable | None = None
) -> Agenda:
    """One among 200 live nodes, or those of a table."""
    honesty = Honesty(random.Random(5).randbytes)
    return Agenda(infohashes, table or make_table(), honesty, max_lookups=max_lookups)


def make_infohashes(count: int) -> list[InfoHash]:
    rng = random.Random(6)
    return [InfoHash(rng.randbytes(20)) for _ in range(count)]


def questions_by_lookup(keys: int, *, max_lookups: int) -> dict[bytes, int]:
    """How many questions each lookup asks at once, in the order begun."""
    agenda = make_agenda(make_infohashes(keys), max_lookups=max_lookups)
    counts: Counter[bytes] = Counter()
    while (question := agenda.next_question(0.0)) is not None:
        assert question.lookup is not None
        counts[question.lookup.key] += 1
        agenda.sent(question)
    return counts


def test_few_lookups_ask_several_nodes_at_once() -> None:
    """Where nobody waits to begin, a lookup does not wait for one answer before it asks on."""
    assert list(questions_by_lookup(20, max_lookups=64).values()) == [PARALLEL] * 20


def test_in_a_crowd_each_lookup_asks_one_node_at_a_time() -> None:
    """While others wait to begin, those beyond the first 32 have one query in flight."""
    counts = list(questions_by_lookup(99, max_lookups=64).values())
    assert len(counts) == 64
    assert counts[32:] == [1] * 32


def test_lookups_begin_all_over_the_key_space() -> None:
    """Those under way together are of different strips, so they do not need the same nodes."""
    infohashes = make_infohashes(640)
    begun = questions_by_lookup(640, max_lookups=10)
    places = [sorted(key.digest for key in infohashes).index(key) for key in begun]
    assert min(after - before for before, after in pairwise(sorted(places))) > 32


def test_a_postponed_question_is_chosen_anew_when_its_time_has_come() -> None:
    """Until then its lookup lets others go first; then it asks the closest it knows by then."""
    agenda = make_agenda(make_infohashes(2), max_lookups=8)
    refused = agenda.next_question(0.0)
    assert refused is not None
    assert refused.lookup is not None
    agenda.postpone(refused, 1.0)
    other = agenda.next_question(0.0)
    assert other is not None
    assert other.lookup is not refused.lookup
    agenda.postpone(other, 2.0)
    assert agenda.next_question(0.5) is None
    assert agenda.next_postponed == 1.0
    closer = refused.lookup.key + b"\x7f\0\0\1\x1a\xe1"
    refused.lookup.offer([closer])
    chosen = agenda.next_question(1.0)
    assert chosen is not None
    assert chosen.lookup is refused.lookup
    assert chosen.contact == closer


def test_lookups_that_wait_for_one_node_learn_of_others_meanwhile() -> None:
    """Early ones know the same few nodes; they need not be served by these one after another."""
    table = make_table(1)
    agenda = make_agenda(make_infohashes(1), max_lookups=8, table=table)
    refused = agenda.next_question(0.0)
    assert refused is not None
    assert refused.lookup is not None
    agenda.postpone(refused, 1.0)
    closer = refused.lookup.key + b"\x7f\0\0\1\x1a\xe1"
    table.replied(closer, 0.5)
    chosen = agenda.next_question(1.0)
    assert chosen is not None
    assert chosen.contact == closer


def test_a_postponed_lookup_chooses_anew_as_soon_as_it_hears_something() -> None:
    """It need not sit out the time of an address that it no longer wants."""
    agenda = make_agenda(make_infohashes(1), max_lookups=8)
    refused = agenda.next_question(0.0)
    assert refused is not None
    assert refused.lookup is not None
    agenda.postpone(refused, 1.0)
    closer = refused.lookup.key + b"\x7f\0\0\1\x1a\xe1"
    refused.lookup.offer([closer])
    agenda.wake(refused.lookup)
    chosen = agenda.next_question(0.1)
    assert chosen is not None
    assert chosen.contact == closer
