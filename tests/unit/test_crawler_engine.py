"""crawler.engine against a simulated network on a virtual clock: no sockets, no waiting."""

from __future__ import annotations

import gc
import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush

import pytest

from crawler import krpc
from crawler.addresses import BogonFilter
from crawler.engine import Engine
from crawler.family import SocketAddress
from crawler.pacing import Pacing
from lab.holdings import Holdings
from lab.nodes import Population
from lab.responder import Responder
from swarm.census import CensusState, SwarmCensus
from swarm.infohash import InfoHash

UTC_OFFSET_US = 1_700_000_000_000_000
PORT = 6881


class Network:
    """A DHT behind a clock of its own: dead nodes, loss, log-normal round trips (median 80 ms)."""

    def __init__(self, *, live: int, dead_share: float = 0.2, loss: float = 0.0) -> None:
        self.rng = random.Random(7)
        self.loss = loss
        self.population = Population(seed=11, live=live, dead_share=dead_share, port=PORT)
        self.holdings = Holdings(random.Random(3))
        self.responder = Responder(
            self.population, self.holdings, secret=b"s" * 16, on_announce=lambda key, peer: None
        )
        self.sent: list[tuple[float, bytes, SocketAddress]] = []
        self.down = False
        self.answer: Callable[[bytes, SocketAddress, float], list[tuple[bytes, SocketAddress]]]
        self.answer = self.honest_answer
        self._arrivals: list[tuple[float, int, bytes, SocketAddress]] = []

    def plant(self, key: bytes, peers: list[bytes]) -> None:
        self.holdings.plant(key, self.population.holders(key), peers)

    def honest_answer(
        self, datagram: bytes, to: SocketAddress, now: float
    ) -> list[tuple[bytes, SocketAddress]]:
        addressed = int.from_bytes(bytes(map(int, to[0].split("."))))
        reply = self.responder.answer(datagram, ("127.0.0.1", 9), addressed, now)
        return [] if reply is None else [(reply, to)]

    def send(self, datagram: bytes, to: SocketAddress, now: float) -> None:
        self.sent.append((now, datagram, to))
        if self.down or self.rng.random() < self.loss:
            return
        for reply, source in self.answer(datagram, to, now):
            arrives = now + 0.08 * self.rng.lognormvariate(0, 0.5)
            heappush(self._arrivals, (arrives, len(self.sent), reply, source))

    def next_arrival(self) -> float:
        return self._arrivals[0][0] if self._arrivals else float("inf")

    def arrivals(self, now: float) -> Iterator[tuple[bytes, SocketAddress]]:
        while self._arrivals and self._arrivals[0][0] <= now:
            _, _, reply, source = heappop(self._arrivals)
            yield reply, source


def make_engine(keys: list[bytes], **changes: object) -> Engine:
    settings: dict[str, object] = {
        "pacing": Pacing(0),
        "bogons": BogonFilter(allow_local=True),
        "entropy": random.Random(5).randbytes,
        "now": 0.0,
        "utc_offset_us": UTC_OFFSET_US,
        "max_lookups": 256,
        "bootstrap_timeout_s": 10.0,
        **changes,
    }
    bootstrap = [("127.0.0.1", PORT)]
    return Engine([InfoHash(key) for key in keys], bootstrap, **settings)  # type: ignore[arg-type]


def run(engine: Engine, network: Network, *, until: float = 600.0, now: float = 0.0) -> float:
    """Turn the clock until the engine is done, unreachable, or it is late; returns the time."""
    while not engine.done and not engine.unreachable(now) and now < until:
        for datagram, address in engine.due(now):
            network.send(datagram, address, now)
        now = max(now, min(engine.next_wakeup(now), network.next_arrival(), until))
        for datagram, source in network.arrivals(now):
            engine.receive(datagram, source, now)
    return now


def make_peers(count: int, seed: int = 1) -> list[bytes]:
    rng = random.Random(seed)
    return [bytes((127, 9)) + rng.randbytes(2) + (1024 + i).to_bytes(2) for i in range(count)]


def peers_of(census: SwarmCensus) -> set[bytes]:
    columns = census.sightings
    return {
        columns.addresses[16 * i + 12 : 16 * i + 16] + columns.ports[2 * i : 2 * i + 2]
        for i in range(len(columns))
    }


def make_swarms(network: Network, sizes: list[int]) -> dict[bytes, set[bytes]]:
    rng = random.Random(2)
    swarms = {}
    for size in sizes:
        key = rng.randbytes(20)
        peers = make_peers(size, seed=rng.randrange(1 << 30))
        network.plant(key, peers)
        swarms[key] = set(peers)
    return swarms


def test_finds_nearly_all_peers_frugally_on_a_lossy_network() -> None:
    """20 % dead, 1 % loss, 80 ms: at least 99 % of the peers, at most 20 queries an infohash."""
    network = Network(live=2000, loss=0.01)
    swarms = make_swarms(network, [1 + i % 90 for i in range(300)])
    engine = make_engine(list(swarms))
    run(engine, network)
    censuses = engine.finished()
    assert sorted(swarms) == sorted(census.infohash.digest for census in censuses)
    assert {census.state for census in censuses} == {CensusState.COMPLETE}
    found = sum(len(peers_of(c) & swarms[c.infohash.digest]) for c in censuses)
    assert found >= 0.99 * sum(map(len, swarms.values()))
    assert all(peers_of(c) <= swarms[c.infohash.digest] for c in censuses)
    assert sum(c.queries for c in censuses) <= 20 * len(swarms)


def test_asks_holders_of_a_big_swarm_again() -> None:
    """Of a swarm far beyond one reply's hundred peers at least 99 % are found."""
    network = Network(live=500)
    swarms = make_swarms(network, [2500, 800])
    engine = make_engine(list(swarms))
    run(engine, network)
    for census in engine.finished():
        truth = swarms[census.infohash.digest]
        assert len(peers_of(census) & truth) >= 0.99 * len(truth)


def test_a_small_swarm_costs_no_second_round() -> None:
    """Where replies are not full, nobody is asked twice for the same key."""
    network = Network(live=500)
    swarms = make_swarms(network, [30])
    engine = make_engine(list(swarms))
    run(engine, network)
    asked = [to for _, datagram, to in network.sent if b"9:info_hash" in datagram]
    assert len(asked) == len(set(asked))


def test_caps_hold_in_every_second() -> None:
    """No second holds more packets than the cap; no address more than 4 and one a second."""
    network = Network(live=60)
    swarms = make_swarms(network, [5] * 60)
    engine = make_engine(list(swarms), pacing=Pacing(40))
    run(engine, network)
    times = [time for time, _, _ in network.sent]
    for i, start in enumerate(times):
        assert sum(time < start + 1.0 for time in times[i:]) <= 40
    by_address: dict[str, list[float]] = {}
    for time, _, (host, _) in network.sent:
        by_address.setdefault(host, []).append(time)
    for sent in by_address.values():
        for i, start in enumerate(sent):
            for j in range(i, len(sent)):
                assert j - i + 1 <= 4 + (sent[j] - start) * 1.000001


def test_a_capped_crawl_sends_what_the_cap_allows() -> None:
    """Lookups that wait for an address leave its place to others: the cap is used up."""
    cap, network = 1_000, Network(live=4_000)
    swarms = make_swarms(network, [5] * 800)
    engine = make_engine(list(swarms), pacing=Pacing(cap), max_lookups=4096)
    run(engine, network, until=4.5)
    assert sum(1.5 <= time < 4.5 for time, _, _ in network.sent) > 0.9 * 3 * cap


def test_never_announces_and_always_says_read_only() -> None:
    """All that leaves is get_peers or find_node with ro=1, and the lab counts no announce."""
    network = Network(live=200)
    engine = make_engine(list(make_swarms(network, [150, 3])))
    run(engine, network)
    for _, datagram, _ in network.sent:
        query = krpc.decode(datagram)
        assert isinstance(query, krpc.Query)
        assert query.read_only
        assert query.method in (b"get_peers", b"find_node")
    assert network.responder.counters.announces == 0


def test_sightings_say_who_told_and_when() -> None:
    """Each sighting names a node that was asked and a time within the crawl."""
    network = Network(live=100, dead_share=0.0)
    engine = make_engine(list(make_swarms(network, [5])))
    end = run(engine, network)
    asked = {to for _, _, to in network.sent}
    (census,) = engine.finished()
    for sighting in census.sightings:
        assert (str(sighting.told_by.address), sighting.told_by.port) in asked
        since_start = sighting.seen_at.timestamp() - UTC_OFFSET_US / 1_000_000
        assert 0 < since_start <= end


def test_forged_replies_are_ignored() -> None:
    """Replies from an address that was not asked, or with a foreign id, count nothing."""
    network = Network(live=100)
    swarms = make_swarms(network, [10])

    def forge(datagram: bytes, to: SocketAddress, now: float) -> list[tuple[bytes, SocketAddress]]:
        query = krpc.decode(datagram)
        lie = krpc.encode_get_peers_reply(
            query.transaction, b"x" * 20, token=b"", values=make_peers(50, seed=99)
        )
        strange = krpc.encode_get_peers_reply(
            b"????", b"x" * 20, token=b"", values=make_peers(50, seed=99)
        )
        forged = [(lie, ("127.66.6.6", PORT)), (lie, (to[0], 1)), (strange, to)]
        return forged + network.honest_answer(datagram, to, now)

    network.answer = forge
    engine = make_engine(list(swarms))
    run(engine, network)
    (census,) = engine.finished()
    assert peers_of(census) == swarms[census.infohash.digest]
    assert engine.counters.unasked > 0


def test_garbage_and_others_queries_are_counted_and_survived() -> None:
    """Whatever arrives, the census goes on; a query of somebody else gets no answer."""
    network = Network(live=100)
    swarms = make_swarms(network, [10])
    rng = random.Random(4)

    def litter(datagram: bytes, to: SocketAddress, now: float) -> list[tuple[bytes, SocketAddress]]:
        stray = krpc.encode_ping(b"aa", b"y" * 20)
        answers = [(rng.randbytes(rng.randrange(60)), to), (stray, to)]
        return answers + network.honest_answer(datagram, to, now)

    network.answer = litter
    engine = make_engine(list(swarms))
    run(engine, network)
    (census,) = engine.finished()
    assert peers_of(census) == swarms[census.infohash.digest]
    assert engine.counters.malformed > 0


def test_peers_that_cannot_be_are_dropped() -> None:
    """Without leave for local addresses no loopback peer is reported; port 0 never is."""
    network = Network(live=100)
    key = b"k" * 20
    real, portless = bytes((8, 8, 4, 4, 26, 225)), bytes((8, 8, 4, 4, 0, 0))
    network.plant(key, [*make_peers(3), real, portless])
    engine = make_engine([key], bogons=BogonFilter(allow_local=False))
    bootstrap = network.population.node_id(0)

    def answer(datagram: bytes, to: SocketAddress, now: float) -> list[tuple[bytes, SocketAddress]]:
        query = krpc.decode(datagram)
        values = [*make_peers(3), real, portless] if query.target == key else []
        reply = krpc.encode_get_peers_reply(query.transaction, bootstrap, token=b"", values=values)
        return [(reply, to)]

    network.answer = answer
    run(engine, network)
    (census,) = engine.finished()
    assert peers_of(census) == {real}


def test_a_node_under_another_id_counts_as_what_it_is() -> None:
    """Where another node answers than hearsay had, its peers count and the hearsay is dropped."""
    network = Network(live=30, dead_share=0.0)
    swarms = make_swarms(network, [10])

    def rename(datagram: bytes, to: SocketAddress, now: float) -> list[tuple[bytes, SocketAddress]]:
        honest = network.honest_answer(datagram, to, now)
        new_id = random.Random(to[0]).randbytes(20)
        at = b"2:id20:"
        return [
            (reply.split(at)[0] + at + new_id + reply.split(at)[1][20:], source)
            for reply, source in honest
        ]

    network.answer = rename
    engine = make_engine(list(swarms))
    run(engine, network)
    (census,) = engine.finished()
    assert peers_of(census) == swarms[census.infohash.digest]


def test_refusals_end_no_lookup_and_kill_no_node() -> None:
    """A network that refuses every get_peers leaves each lookup ended, with nothing found."""
    network = Network(live=30, dead_share=0.0)

    def refuse(datagram: bytes, to: SocketAddress, now: float) -> list[tuple[bytes, SocketAddress]]:
        query = krpc.decode(datagram)
        assert isinstance(query, krpc.Query)
        if query.method == b"get_peers":
            return [(krpc.encode_error(query.transaction, 202, b"no"), to)]
        return network.honest_answer(datagram, to, now)

    network.answer = refuse
    engine = make_engine([b"a" * 20])
    run(engine, network)
    (census,) = engine.finished()
    assert (census.state, len(census.sightings)) == (CensusState.UNREACHABLE, 0)
    assert engine.counters.refused == census.queries


def test_a_silent_network_is_unreachable() -> None:
    """When no bootstrap node answers in time the engine says so, after several tries."""
    network = Network(live=10)
    network.down = True
    engine = make_engine([b"a" * 20], bootstrap_timeout_s=8.0)
    assert run(engine, network) == pytest.approx(8.0)
    assert len(network.sent) == 4


def test_joins_again_after_the_network_was_away() -> None:
    """A network that is gone for a while ends no lookup that has not begun."""
    network = Network(live=60, dead_share=0.0)
    swarms = make_swarms(network, [4] * 100)
    engine = make_engine(list(swarms), max_lookups=4)
    now = run(engine, network, until=2.0)
    network.down = True
    now = run(engine, network, until=now + 8.0, now=now)
    network.down = False
    run(engine, network, now=now)
    states = [census.state for census in engine.finished()]
    assert len(states) == len(swarms)
    assert states.count(CensusState.COMPLETE) > 50


def test_stop_keeps_what_was_found() -> None:
    """At a deadline every infohash gets its row: TIMEOUT, with the peers found until then."""
    network = Network(live=500)
    swarms = make_swarms(network, [60] * 40)
    engine = make_engine(list(swarms), max_lookups=10)
    run(engine, network, until=1.0)
    engine.stop()
    censuses = engine.finished()
    assert engine.done
    assert sorted(swarms) == sorted(census.infohash.digest for census in censuses)
    ended = {census.state for census in censuses}
    assert CensusState.TIMEOUT in ended
    assert any(len(census.sightings) for census in censuses)


def test_a_tiny_dht_is_enough() -> None:
    """With fewer nodes than k the lookup ends when all have answered."""
    network = Network(live=8)
    hosts = [bytes((127, 0, 0, last)) for last in (1, 2, 3)]
    contacts = [host * 5 + host + PORT.to_bytes(2) for host in hosts]

    def answer(datagram: bytes, to: SocketAddress, now: float) -> list[tuple[bytes, SocketAddress]]:
        transaction, _, _, target, *_ = krpc.decode(datagram)
        node_id = contacts[int(to[0][-1]) - 1][:20]
        values = make_peers(5)[int(to[0][-1]) :] if target == b"a" * 20 else []
        reply = krpc.encode_get_peers_reply(
            transaction, node_id, token=b"", nodes=b"".join(contacts), values=values
        )
        return [(reply, to)]

    network.answer = answer
    engine = make_engine([b"a" * 20])
    run(engine, network)
    (census,) = engine.finished()
    assert (census.state, census.queries) == (CensusState.COMPLETE, 3)
    assert peers_of(census) == set(make_peers(5)[1:])


def test_transaction_ids_come_from_the_entropy_alone() -> None:
    """Two engines with different entropy use different ids for the same query."""
    first = make_engine([b"a" * 20], entropy=random.Random(1).randbytes).due(0.0)
    second = make_engine([b"a" * 20], entropy=random.Random(2).randbytes).due(0.0)
    ids = {krpc.decode(datagrams[0][0]).transaction for datagrams in (first, second)}
    assert len(ids) == 2


def lie_at(network: Network, share: int) -> Callable[..., list[tuple[bytes, SocketAddress]]]:
    """One node in `share` answers every get_peers with peers of its invention."""

    def answer(datagram: bytes, to: SocketAddress, now: float) -> list[tuple[bytes, SocketAddress]]:
        honest = network.honest_answer(datagram, to, now)
        query = krpc.decode(datagram)
        rng = random.Random(repr((to, query.target)))
        if not honest or query.method != b"get_peers" or random.Random(to[0]).randrange(share):
            return honest
        reply = krpc.decode(honest[0][0])
        invented = [bytes((127, 251)) + rng.randbytes(2) + b"\x11\x11" for _ in range(50)]
        lie = krpc.encode_get_peers_reply(
            reply.transaction, reply.sender_id, token=b"t", nodes=reply.nodes, values=invented
        )
        return [(lie, to)]

    return answer


def test_no_invented_peer_is_reported() -> None:
    """With 10 % liars no invented peer is in the result, and nearly all real ones are."""
    network = Network(live=2000, loss=0.01)
    swarms = make_swarms(network, [1 + i % 60 for i in range(200)])
    network.answer = lie_at(network, 10)
    engine = make_engine(list(swarms))
    run(engine, network)
    censuses = engine.finished()
    assert len(censuses) == len(swarms)
    assert all(peers_of(c) <= swarms[c.infohash.digest] for c in censuses)
    found = sum(len(peers_of(c)) for c in censuses)
    assert found >= 0.97 * sum(map(len, swarms.values()))
    assert len(engine.honesty.liars) > 50
    assert engine.peers_dropped > 0


def test_honesty_costs_an_honest_network_next_to_nothing() -> None:
    """Where nobody lies, trials and control lookups are less than 3 % of all packets."""
    network = Network(live=2000)
    swarms = make_swarms(network, [1 + i % 60 for i in range(300)])
    engine = make_engine(list(swarms))
    run(engine, network)
    controls = [d for _, d, _ in network.sent if krpc.decode(d).target not in swarms]
    assert len(controls) <= 0.03 * len(network.sent)
    assert engine.honesty.liars == set()
    assert len(engine.finished()) == len(swarms)


def test_a_crawl_leaves_no_cycles() -> None:
    """Workers run without the search for cycles, so a crawl must not make any."""
    network = Network(live=500, loss=0.05)
    swarms = make_swarms(network, [1 + i % 150 for i in range(120)])
    gc.collect()
    gc.disable()
    try:
        engine = make_engine(list(swarms))
        run(engine, network)
        assert len(engine.finished()) == len(swarms)
        del engine
        assert gc.collect() == 0
    finally:
        gc.enable()
