"""The simulated DHT on its socket: many nodes behind one port, in a process of its own."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crawler import krpc
from lab.dht import SimulatedDht
from lab.nodes import Population
from swarm.errors import WorldError

NODES = 500
KEY = bytes(range(20))
PEERS = [bytes([127, 9, 9, n]) + b"\x1b\x58" for n in range(1, 31)]
DEADLINE_S = 20.0


@pytest.fixture(scope="module")
def dht() -> Iterator[SimulatedDht]:
    with SimulatedDht(seed=1, nodes=NODES) as running:
        running.plant({KEY: PEERS})
        yield running


@pytest.fixture
def asker() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.44.0.1", 0))
        sock.settimeout(DEADLINE_S)
        yield sock


def ask(
    sock: socket.socket, to: tuple[str, int], query: bytes
) -> tuple[krpc.Message, tuple[str, int]]:
    sock.sendto(query, to)
    datagram, source = sock.recvfrom(4096)
    return krpc.decode(datagram), source


def announce(sock: socket.socket, to: tuple[str, int], token: bytes, port: int) -> None:
    """Written out here because the project has no code that announces."""
    query = (
        b"d1:ad2:id20:%b9:info_hash20:%b4:porti%de5:token%d:%be1:q13:announce_peer1:t2:an1:y1:qe"
    )
    reply, _ = ask(sock, to, query % (bytes(20), KEY, port, len(token), token))
    assert isinstance(reply, krpc.Reply)


def wait_for_end(pid: int) -> None:
    """Until the process is no more; fails at the deadline."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], DEADLINE_S)[0], f"process {pid} lives on"
    finally:
        os.close(process)


def test_each_node_answers_from_its_own_address(dht: SimulatedDht, asker: socket.socket) -> None:
    """The asked 127.x.y.z is the source of the answer, and its id is that node's."""
    nodes = Population(seed=1, live=NODES, dead_share=0.2, port=dht.port)
    for node in nodes.holders(KEY):
        to = (socket.inet_ntoa(nodes.address(node).to_bytes(4)), dht.port)
        reply, source = ask(asker, to, krpc.encode_get_peers(b"gp", bytes(20), KEY))
        assert source == to
        assert isinstance(reply, krpc.Reply)
        assert reply.sender_id == nodes.node_id(node)
        assert set(reply.values) == set(PEERS)


def test_planted_peers_stand_at_eight_nodes(dht: SimulatedDht) -> None:
    """The eight closest live nodes hold what was planted."""
    assert {peer: dht.holders(KEY)[peer] for peer in PEERS} == dict.fromkeys(PEERS, 8)
    assert dht.holders(bytes(20)) == {}


def test_an_awaited_announcement_ends_the_wait(dht: SimulatedDht, asker: socket.socket) -> None:
    """wait_for returns when the announcement has come, and names what has not by the deadline."""
    to = ("127.0.0.1", dht.port)
    reply, _ = ask(asker, to, krpc.encode_get_peers(b"gp", bytes(20), KEY))
    assert isinstance(reply, krpc.Reply)
    assert reply.token is not None
    announce(asker, to, reply.token, 7001)
    here = (KEY, bytes([127, 44, 0, 1]) + (7001).to_bytes(2))
    absent = (KEY, bytes([127, 44, 0, 1]) + (7002).to_bytes(2))
    assert dht.wait_for([here], holders=1, deadline_s=DEADLINE_S) == frozenset()
    assert dht.wait_for([here, absent], holders=1, deadline_s=0.05) == {absent}
    assert dht.counters().announces == 1


def test_counters_tell_kinds_and_askers(dht: SimulatedDht, asker: socket.socket) -> None:
    """Queries are counted by method and by who asked."""
    before = dht.counters()
    ask(asker, ("127.0.0.1", dht.port), krpc.encode_ping(b"pi", bytes(20)))
    after = dht.counters()
    name = "{}:{}".format(*asker.getsockname())
    assert after.queries["ping"] == before.queries.get("ping", 0) + 1
    assert after.sources[name] == before.sources.get(name, 0) + 1


def test_two_dhts_do_not_meet(dht: SimulatedDht, asker: socket.socket) -> None:
    """A second one of the same seed has another port and knows nothing of the first's peers."""
    with SimulatedDht(seed=1, nodes=NODES) as other:
        assert other.port != dht.port
        query = krpc.encode_get_peers(b"gp", bytes(20), KEY)
        reply, _ = ask(asker, ("127.0.0.1", other.port), query)
        assert isinstance(reply, krpc.Reply)
        assert reply.values == ()


def test_stopping_ends_the_process() -> None:
    """After stop() nothing answers, no process is left, and asking says so."""
    dht = SimulatedDht(seed=1, nodes=NODES)
    dht.start()
    pid = dht.pid
    assert pid is not None
    dht.stop()
    dht.stop()
    wait_for_end(pid)
    with pytest.raises(WorldError, match="not running"):
        dht.counters()


def test_impossible_plans_are_refused_with_a_sentence() -> None:
    """What the process cannot build is an error of start(), not a hang."""
    with pytest.raises(WorldError, match="nodes"):
        SimulatedDht(seed=1, nodes=3).start()


def test_killing_the_parent_ends_the_nodes(tmp_path: Path) -> None:
    """kill -9 of whoever started it leaves no process behind."""
    script = tmp_path / "parent.py"
    script.write_text(
        "import sys\n"
        "from lab.dht import SimulatedDht\n"
        "if __name__ == '__main__':\n"
        "    dht = SimulatedDht(seed=1, nodes=100)\n"
        "    dht.start()\n"
        "    print(dht.pid, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(root)},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    wait_for_end(pid)
