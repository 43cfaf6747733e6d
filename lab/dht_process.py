"""The process of the simulated DHT: its loop of datagrams and commands.

What the nodes say is decided elsewhere (`lab.responder`), and by which sockets it goes too
(`lab.wires`). Datagrams from other addresses than loopback get no answer.
"""

from __future__ import annotations

import multiprocessing.process
import random
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

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
from lab.holdings import Holdings
from lab.impairments import Impairments
from lab.meter import Meter
from lab.misconduct import Misconduct, Sybils
from lab.nodes import Population, Population6, node_count
from lab.responder import Responder
from lab.wheel import TICK_S, Wheel
from lab.wires import Wire, Wire4, Wire6
from swarm.errors import WorldError


def run(plan: Plan, control: Connection) -> None:
    """The process of the nodes, from bind to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us too: the parent stops us
    try:
        wire, population = _build(plan)
        population.shows_dead = not plan.is_fresh
        server = _Server(plan, population, wire, control)
    except (OSError, WorldError) as error:
        control.send(f"the lab's DHT cannot start: {error}")
        return
    with closing(wire), selectors.DefaultSelector() as selector:
        control.send(wire.port)
        server.run(selector)


def _build(plan: Plan) -> tuple[Wire, Population]:
    """The sockets and the nodes behind them."""
    seed, live, dead_share = plan.seed, plan.nodes, plan.dead_share
    if plan.is_ipv6:
        if plan.traits.corrupts_nodes or plan.traits.spoofed_share:
            raise WorldError("nodes of IPv6 lose and delay packets, and have no other faults")
        wire = Wire6(node_count(live, dead_share))
        nodes = Population6(seed=seed, live=live, dead_share=dead_share, ports=wire.ports)
        return wire, nodes
    wire4 = Wire4()
    return wire4, Population(seed=seed, live=live, dead_share=dead_share, port=wire4.port)


_Outgoing = tuple[bytes, int, tuple[str, int]]  # datagram, from which address, to whom


class _Server:
    """The loop of the process: datagrams, commands, the parent's end."""

    def __init__(self, plan: Plan, population: Population, wire: Wire, control: Connection) -> None:
        self._population = population
        self._wire = wire
        self._control = control
        traits = plan.traits
        self._holdings = Holdings(
            random.Random(f"{plan.seed}/samples"), holder_misses=traits.holder_misses
        )
        self._sybils = Sybils(population, seed=plan.seed, port=wire.port)
        self._impairments: Impairments | None = None
        if traits.impairs_packets:
            self._impairments = Impairments(traits, seed=plan.seed)
        self._wheel: Wheel[_Outgoing] = Wheel(time.monotonic())
        self._meter = Meter()
        self._responder = Responder(
            population,
            self._holdings,
            secret=random.Random(f"{plan.seed}/tokens").randbytes(16),
            on_announce=self._on_announce,
            misconduct=(
                Misconduct(traits, population, seed=plan.seed) if traits.corrupts_nodes else None
            ),
            sybils=self._sybils,
        )
        self._watched = range(0)
        self._to_watched = 0
        self._missing: set[Announcement] = set()
        self._needed_holders = 0
        self._await_until: float | None = None
        self._handlers: dict[type, Callable[[Any], None]] = {
            Plant: self._plant,
            Surround: self._surround,
            Age: self._age,
            Watch: self._watch,
            TellCounters: self._tell_counters,
            TellAsked: self._tell_asked,
            TellHolders: self._tell_holders,
            Await: self._await,
        }

    def run(self, selector: selectors.BaseSelector) -> None:
        """Serve until the parent says stop, closes the connection, or is no more."""
        parent = multiprocessing.process.parent_process()
        wires = set(self._wire.sockets)
        for sock in wires:
            selector.register(sock, selectors.EVENT_READ)
        selector.register(self._control, selectors.EVENT_READ)
        if parent is not None:
            # Not PR_SET_PDEATHSIG: that fires when the *thread* that started us ends.
            selector.register(parent.sentinel, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select(self._patience_s())}
            for sock in wires & ready:
                self._drain(sock)
            ready -= wires
            if self._control in ready:
                if not self._obey():
                    return
                ready.discard(self._control)
            if ready:
                return
            if self._await_until is not None and time.monotonic() >= self._await_until:
                self._report_missing()
            if self._wheel.waiting:
                for outgoing in self._wheel.due(time.monotonic()):
                    self._wire.send(*outgoing)

    def _patience_s(self) -> float | None:
        if self._wheel.waiting:
            return TICK_S
        if self._await_until is None:
            return None
        return max(0.0, self._await_until - time.monotonic())

    def _drain(self, sock: socket.socket) -> None:
        """Take in what lies in a socket, up to a batch."""
        answer, now = self._responder.answer, time.monotonic()
        note, impairments, send = self._meter.note, self._impairments, self._wire.send
        watched = self._watched
        for datagram, source, addressed, at_s in self._wire.arrivals(sock):
            note(addressed, at_s)
            if addressed in watched:
                self._to_watched += 1
            reply = answer(datagram, source, addressed, now)
            if reply is None:
                continue
            if impairments is None:
                send(reply, addressed, source)
                continue
            for delay_s, origin, arriving in impairments.deliveries(reply, addressed):
                self._wheel.add((arriving, origin, source), now + delay_s)

    def _obey(self) -> bool:
        """Carry out one command; False where the parent wants no more."""
        try:
            command = self._control.recv()
        except (EOFError, OSError):
            return False
        if isinstance(command, Stop):
            return False
        self._handlers[type(command)](command)
        return True

    def _plant(self, command: Plant) -> None:
        for key, peers in command.peers_by_key.items():
            holders = self._population.holders(key)
            self._holdings.plant(key, holders, peers, seeds=command.seeds_by_key.get(key, 0))
        self._control.send(None)

    def _surround(self, command: Surround) -> None:
        for key, count in command.sybils_by_key.items():
            self._sybils.add(key, count)
        self._control.send(None)

    def _age(self, _command: Age) -> None:
        self._population.shows_dead = True
        self._control.send(None)

    def _watch(self, command: Watch) -> None:
        self._watched, self._to_watched = command.addresses, 0
        self._control.send(None)

    def _tell_counters(self, _command: TellCounters) -> None:
        counters = replace(
            self._responder.counters,
            busiest_second=self._meter.busiest_second,
            address_burst=self._meter.address_burst,
            to_watched=self._to_watched,
            cpu_s=time.process_time(),
        )
        self._control.send(counters)

    def _tell_asked(self, _command: TellAsked) -> None:
        self._control.send(self._holdings.asked())

    def _tell_holders(self, command: TellHolders) -> None:
        self._control.send(self._holdings.holders_of(command.key, time.monotonic()))

    def _await(self, command: Await) -> None:
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
