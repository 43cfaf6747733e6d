"""A second run begins among the nodes of the first, and asks no bootstrap node."""

from __future__ import annotations

import random
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler.kept_nodes import decode_nodes, encode_nodes
from lab.dht import SimulatedDht
from observatory.desk import Observatory
from observatory.job import Job, JobKind, JobState
from observatory.jobs import CrawlTarget, FetchArguments
from storage.workspace import Workspace

INFOHASHES = 80
CONFIG = "allow_local_peers=yes\nmax_packets_per_s=0\nprocesses=2\nignore_environment=yes\n"


class Silence:
    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        pass


@pytest.fixture(scope="module")
def swarms() -> dict[bytes, list[bytes]]:
    rng = random.Random(8)
    return {
        rng.randbytes(20): [b"\x7f\x08" + rng.randbytes(2) + b"\x1a\xe1" for _ in range(1 + i % 20)]
        for i in range(INFOHASHES)
    }


@pytest.fixture
def dht(swarms: dict[bytes, list[bytes]]) -> Iterator[SimulatedDht]:
    with SimulatedDht(seed=8, nodes=1500, dead_share=0.0) as dht:
        dht.plant(swarms)
        yield dht


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "config.txt").write_text(CONFIG)
    return Workspace(tmp_path)


def crawl(workspace: Workspace, dht: SimulatedDht, keys: list[bytes]) -> Job:
    desk = Observatory(workspace, name="Test", description="a test", is_lab=True)
    targets = [
        CrawlTarget(infohash=key.hex(), dht_keys=(key.hex(),), name=key.hex()) for key in keys
    ]
    arguments = FetchArguments(targets=tuple(targets), bootstrap=(dht.bootstrap,))
    job = desk.run_here(JobKind.FETCH, arguments.model_dump(mode="json"), Silence())
    desk.close()
    assert job.state is JobState.DONE, job.message
    return job


def figures(job: Job) -> dict[str, int]:
    return dict((job.report or {})["figures"])


def test_a_second_run_asks_no_bootstrap_node(
    workspace: Workspace, dht: SimulatedDht, swarms: dict[bytes, list[bytes]]
) -> None:
    """The lab's entry for newcomers gets no packet from the second run, which finds every peer."""
    peers = sum(map(len, swarms.values()))
    first = crawl(workspace, dht, sorted(swarms))
    assert figures(first)["peers"] == peers
    asked = dht.counters().to_bootstrap
    assert asked > 0
    second = crawl(workspace, dht, sorted(swarms))
    assert figures(second)["peers"] == peers
    assert dht.counters().to_bootstrap == asked


def test_the_file_is_private_and_goes_with_a_purge(
    workspace: Workspace, dht: SimulatedDht, swarms: dict[bytes, list[bytes]]
) -> None:
    """It names only nodes of this DHT that are no bootstrap nodes, for its owner's eyes."""
    crawl(workspace, dht, sorted(swarms))
    path = workspace.nodes_path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    nodes = decode_nodes(path.read_bytes(), [dht.bootstrap])
    assert len(nodes) > 100
    port = int(dht.bootstrap.rpartition(":")[2]).to_bytes(2)
    assert all(contact[20:21] == b"\x7f" and contact[24:] == port for contact in nodes)
    assert not any(contact[20:24] == b"\x7f\0\0\1" for contact in nodes)
    desk = Observatory(workspace, name="Test", description="a test", is_lab=True)
    desk.run_here(JobKind.PURGE, {}, Silence())
    desk.close()
    assert not path.exists()


@pytest.mark.parametrize("content", ["nonsense", "dead"])
def test_without_living_nodes_the_bootstrap_node_is_asked(
    workspace: Workspace, dht: SimulatedDht, swarms: dict[bytes, list[bytes]], content: str
) -> None:
    """A foreign file, or one of nodes that are all gone, costs no peer and is replaced."""
    rng = random.Random(2)
    dead = contact(rng)
    now_s = int(time.time())
    raw = encode_nodes({dead: now_s} | {contact(rng): now_s for _ in range(300)}, [dht.bootstrap])
    workspace.nodes_path.parent.mkdir(parents=True)
    workspace.nodes_path.write_bytes(raw if content == "dead" else b"nonsense")
    job = crawl(workspace, dht, sorted(swarms))
    assert figures(job)["peers"] == sum(map(len, swarms.values()))
    assert dht.counters().to_bootstrap > 0
    kept = decode_nodes(workspace.nodes_path.read_bytes(), [dht.bootstrap])
    assert dead not in kept
    assert len(kept) > 100


def contact(rng: random.Random) -> bytes:
    """Of a node of 127.0.0.0/16, where the lab's DHT has only its entry."""
    return rng.randbytes(20) + b"\x7f\x00\x09" + rng.randbytes(1) + b"\x1a\xe1"
