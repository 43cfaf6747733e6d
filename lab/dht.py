"""A simulated DHT of thousands to a million nodes on loopback: the handle of its process.

The nodes stand in a process of their own (`lab.dht_process`), so that neither the crawl nor the
lab's real clients take time from each other's interpreter.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Network
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from lab.dht_commands import (
    Age,
    Announcement,
    Await,
    Plan,
    Plant,
    Stop,
    Surround,
    TellAsked,
    TellCounters,
    TellHolders,
    Watch,
)
from lab.dht_process import run
from lab.responder import Counters
from lab.traits import DhtTraits
from swarm.errors import WorldError

DEFAULT_DEAD_SHARE = 0.2
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 5.0
_PLANT_DEADLINE_S = 60.0
_PLANTED_AT_ONCE = 2000  # keys; between two such lots the nodes answer who asks


class SimulatedDht:
    """A running simulated DHT. Use it as a context manager, or `start()` and `stop()` it.

    The same seed gives the same nodes (ids, addresses, tables); the port is the system's choice.
    Of the addresses in its tables `dead_share` are dead; where it `is_fresh`, only after `age()`.
    `traits` are its faults. Where it is `ipv6` (BEP 32), all nodes are at ::1, each with a socket
    of its own: some thousands are possible, whose only faults are loss and delay, and peers have
    18 bytes instead of 6. It ends with the process that started it, however that ends.
    """

    def __init__(
        self,
        *,
        seed: int,
        nodes: int = 2000,
        dead_share: float = DEFAULT_DEAD_SHARE,
        is_fresh: bool = False,
        traits: DhtTraits = DhtTraits(),  # noqa: B008 - frozen
        ipv6: bool = False,
    ) -> None:
        if not sys.platform.startswith("linux"):
            raise WorldError(
                "the lab needs Linux: only there is all of 127.0.0.0/8 on the loopback interface"
            )
        self._plan = Plan(seed, nodes, dead_share, is_fresh, traits, ipv6)
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._control: Connection | None = None
        self.port = 0

    @property
    def bootstrap(self) -> str:
        """The entry for newcomers, HOST:PORT."""
        return f"[::1]:{self.port}" if self._plan.is_ipv6 else f"127.0.0.1:{self.port}"

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
            target=run, args=(self._plan, theirs), name="simulated-dht", daemon=True
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
                control.send(Stop())
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

    def plant(
        self,
        peers_by_key: Mapping[bytes, Sequence[bytes]],
        *,
        seeds_by_key: Mapping[bytes, int] | None = None,
    ) -> None:
        """Put announcements at the eight live nodes closest to each 20-byte key.

        They stay for good and stand for no client: 6-byte compact peers. The first so many of a
        key's peers as `seeds_by_key` says announced as seeders (BEP 33).
        """
        keys, seeds = list(peers_by_key), seeds_by_key or {}
        for at in range(0, len(keys), _PLANTED_AT_ONCE):
            lot = keys[at : at + _PLANTED_AT_ONCE]
            peers = {key: tuple(peers_by_key[key]) for key in lot}
            counts = {key: seeds[key] for key in lot if key in seeds}
            self._ask(Plant(peers, counts), _PLANT_DEADLINE_S)

    def sybils(self, sybils_by_key: Mapping[bytes, int]) -> None:
        """Surround each key by so many names of one hostile host, which invents peers."""
        self._ask(Surround(dict(sybils_by_key)))

    def watch(self, network: IPv4Network) -> None:
        """From now on `Counters.to_watched` counts, from 0, what comes to addresses of it."""
        first, last = network.network_address, network.broadcast_address
        self._ask(Watch(range(int(first), int(last) + 1)))

    def age(self) -> None:
        """From now on tables show their dead contacts."""
        self._ask(Age())

    def counters(self) -> Counters:
        """What has come in so far."""
        counters = self._ask(TellCounters())
        assert isinstance(counters, Counters)
        return counters

    def asked(self) -> dict[bytes, int]:
        """How many get_peers have come for each key of which any node holds anything."""
        return dict(self._ask(TellAsked()))

    def holders(self, key: bytes) -> dict[bytes, int]:
        """Every peer that is announced for the key, and at how many nodes it stands."""
        return dict(self._ask(TellHolders(key)))

    def wait_for(
        self, announcements: Collection[Announcement], *, holders: int, deadline_s: float
    ) -> frozenset[Announcement]:
        """Wait until each announcement stands at so many nodes; return those that do not.

        The answer comes at once when the last one arrives, and after `deadline_s` at the latest.
        """
        wanted = frozenset(announcements)
        missing = self._ask(Await(wanted, holders, deadline_s), deadline_s + _STOP_DEADLINE_S)
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
