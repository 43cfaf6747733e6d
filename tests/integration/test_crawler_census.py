"""crawler.census on real sockets and processes: the lab's DHT, silence, deadlines, sudden ends."""

from __future__ import annotations

import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from crawler.census import CensusPlan, take_census
from lab.dht import SimulatedDht
from lab.traits import DhtTraits
from swarm.census import CensusProgress, CensusState, SwarmCensus
from swarm.errors import DhtUnreachable, SettingsError, SwarmError
from swarm.infohash import InfoHash

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 60


@pytest.fixture(scope="module")
def swarms() -> dict[InfoHash, set[bytes]]:
    rng = random.Random(6)
    return {InfoHash(rng.randbytes(20)): make_peers(rng, 1 + i % 70) for i in range(300)}


@pytest.fixture(scope="module")
def dht(swarms: dict[InfoHash, set[bytes]]) -> Iterator[SimulatedDht]:
    with SimulatedDht(seed=4, nodes=2000) as dht:
        dht.plant({infohash.digest: sorted(peers) for infohash, peers in swarms.items()})
        yield dht


def make_peers(rng: random.Random, count: int) -> set[bytes]:
    return {b"\x7f\x08" + rng.randbytes(2) + (2000 + i).to_bytes(2) for i in range(count)}


def make_plan(*bootstrap: str, **changes: float) -> CensusPlan:
    settings = {"processes": 2, "max_packets_per_s": 0.0, "deadline_s": 60.0, **changes}
    return CensusPlan(bootstrap=bootstrap, allow_local=True, **settings)  # type: ignore[arg-type]


def peers_of(census: SwarmCensus) -> set[bytes]:
    columns = census.sightings
    return {
        columns.addresses[16 * i + 12 : 16 * i + 16] + columns.ports[2 * i : 2 * i + 2]
        for i in range(len(columns))
    }


def workers_of(parent: int) -> list[int]:
    """The crawl processes that a process has started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError, ValueError):
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
            if int(fields[1]) == parent and b"crawler.worker" in command:
                found.append(int(entry.name))
    return found


def await_end(pid: int) -> None:
    with suppress(ProcessLookupError):
        descriptor = os.pidfd_open(pid)
        ended, _, _ = select.select([descriptor], [], [], DEADLINE_S)
        os.close(descriptor)
        assert ended, f"process {pid} still runs"


def test_finds_every_peer_of_the_lab(dht: SimulatedDht, swarms: dict[InfoHash, set[bytes]]) -> None:
    """Two processes, 20 % of the contacts dead: all peers, none invented, no announce, frugal."""
    events = list(take_census(list(swarms), make_plan(dht.bootstrap)))
    censuses = [event for event in events if isinstance(event, SwarmCensus)]
    assert sorted(swarms) == sorted(census.infohash for census in censuses)
    assert {census.state for census in censuses} == {CensusState.COMPLETE}
    assert all(peers_of(census) <= swarms[census.infohash] for census in censuses)
    found = sum(len(census.sightings) for census in censuses)
    assert found >= 0.99 * sum(map(len, swarms.values()))
    assert sum(census.queries for census in censuses) <= 20 * len(swarms)
    last = events[-1]
    assert isinstance(last, CensusProgress)
    assert (last.done, last.total, last.peers) == (300, 300, found)
    assert last.packets_sent >= last.packets_received > 0
    assert last.nodes_known > 500
    assert dht.counters().announces == 0
    assert set(dht.counters().queries) == {"get_peers", "find_node"}


def test_the_cap_holds_over_all_processes(
    dht: SimulatedDht, swarms: dict[InfoHash, set[bytes]]
) -> None:
    """Two processes together send no more than the cap allows, and still finish."""
    begun = time.monotonic()
    events = list(
        take_census(sorted(swarms)[:70], make_plan(dht.bootstrap, max_packets_per_s=400.0))
    )
    elapsed = time.monotonic() - begun
    last = events[-1]
    assert isinstance(last, CensusProgress)
    assert last.done == 70
    assert last.packets_sent <= 400 * (elapsed + 1)


def test_works_outside_the_main_thread_and_counts_doubles_once(
    dht: SimulatedDht, swarms: dict[InfoHash, set[bytes]]
) -> None:
    """A census may be taken from any thread; an infohash given twice gets one row."""
    keys = sorted(swarms)[:3]
    results: list[SwarmCensus] = []

    def take() -> None:
        for event in take_census(keys + keys, make_plan(dht.bootstrap)):
            if isinstance(event, SwarmCensus):
                results.append(event)

    thread = threading.Thread(target=take)
    thread.start()
    thread.join(DEADLINE_S)
    assert {census.infohash: peers_of(census) for census in results} == {
        key: swarms[key] for key in keys
    }
    assert len(results) == 3


def test_nothing_to_ask_is_no_error() -> None:
    """An empty list of infohashes yields nothing and starts nothing."""
    assert list(take_census([], make_plan("127.0.0.1:1"))) == []


def test_no_cap_is_for_local_networks_only() -> None:
    """Without a packet cap a public bootstrap node is refused, before anything is sent."""
    plan = CensusPlan(
        bootstrap=("127.0.0.1:6881", "8.8.4.4:6881"),
        processes=1,
        max_packets_per_s=0,
        deadline_s=5,
        allow_local=True,
    )
    with pytest.raises(SettingsError, match=r"8\.8\.4\.4:6881 is on the public internet"):
        next(take_census([InfoHash(bytes(20))], plan))


def test_silence_is_unreachable() -> None:
    """When the bootstrap node never answers, the error says what was tried and what to edit."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        bootstrap = f"127.0.0.1:{silent.getsockname()[1]}"
        census = take_census([InfoHash(b"a" * 20)], make_plan(bootstrap, bootstrap_timeout_s=0.3))
        with pytest.raises(DhtUnreachable, match=f"{bootstrap}.*dht_bootstrap"):
            list(census)


@pytest.mark.parametrize("bootstrap", [(), ("nowhere.invalid:6881",), ("127.0.0.1",), ("a:b",)])
def test_no_usable_bootstrap_is_unreachable(bootstrap: tuple[str, ...]) -> None:
    """Names that do not resolve and texts that are no host:port end with the same error."""
    with pytest.raises(DhtUnreachable, match="dht_bootstrap"):
        list(take_census([InfoHash(b"a" * 20)], make_plan(*bootstrap)))


def test_the_deadline_leaves_a_row_for_every_infohash(
    dht: SimulatedDht, swarms: dict[InfoHash, set[bytes]]
) -> None:
    """A crawl that runs out of time yields every infohash once, the unfinished as TIMEOUT."""
    plan = make_plan(dht.bootstrap, max_packets_per_s=60.0, deadline_s=2.5)
    censuses = [e for e in take_census(list(swarms), plan) if isinstance(e, SwarmCensus)]
    assert sorted(swarms) == sorted(census.infohash for census in censuses)
    assert CensusState.TIMEOUT in {census.state for census in censuses}


def test_closing_ends_all_processes(dht: SimulatedDht, swarms: dict[InfoHash, set[bytes]]) -> None:
    """Closing the generator leaves no crawl process behind."""
    census = take_census(list(swarms), make_plan(dht.bootstrap, max_packets_per_s=20.0))
    next(census)
    assert len(workers_of(os.getpid())) == 2
    census.close()
    assert workers_of(os.getpid()) == []


def test_a_dead_worker_ends_the_census_with_a_sentence(
    dht: SimulatedDht, swarms: dict[InfoHash, set[bytes]]
) -> None:
    """A crawl process that is killed from outside is reported, not waited for."""
    census = take_census(list(swarms), make_plan(dht.bootstrap, max_packets_per_s=20.0))
    next(census)
    os.kill(workers_of(os.getpid())[0], signal.SIGKILL)
    with pytest.raises(SwarmError, match="A crawl process died"):
        list(census)
    assert workers_of(os.getpid()) == []


def test_workers_end_with_a_killed_parent(dht: SimulatedDht) -> None:
    """`kill -9` of the process that takes the census leaves no crawl process behind."""
    script = (
        "from crawler.census import CensusPlan, take_census\n"
        "from swarm.infohash import InfoHash\n"
        "keys = [InfoHash(bytes([i]) * 20) for i in range(256)]\n"
        f"plan = CensusPlan(bootstrap=({dht.bootstrap!r},), processes=2, max_packets_per_s=20,\n"
        "                  deadline_s=600, allow_local=True)\n"
        "for event in take_census(keys, plan):\n"
        "    print(event.__class__.__name__, flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        workers = workers_of(parent.pid)
        assert len(workers) == 2
        parent.kill()
        parent.wait()
        for worker in workers:
            await_end(worker)


@pytest.mark.parametrize("changes", [{"processes": 0}, {"max_packets_per_s": -1.0}])
def test_a_senseless_plan_is_refused(changes: dict[str, float]) -> None:
    """A plan without processes, or with a negative rate, cannot be made."""
    with pytest.raises(ValueError, match=r"at least one process|not negative"):
        make_plan("127.0.0.1:1", **changes)


def test_liars_are_put_out_and_filters_are_heard(swarms: dict[InfoHash, set[bytes]]) -> None:
    """On a hostile DHT no invented peer is reported; the real ones are, and seeds are estimated."""
    traits = DhtTraits(liar_share=0.1, junk_share=0.2, omits_values_on_scrape=0.3)
    with SimulatedDht(seed=8, nodes=2000, traits=traits) as hostile:
        hostile.plant({infohash.digest: sorted(peers) for infohash, peers in swarms.items()})
        events = list(take_census(list(swarms), make_plan(hostile.bootstrap)))
    censuses = [event for event in events if isinstance(event, SwarmCensus)]
    assert all(peers_of(census) <= swarms[census.infohash] for census in censuses)
    found = sum(len(peers_of(census)) for census in censuses)
    assert found >= 0.95 * sum(map(len, swarms.values()))
    assert any(census.downloaders is not None for census in censuses)
    progress = events[-1]
    assert isinstance(progress, CensusProgress)
    assert progress.liars > 0
    assert progress.peers_dropped > 0
