"""The simulated DHT's faults: each share is kept, each fault does what it says, all from a seed."""

from __future__ import annotations

import random
from statistics import median

import pytest

from crawler import krpc
from lab.holdings import Holdings
from lab.impairments import Impairments
from lab.meter import Meter
from lab.misconduct import Misconduct, Sybils
from lab.nodes import CONTACT_BYTES, Population
from lab.planted import make_swarms
from lab.traits import INVENTED_NETWORK, DhtTraits
from lab.wheel import Wheel
from swarm.bloom import bloom_estimate, bloom_union
from swarm.errors import MalformedMessage, WorldError

PORT = 6881
KEY = bytes(range(20))
ANSWER = krpc.encode_get_peers_reply(b"abcd", bytes(20), token=b"to", nodes=bytes(26 * 8))
ADDRESS = 0x7F010203


def population(live: int = 4000) -> Population:
    return Population(seed=1, live=live, dead_share=0.2, port=PORT)


def contacts(column: bytes) -> list[bytes]:
    return [column[i : i + CONTACT_BYTES] for i in range(0, len(column), CONTACT_BYTES)]


def peers(count: int) -> list[bytes]:
    return [bytes([127, 9]) + n.to_bytes(2) + b"\x1b\x58" for n in range(count)]


@pytest.mark.parametrize("field", ["loss", "liar_share", "junk_share", "rtt_sigma"])
def test_impossible_traits_are_refused_by_name(field: str) -> None:
    """A negative share is an error that names the trait."""
    with pytest.raises(WorldError, match=field):
        DhtTraits(**{field: -0.1})


def test_without_traits_nothing_is_wrong() -> None:
    """The defaults neither touch packets nor nodes."""
    assert not DhtTraits().impairs_packets
    assert not DhtTraits().corrupts_nodes


def test_round_trips_are_log_normal_and_the_nodes_own() -> None:
    """The median over nodes is the one asked for; a node keeps its time; the seed decides."""
    traits = DhtTraits(rtt_median_ms=80)
    path = Impairments(traits, seed=3)
    nodes = population()
    addresses = [nodes.address(node) for node in range(nodes.count)]
    delays = [path.deliveries(ANSWER, address)[0][0] for address in addresses]
    assert 0.075 < median(delays) < 0.085
    assert 0.12 < sorted(delays)[int(0.84 * len(delays))] < 0.145  # one sigma: 80 ms * e ** 0.5
    again = Impairments(traits, seed=3)
    assert [again.deliveries(ANSWER, address)[0][0] for address in addresses] == delays


def test_loss_takes_its_share() -> None:
    """One answer in ten does not come, and the others come whole."""
    path = Impairments(DhtTraits(loss=0.1), seed=1)
    arrived = [path.deliveries(ANSWER, ADDRESS) for _ in range(5000)]
    assert 430 < arrived.count([]) < 570
    assert [(0.0, ADDRESS, ANSWER)] in arrived


def test_a_malformed_answer_never_passes_for_a_true_one() -> None:
    """Cut off or garbled, the codec refuses it, or at least it is not what was said."""
    path = Impairments(DhtTraits(malformed_share=1.0), seed=1)
    for _ in range(300):
        [(_, _, datagram)] = path.deliveries(ANSWER, ADDRESS)
        with pytest.raises(MalformedMessage):
            krpc.decode(datagram)


def test_a_wrong_transaction_leaves_the_rest_alone() -> None:
    """The answer parses, and belongs to no query."""
    path = Impairments(DhtTraits(wrong_transaction_share=1.0), seed=1)
    [(_, _, datagram)] = path.deliveries(ANSWER, ADDRESS)
    true, reply = krpc.decode(ANSWER), krpc.decode(datagram)
    assert reply.transaction != true.transaction
    assert reply[1:] == true[1:]


def test_an_oversized_answer_is_over_the_limit() -> None:
    """It is well-formed bencoding of more bytes than any node should take."""
    path = Impairments(DhtTraits(oversized_share=1.0), seed=1)
    [(_, _, datagram)] = path.deliveries(ANSWER, ADDRESS)
    assert len(datagram) > krpc.MAX_DATAGRAM_BYTES
    with pytest.raises(MalformedMessage, match="bytes"):
        krpc.decode(datagram)


def test_a_forgery_comes_first_and_from_elsewhere() -> None:
    """It knows the transaction id and names invented peers; the true answer still comes."""
    path = Impairments(DhtTraits(spoofed_share=1.0, rtt_median_ms=50), seed=1)
    (early, forger, forged), (late, origin, true) = path.deliveries(ANSWER, ADDRESS)
    reply = krpc.decode(forged)
    assert isinstance(reply, krpc.Reply)
    assert early < late
    assert (forger != ADDRESS, origin, true) == (True, ADDRESS, ANSWER)
    assert reply.transaction == b"abcd"
    assert reply.values[0].startswith(INVENTED_NETWORK)


def test_liars_invent_for_any_key_and_always_the_same() -> None:
    """About a tenth lie; what they name is in the invented network; honest nodes are none."""
    nodes = population()
    misconduct = Misconduct(DhtTraits(liar_share=0.1), nodes, seed=2)
    liars = [node for node in range(nodes.count) if misconduct.is_liar(node)]
    assert 0.08 < len(liars) / nodes.count < 0.12
    assert not misconduct.is_liar(nodes.bootstrap)
    told = misconduct.invented(liars[0], KEY)
    assert told == misconduct.invented(liars[0], KEY) != misconduct.invented(liars[1], KEY)
    assert all(peer[:2] == INVENTED_NETWORK and peer[4:] != b"\0\0" for peer in told)


def test_junk_contacts_are_nobody_and_stand_as_near() -> None:
    """Four in five contacts are junk: nobody is there, the order of ids stays."""
    nodes = population()
    misconduct = Misconduct(DhtTraits(junk_share=0.8), nodes, seed=2)
    junk = total = 0
    for node in range(0, nodes.count, 7):
        true = contacts(nodes.closest(node, KEY))
        told = contacts(misconduct.contacts(node, b"".join(true)))
        for was, now in zip(true, told, strict=True):
            total += 1
            assert was[:8] == now[:8]
            if was != now:
                junk += 1
                assert nodes.node_at(int.from_bytes(now[20:24])) is None
    assert 0.75 < junk / total < 0.85


def test_a_rate_limited_node_answers_two_and_then_one_a_second() -> None:
    """Refusals cost nothing: after a second the next is answered."""
    misconduct = Misconduct(DhtTraits(rate_limited_share=1.0), population(), seed=2)
    assert [misconduct.refuses(5, 100.0) for _ in range(4)] == [False, False, True, True]
    assert [misconduct.refuses(5, 101.0) for _ in range(2)] == [False, True]


def test_sybils_share_one_address_and_half_of_each_answer() -> None:
    """Around its key, and around no other."""
    nodes = population()
    sybils = Sybils(nodes, seed=1, port=PORT)
    sybils.add(KEY, 20)
    [address] = sybils.at
    assert nodes.node_at(address) is None
    told = contacts(sybils.mingle(KEY, nodes.closest(0, KEY)))
    hostile = [contact for contact in told if int.from_bytes(contact[20:24]) == address]
    assert (len(told), len(hostile)) == (8, 4)
    assert all(contact[:5] == KEY[:5] for contact in hostile)
    assert sybils.mingle(bytes(20), b"column") == b"column"


def test_holders_miss_their_share_each_on_its_own() -> None:
    """With half missing, each of two holders knows about half, both together three quarters."""
    holdings = Holdings(random.Random(1), holder_misses=0.5)
    everyone = peers(90)
    holdings.plant(KEY, [1, 2], everyone)
    one, two = (set(holdings.sample(node, KEY, 0.0)) for node in (1, 2))
    assert 25 < len(two) < 65
    assert 50 < len(one | two) < 85


def test_scrape_filters_count_seeds_and_downloaders() -> None:
    """BEP 33: united over the holders, they estimate what was planted."""
    holdings = Holdings(random.Random(1), holder_misses=0.2)
    holdings.plant(KEY, [1, 2, 3], peers(1000), seeds=400)
    told = [holdings.filters(node, KEY, 0.0) for node in (1, 2, 3)]
    seeds, downloaders = (
        bloom_estimate(bloom_union(pair[kind] for pair in told if pair)) for kind in (0, 1)
    )
    assert seeds == pytest.approx(400, rel=0.08)
    assert downloaders == pytest.approx(600, rel=0.08)
    assert holdings.filters(9, KEY, 0.0) is None


def test_an_announcement_says_whether_it_seeds() -> None:
    """Who finishes a download moves from one filter to the other."""
    holdings = Holdings(random.Random(1))
    [peer] = peers(1)
    holdings.announce(1, KEY, peer, 0.0)
    before = holdings.filters(1, KEY, 0.0)
    holdings.announce(1, KEY, peer, 1.0, is_seed=True)
    after = holdings.filters(1, KEY, 1.0)
    assert before is not None
    assert after == before[::-1]


def test_the_meter_finds_the_busiest_second_wherever_it_lies() -> None:
    """Any interval counts, not the clock's seconds."""
    meter = Meter()
    for at_s in (0.1, 0.7, 0.8, 0.9, 1.2, 1.3, 1.65, 3.0):
        meter.note(1, at_s)
    assert meter.busiest_second == 6  # 0.7 to 1.65


def test_the_meter_measures_bursts_to_one_address() -> None:
    """Four at once and then one a second is a burst of four, a fifth makes it more."""
    meter = Meter()
    for at_s in (10.0, 10.0, 10.0, 10.0, 11.0, 12.0, 13.0):
        meter.note(1, at_s)
        meter.note(2, at_s + 0.001)
    assert meter.address_burst == pytest.approx(4.0)
    meter.note(2, 13.001)
    assert meter.address_burst == pytest.approx(5.0)


def test_the_wheel_hands_over_in_order_and_only_what_is_due() -> None:
    """Also across its whole turn, and what is too far ahead comes at its end."""
    wheel: Wheel[str] = Wheel(100.0)
    wheel.add("late", 100.5)
    wheel.add("soon", 100.02)
    wheel.add("past", 99.0)
    wheel.add("beyond", 1000.0)
    assert wheel.due(100.1) == ["past", "soon"]
    assert wheel.due(100.4) == []
    assert wheel.due(101.0) == ["late"]
    assert wheel.waiting == 1
    assert wheel.due(200.0) == ["beyond"]
    assert wheel.due(300.0) == []


def test_planted_swarms_follow_a_power_law() -> None:
    """Twice the size, half as many above it; the biggest near the limit; none of it invented."""
    swarms = make_swarms(seed=1, count=2000)
    sizes = sorted(len(swarm.peers) for swarm in swarms)
    assert sizes == sorted(len(set(swarm.peers)) for swarm in swarms)
    assert sum(size > 20 for size in sizes) == pytest.approx(200, abs=12)
    assert 3000 < sizes[-1] <= 10_000
    assert not any(peer[:2] == INVENTED_NETWORK for swarm in swarms for peer in swarm.peers)
    assert make_swarms(seed=1, count=2000) == swarms
