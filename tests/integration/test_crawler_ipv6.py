"""Both DHTs in one census (BEP 32): the lab's nodes at ::1 beside those of 127.0.0.0/8."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from crawler.census import take_census
from crawler.plan import CensusPlan
from lab.dht import SimulatedDht
from storage.runs import open_run
from swarm.census import CensusProgress, CensusState, SwarmCensus
from swarm.infohash import InfoHash

ROOT = Path(__file__).resolve().parents[2]
RNG = random.Random(12)
KEYS = sorted(InfoHash(RNG.randbytes(20)) for _ in range(80))
PORT = 6881
HOSTS4 = {key: {f"127.8.{i}.{n}" for n in range(i % 40)} for i, key in enumerate(KEYS)}
HOSTS6 = {
    key: {f"fd00::{i + 1:x}:{n:x}" for n in range(1, 2 + i % 60)} for i, key in enumerate(KEYS)
}


def planted(hosts: dict[InfoHash, set[str]]) -> dict[bytes, list[bytes]]:
    return {
        key.digest: [ip_address(host).packed + PORT.to_bytes(2) for host in sorted(found)]
        for key, found in hosts.items()
    }


@pytest.fixture(scope="module")
def dht4() -> Iterator[SimulatedDht]:
    with SimulatedDht(seed=5, nodes=800) as dht:
        dht.plant(planted(HOSTS4))
        yield dht


@pytest.fixture(scope="module")
def dht6() -> Iterator[SimulatedDht]:
    with SimulatedDht(seed=6, nodes=300, ipv6=True) as dht:
        dht.plant(planted(HOSTS6))
        yield dht


def census(*bootstrap: str, timeout_s: float = 10.0) -> tuple[list[SwarmCensus], CensusProgress]:
    plan = CensusPlan(
        bootstrap=bootstrap,
        processes=1,
        max_packets_per_s=0,
        deadline_s=60.0,
        allow_local=True,
        bootstrap_timeout_s=timeout_s,
    )
    events = list(take_census(KEYS, plan))
    last = events[-1]
    assert isinstance(last, CensusProgress)
    return [event for event in events if isinstance(event, SwarmCensus)], last


def hosts(one: SwarmCensus) -> set[str]:
    assert {sighting.peer.port for sighting in one.sightings} <= {PORT}
    return {str(sighting.peer.address) for sighting in one.sightings}


def test_ipv6_alone_finds_every_peer(dht6: SimulatedDht) -> None:
    """A bootstrap node at [::1] is enough: every IPv6 peer, 20 % of the nodes dead, no announce."""
    found, last = census(dht6.bootstrap)
    assert {one.infohash: hosts(one) for one in found} == HOSTS6
    assert {one.state for one in found} == {CensusState.COMPLETE}
    assert (last.done, last.total, last.liars) == (len(KEYS), len(KEYS), 0)
    assert [[of.version for of in one.by_family] for one in found] == [[6]] * len(KEYS)
    counters = dht6.counters()
    assert (counters.announce_attempts, counters.malformed) == (0, 0)


def test_both_dhts_are_one_census_that_tells_them_apart(
    dht4: SimulatedDht, dht6: SimulatedDht
) -> None:
    """Each infohash gets one row with the peers of both, and figures of its own for each DHT."""
    found, last = census(dht4.bootstrap, dht6.bootstrap)
    assert sorted(one.infohash for one in found) == KEYS
    assert {one.infohash: hosts(one) for one in found} == {
        key: HOSTS4[key] | HOSTS6[key] for key in KEYS
    }
    for one in found:
        counts = [(of.version, of.peers) for of in one.by_family]
        assert counts == [(4, len(HOSTS4[one.infohash])), (6, len(HOSTS6[one.infohash]))]
        caught = [of.captures for of in one.by_family]
        assert one.captures.both == sum(captures.both for captures in caught)
        assert all(of.reach for of in one.by_family)
    assert last.done == len(KEYS)
    assert last.peers == sum(len(one.sightings) for one in found)


def test_a_dht_out_of_reach_takes_nothing_from_the_other(dht4: SimulatedDht) -> None:
    """Where the IPv6 bootstrap node keeps silent, IPv4's peers are all there, and rows say so."""
    found, _ = census(dht4.bootstrap, "[::1]:9", timeout_s=1.0)
    assert {one.infohash: hosts(one) for one in found} == HOSTS4
    assert {one.state for one in found} == {CensusState.COMPLETE}
    states = {tuple(of.state for of in one.by_family) for one in found}
    assert states == {(CensusState.COMPLETE, CensusState.UNREACHABLE)}


def test_the_command_line_writes_both(
    dht4: SimulatedDht, dht6: SimulatedDht, tmp_path: Path
) -> None:
    """Bootstrap nodes of either family, addresses of both in the file, and apart in the run."""
    (tmp_path / "config.txt").write_text("allow_local_peers=yes\nignore_environment=yes\n")
    key, out = KEYS[39], tmp_path / "found.jsonl"
    command = [sys.executable, "main.py", "crawl", key.hex, "--json", "--raw-addresses"]
    command += ["--workspace", str(tmp_path), "--out", str(out), "--max-packets-per-s", "0"]
    command += ["--bootstrap", dht4.bootstrap, "--bootstrap", dht6.bootstrap]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    (line,) = map(json.loads, out.read_text().splitlines())
    assert {host for host, _ in line["peers"]} == HOSTS4[key] | HOSTS6[key]
    summary = json.loads(done.stdout.splitlines()[-1])
    run = open_run(tmp_path / "runs", summary["run_id"])
    (outcome,) = run.outcomes().collect().iter_rows(named=True)
    for version, hosts_of in ((4, HOSTS4), (6, HOSTS6)):
        known = len(hosts_of[key])
        assert outcome[f"dht{version}_peers"] == known
        assert outcome[f"dht{version}_low"] <= known <= outcome[f"dht{version}_estimate"]
    versions = run.sightings().group_by("ip_version").len().collect()
    assert dict(versions.iter_rows()) == {4: len(HOSTS4[key]), 6: len(HOSTS6[key])}
    # One lookup says little of the sizes, but each DHT has its own.
    assert summary["dht_nodes"] != summary["dht6_nodes"]
