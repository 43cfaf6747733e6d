"""A simulated DHT with faults, on its socket: what an asker meets, and what the counters prove."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from crawler import krpc
from lab.dht import SimulatedDht
from lab.nodes import Population
from lab.traits import INVENTED_NETWORK, DhtTraits

NODES = 500
KEY = bytes(range(20))
DEADLINE_S = 20.0


@pytest.fixture
def asker() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.44.0.1", 0))
        sock.settimeout(DEADLINE_S)
        yield sock


def holder(dht: SimulatedDht) -> tuple[str, int]:
    nodes = Population(seed=1, live=NODES, dead_share=0.2, port=dht.port)
    address = nodes.address(nodes.holders(KEY)[0])
    return socket.inet_ntoa(address.to_bytes(4)), dht.port


def ask(sock: socket.socket, to: tuple[str, int], *, scrape: bool = False) -> krpc.Reply:
    sock.sendto(krpc.encode_get_peers(b"gp", bytes(20), KEY, scrape=scrape), to)
    reply = krpc.decode(sock.recvfrom(4096)[0])
    assert isinstance(reply, krpc.Reply)
    return reply


def test_answers_take_their_time_and_still_come(asker: socket.socket) -> None:
    """With a round-trip time the answer comes not at once, from the asked address."""
    traits = DhtTraits(rtt_median_ms=60, rtt_sigma=0.1)
    with SimulatedDht(seed=1, nodes=NODES, traits=traits) as dht:
        asker.settimeout(0.01)
        with pytest.raises(TimeoutError):
            ask(asker, holder(dht))
        asker.settimeout(DEADLINE_S)
        _, source = asker.recvfrom(4096)
        assert source == holder(dht)


def test_every_node_may_be_a_liar(asker: socket.socket) -> None:
    """A liar names invented peers for a key that nobody announced; the entry does not."""
    with SimulatedDht(seed=1, nodes=NODES, traits=DhtTraits(liar_share=1.0)) as dht:
        assert ask(asker, holder(dht)).values[0].startswith(INVENTED_NETWORK)
        assert ask(asker, ("127.0.0.1", dht.port)).values == ()


def test_sybils_answer_with_their_own_kind(asker: socket.socket) -> None:
    """Half of an honest answer are sybils; asked, one invents peers and changes its name."""
    with SimulatedDht(seed=1, nodes=NODES) as dht:
        dht.sybils({KEY: 12})
        named = ask(asker, holder(dht)).nodes
        ours = [named[i : i + 26] for i in range(0, len(named), 26) if named[i : i + 5] == KEY[:5]]
        assert len(ours) == 4
        sybil = socket.inet_ntoa(ours[0][20:24]), dht.port
        first, second = ask(asker, sybil), ask(asker, sybil)
        assert first.sender_id != second.sender_id
        assert first.values[0].startswith(INVENTED_NETWORK)


def test_a_scrape_brings_filters_and_may_omit_values(asker: socket.socket) -> None:
    """BEP 33: both filters with `scrape`, none without; some implementations leave values out."""
    traits = DhtTraits(omits_values_on_scrape=1.0)
    with SimulatedDht(seed=1, nodes=NODES, traits=traits) as dht:
        dht.plant({KEY: [bytes([127, 9, 9, n, 9, 9]) for n in range(30)]}, seeds_by_key={KEY: 10})
        plain, scraped = ask(asker, holder(dht)), ask(asker, holder(dht), scrape=True)
        assert (len(plain.values), plain.seeds) == (30, None)
        assert scraped.values == ()
        assert scraped.seeds is not None
        assert scraped.downloaders is not None


def test_counters_prove_rates_bursts_and_announces(asker: socket.socket) -> None:
    """Seven packets at once to one address are seen as such, and an announce as an attempt."""
    with SimulatedDht(seed=1, nodes=NODES) as dht:
        nobody = ("127.0.77.77", dht.port)
        for _ in range(6):
            asker.sendto(krpc.encode_ping(b"pi", bytes(20)), nobody)
        # Written out here because the project has no code that announces.
        asker.sendto(b"d1:ade1:q13:announce_peer1:t1:a1:y1:qe", nobody)
        end = time.monotonic() + DEADLINE_S
        while (counters := dht.counters()).datagrams < 7 and time.monotonic() < end:
            pass
        assert counters.busiest_second == 7
        assert 6 < counters.address_burst <= 7
        assert (counters.announce_attempts, counters.announces) == (1, 0)
