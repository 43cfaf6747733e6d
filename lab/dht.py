"""A simulated DHT of thousands to a million nodes on 127.0.0.0/8, behind one UDP socket.

The socket is bound to 0.0.0.0, reads from IP_PKTINFO to which 127.x.y.z a datagram was sent, and
answers from that very address: one file descriptor plays every node. It stands in a process of its
own, so that neither the crawl nor the lab's real clients take time from each other's interpreter.
What the nodes say is decided elsewhere (`lab.responder`); this module moves bytes.

Datagrams from outside 127.0.0.0/8 get no answer.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import random
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from lab.holdings import Holdings
from lab.nodes import Population
from lab.responder import Counters, Responder
from swarm.errors import WorldError

DEFAULT_DEAD_SHARE = 0.2

_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # Linux; named in Python only since 3.14
_PKTINFO_BYTES = 12  # struct in_pktinfo: interface, answering address, addressed address
_READ_BYTES = 4097  # one more than a KRPC message may have, so that longer ones show
_BUFFER_BYTES = 4_000_000
_BATCH = 256  # datagrams between two looks at the control connection
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 5.0

Announcement = tuple[bytes, bytes]
"""A 20-byte key of the DHT and a 6-byte compact peer."""


@dataclass(frozen=True, slots=True)
class _Plan:
    seed: int
    nodes: int
    dead_share: float


@dataclass(frozen=True, slots=True)
class _Plant:
    peers_by_key: Mapping[bytes, Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class _TellCounters:
    pass


@dataclass(frozen=True, slots=True)
class _TellHolders:
    key: bytes


@dataclass(frozen=True, slots=True)
class _Await:
    announcements: frozenset[Announcement]
    holders: int
    deadline_s: float


@dataclass(frozen=True, slots=True)
class _Stop:
    pass


class SimulatedDht:
    """A running simulated DHT. Use it as a context manager, or `start()` and `stop()` it.

    The same seed gives the same nodes (ids, addresses, tables); the port is the system's choice.
    It ends with the process that started it, however that ends.
    """

    def __init__(
        self, *, seed: int, nodes: int = 2000, dead_share: float = DEFAULT_DEAD_SHARE
    ) -> None:
        if not sys.platform.startswith("linux"):
            raise WorldError(
                "the lab needs Linux: only there is all of 127.0.0.0/8 on the loopback interface"
            )
        self._plan = _Plan(seed, nodes, dead_share)
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._control: Connection | None = None
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """The entry for newcomers, HOST:PORT."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process of the nodes, while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Build the nodes and begin to answer.

        Raises:
            WorldError: the nodes do not come up.
        """
        # spawn: a fork of a process with libtorrent's threads would inherit their held locks.
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        self._process = context.Process(
            target=_run, args=(self._plan, theirs), name="simulated-dht", daemon=True
        )
        self._process.start()
        theirs.close()
        self._control = ours
        answer = self._receive(_START_DEADLINE_S)
        if not isinstance(answer, int):
            self.stop()
            raise WorldError(str(answer))
        self.port = answer

    def stop(self) -> None:
        """Stop answering; harmless when it is not running."""
        process, control = self._process, self._control
        self._process = self._control = None
        if control is not None:
            with suppress(OSError):
                control.send(_Stop())
            control.close()
        if process is not None:
            process.join(_STOP_DEADLINE_S)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def plant(self, peers_by_key: Mapping[bytes, Sequence[bytes]]) -> None:
        """Put announcements at the eight live nodes closest to each 20-byte key.

        They stay for good and stand for no client: 6-byte compact peers.
        """
        self._ask(_Plant(dict(peers_by_key)))

    def counters(self) -> Counters:
        """What has come in so far."""
        counters = self._ask(_TellCounters())
        assert isinstance(counters, Counters)  # noqa: S101 - our own process answers
        return counters

    def holders(self, key: bytes) -> dict[bytes, int]:
        """Every peer that is announced for the key, and at how many nodes it stands."""
        return dict(self._ask(_TellHolders(key)))

    def wait_for(
        self, announcements: Collection[Announcement], *, holders: int, deadline_s: float
    ) -> frozenset[Announcement]:
        """Wait until each announcement stands at so many nodes; return those that do not.

        The answer comes at once when the last one arrives, and after `deadline_s` at the latest.
        """
        wanted = frozenset(announcements)
        missing = self._ask(_Await(wanted, holders, deadline_s), deadline_s + _STOP_DEADLINE_S)
        return frozenset(missing)

    def _ask(self, command: object, deadline_s: float = _STOP_DEADLINE_S) -> Any:
        with self._lock:
            if self._control is None:
                raise WorldError("the lab's DHT is not running")
            self._control.send(command)
            return self._receive(deadline_s)

    def _receive(self, deadline_s: float) -> Any:
        control = self._control
        try:
            if control is not None and control.poll(deadline_s):
                return control.recv()
        except (EOFError, OSError) as error:
            raise WorldError("the process of the lab's DHT has ended") from error
        self._control = None  # a late answer must not be taken for that of the next question
        raise WorldError(f"the lab's DHT did not answer within {deadline_s:g} s")


def _run(plan: _Plan, control: Connection) -> None:
    """The process of the nodes, from bind to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too: the parent stops us
    try:
        sock = _bind()
        port = sock.getsockname()[1]
        population = Population(
            seed=plan.seed, live=plan.nodes, dead_share=plan.dead_share, port=port
        )
    except (OSError, WorldError) as error:
        control.send(f"the lab's DHT cannot start: {error}")
        return
    with sock, selectors.DefaultSelector() as selector:
        server = _Server(plan, population, sock, control)
        control.send(port)
        server.run(selector)


def _bind() -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    sock.setblocking(False)
    # All of 127.0.0.0/8 at once is only to be had by binding to every address; what comes from
    # elsewhere is dropped unanswered.
    sock.bind(("0.0.0.0", 0))  # noqa: S104
    return sock


class _Server:
    """The loop of the process: datagrams, commands, the parent's end."""

    def __init__(
        self, plan: _Plan, population: Population, sock: socket.socket, control: Connection
    ) -> None:
        self._population = population
        self._sock = sock
        self._control = control
        self._holdings = Holdings(random.Random(f"{plan.seed}/samples"))
        self._responder = Responder(
            population,
            self._holdings,
            secret=random.Random(f"{plan.seed}/tokens").randbytes(16),
            on_announce=self._on_announce,
        )
        self._missing: set[Announcement] = set()
        self._needed_holders = 0
        self._await_until: float | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            _Plant: self._plant,
            _TellCounters: self._tell_counters,
            _TellHolders: self._tell_holders,
            _Await: self._await,
        }

    def run(self, selector: selectors.BaseSelector) -> None:
        """Serve until the parent says stop, closes the connection, or is no more."""
        parent = multiprocessing.process.parent_process()
        selector.register(self._sock, selectors.EVENT_READ)
        selector.register(self._control, selectors.EVENT_READ)
        if parent is not None:
            # Not PR_SET_PDEATHSIG: that fires when the *thread* that started us ends.
            selector.register(parent.sentinel, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select(self._patience_s())}
            if self._sock in ready:
                self._drain()
                ready.discard(self._sock)
            if self._control in ready:
                if not self._obey():
                    return
                ready.discard(self._control)
            if ready:
                return
            if self._await_until is not None and time.monotonic() >= self._await_until:
                self._report_missing()

    def _patience_s(self) -> float | None:
        if self._await_until is None:
            return None
        return max(0.0, self._await_until - time.monotonic())

    def _drain(self) -> None:
        """Answer what lies in the socket, up to a batch."""
        sock, answer, now = self._sock, self._responder.answer, time.monotonic()
        space = socket.CMSG_SPACE(_PKTINFO_BYTES)
        # A full send buffer loses the answer, as a network would.
        with suppress(BlockingIOError):
            for _ in range(_BATCH):
                datagram, control, _flags, source = sock.recvmsg(_READ_BYTES, space)
                addressed = control[0][2][8:12]
                reply = answer(datagram, source, int.from_bytes(addressed), now)
                if reply is not None:
                    origin = b"\0\0\0\0" + addressed + b"\0\0\0\0"
                    sock.sendmsg([reply], [(socket.IPPROTO_IP, _IP_PKTINFO, origin)], 0, source)

    def _obey(self) -> bool:
        """Carry out one command; False where the parent wants no more."""
        try:
            command = self._control.recv()
        except (EOFError, OSError):
            return False
        if isinstance(command, _Stop):
            return False
        self._handlers[type(command)](command)
        return True

    def _plant(self, command: _Plant) -> None:
        for key, peers in command.peers_by_key.items():
            self._holdings.plant(key, self._population.holders(key), peers)
        self._control.send(None)

    def _tell_counters(self, _command: _TellCounters) -> None:
        self._control.send(self._responder.counters)

    def _tell_holders(self, command: _TellHolders) -> None:
        self._control.send(self._holdings.holders_of(command.key, time.monotonic()))

    def _await(self, command: _Await) -> None:
        self._missing = set(command.announcements)
        self._needed_holders = command.holders
        self._await_until = time.monotonic() + command.deadline_s
        for key in {key for key, _ in self._missing}:
            self._strike_off(key)
        if not self._missing:
            self._report_missing()

    def _on_announce(self, key: bytes, peer: bytes) -> None:
        if (key, peer) in self._missing:
            self._strike_off(key)
            if not self._missing:
                self._report_missing()

    def _strike_off(self, key: bytes) -> None:
        """Forget of the awaited what stands at enough nodes for this key."""
        holders = self._holdings.holders_of(key, time.monotonic())
        self._missing -= {
            (key, peer) for peer, count in holders.items() if count >= self._needed_holders
        }

    def _report_missing(self) -> None:
        if self._await_until is not None:
            self._await_until = None
            self._control.send(frozenset(self._missing))
            self._missing.clear()
