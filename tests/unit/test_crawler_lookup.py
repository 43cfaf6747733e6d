"""crawler.lookup: whom one lookup asks, and when it is over."""

from __future__ import annotations

import pytest

from crawler.addresses import BogonFilter
from crawler.candidates import CLOSEST, VOICELESS
from crawler.lookup import FULL_REPLY, PARALLEL, Lookup
from swarm.census import Captures, CensusState
from swarm.infohash import InfoHash

BOGONS = BogonFilter(allow_local=True)


def contact(distance: int) -> bytes:
    """A node at this XOR distance from the all-zero key."""
    return distance.to_bytes(20) + bytes((127, 0, 0, distance, 1, 1))


def make_lookup(*distances: int) -> Lookup:
    lookup = Lookup(InfoHash(bytes(20)))
    lookup.offer(map(contact, distances))
    return lookup


def lookup_of_a_big_swarm() -> Lookup:
    """Its one node has sent as many peers as fit a reply, and is judged: it may be asked again."""
    lookup = make_lookup(1)
    lookup.asked(contact(1))
    lookup.harvest.add([bytes((8, 8, 8, 8, 0, 1))], b"t" * 6, 0, BOGONS)
    lookup.answered(contact(1), FULL_REPLY)
    lookup.examined()
    return lookup


def ask_next(lookup: Lookup) -> bytes | None:
    chosen = lookup.next_contact(())
    if chosen is not None:
        lookup.asked(chosen)
    return chosen


def test_asks_the_closest_first_and_few_at_once() -> None:
    """Contacts are asked in order of XOR distance, at most PARALLEL unanswered at a time."""
    lookup = make_lookup(9, 3, 7, 1, 5)
    assert [ask_next(lookup) for _ in range(4)] == [contact(1), contact(3), contact(5), None]
    assert lookup.in_flight == PARALLEL
    lookup.answered(contact(3), 0)
    assert ask_next(lookup) == contact(7)


def test_is_over_when_the_closest_k_have_answered() -> None:
    """Nobody further away is asked once the k closest have answered."""
    lookup = make_lookup(*range(1, 20))
    asked = []
    while (chosen := ask_next(lookup)) is not None:
        asked.append(chosen)
        lookup.answered(chosen, 0)
    assert asked == [contact(distance) for distance in range(1, CLOSEST + 1)]
    assert lookup.end().state is CensusState.COMPLETE


def test_silent_contacts_are_replaced() -> None:
    """A dead contact does not count among the k: the next one is asked in its place."""
    lookup = make_lookup(*range(1, 20))
    asked = []
    while (chosen := ask_next(lookup)) is not None:
        asked.append(chosen)
        if len(asked) % 2:
            lookup.failed(chosen)
        else:
            lookup.answered(chosen, 0)
    assert len(asked) == 2 * CLOSEST
    assert lookup.width == 2 * CLOSEST


def test_contacts_found_dead_by_others_are_skipped() -> None:
    """What another lookup has found dead costs this one no query."""
    lookup = make_lookup(1, 2, 3)
    assert lookup.next_contact({contact(1), contact(2)}) == contact(3)


def test_all_silent_is_unreachable() -> None:
    """A lookup that nobody answered ends as unreachable, not as an empty swarm."""
    lookup = make_lookup(1)
    lookup.asked(contact(1))
    lookup.failed(contact(1))
    assert lookup.end().state is CensusState.UNREACHABLE


def test_a_late_reply_counts() -> None:
    """A node taken for silent that answers after all is one of the k."""
    lookup = make_lookup(1)
    lookup.asked(contact(1))
    lookup.failed(contact(1))
    lookup.answered(contact(1), 0)
    assert lookup.in_flight == 0
    assert lookup.width == CLOSEST
    assert lookup.end().state is CensusState.COMPLETE


def test_full_repliers_are_asked_again_until_nothing_is_new() -> None:
    """Holders of a big swarm are asked again, least asked first, until all has been named twice."""
    lookup = make_lookup(1, 2)
    peers = {d: bytes((8, 8, 8, d, 0, 1)) for d in (1, 2)}
    again = []
    for _ in range(2):
        chosen = ask_next(lookup)
        assert chosen is not None
        lookup.harvest.add([peers[chosen[19]]], b"t" * 6, 0, BOGONS)
        lookup.answered(chosen, FULL_REPLY)
    assert ask_next(lookup) is None
    assert lookup.examined()
    while (chosen := ask_next(lookup)) is not None:
        again.append(chosen)
        lookup.harvest.add([peers[chosen[19]]], b"t" * 6, 0, BOGONS)
        lookup.answered(chosen, FULL_REPLY)
    assert sorted(again) == [contact(1), contact(2)]


@pytest.mark.parametrize("parallel", [1, PARALLEL])
def test_a_holder_has_as_many_questions_at_once_as_the_agenda_grants(parallel: int) -> None:
    """While others wait one at a time, else a few; each end, an answer or a silence, frees one."""
    lookup = lookup_of_a_big_swarm()
    lookup.parallel = parallel
    assert [ask_next(lookup) for _ in range(parallel + 1)] == [contact(1)] * parallel + [None]
    assert lookup.in_flight == parallel
    lookup.answered(contact(1), FULL_REPLY)
    assert (ask_next(lookup), ask_next(lookup)) == (contact(1), None)
    lookup.failed(contact(1))
    assert (ask_next(lookup), ask_next(lookup)) == (contact(1), None)
    assert lookup.in_flight == parallel


def test_a_holder_that_falls_silent_is_not_asked_again() -> None:
    """One silence of a holder may be a lost packet; after two in a row it is asked no more."""
    lookup = lookup_of_a_big_swarm()
    for _ in range(2):
        assert ask_next(lookup) == contact(1)
        lookup.failed(contact(1))
    assert lookup.next_contact(()) is None
    assert lookup.end().state is CensusState.COMPLETE


def test_answers_that_are_lost_together_are_one_silence() -> None:
    """A burst that was too much takes all of a holder's answers, and says little of the holder."""
    lookup = lookup_of_a_big_swarm()
    for _ in range(2):
        assert [ask_next(lookup) for _ in range(PARALLEL)] == [contact(1)] * PARALLEL
        for _ in range(PARALLEL):
            lookup.failed(contact(1))
    assert lookup.next_contact(()) is None


def test_one_host_has_one_vote() -> None:
    """Nodes on one host are one of the k: the search goes on to others, eight odd ones at most."""
    lookup = Lookup(InfoHash(bytes(20)))
    crowd = [d.to_bytes(20) + bytes((127, 0, 0, 99, 1, d)) for d in range(1, 30)]
    lookup.offer([*crowd, *map(contact, range(40, 60))])
    asked = []
    while (chosen := ask_next(lookup)) is not None:
        asked.append(chosen)
        lookup.answered(chosen, 0)
    assert asked[: 1 + VOICELESS] == crowd[: 1 + VOICELESS]
    assert asked[1 + VOICELESS :] == [contact(d) for d in range(40, 40 + CLOSEST - 1)]


def test_an_id_that_contradicts_its_address_ends_no_search() -> None:
    """BEP 42: eight nodes whose ids agree must answer, or be local, whoever else did."""
    lookup = Lookup(InfoHash(bytes(20)))
    odd = [d.to_bytes(20) + bytes((8, 8, 8, d, 1, 1)) for d in range(1, 5)]
    lookup.offer([*odd, *map(contact, range(40, 60))])
    asked = []
    while (chosen := ask_next(lookup)) is not None:
        asked.append(chosen)
        lookup.answered(chosen, 0)
    assert asked == [*odd, *map(contact, range(40, 40 + CLOSEST))]


def test_a_peer_that_one_node_names_makes_a_suspect() -> None:
    """Whoever names somebody alone is a suspect; a liar is out, and what only it said is gone."""
    lookup = make_lookup(1, 2, 3)
    shared, invented = bytes((8, 8, 8, 8, 0, 1)), bytes((8, 8, 8, 9, 0, 1))
    for d, values in ((1, [shared]), (2, [shared]), (3, [shared, invented])):
        lookup.asked(contact(d))
        lookup.hear(values, contact(d), 0, BOGONS)
        lookup.answered(contact(d), len(values))
    assert lookup.suspects() == [contact(3)]
    lookup.disown(contact(3)[20:])
    census = lookup.end()
    assert [str(s.peer.address) for s in census.sightings] == ["8.8.8.8"]
    assert (lookup.peers_dropped, census.captures) == (1, Captures(1, 1, 1))
