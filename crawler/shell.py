"""Shell: gives the engine a socket and a clock. Moves bytes, decides nothing.

A raw non-blocking UDP socket and poll: one datagram costs one system call and no event loop. While
answers come in, the socket is left alone for a millisecond at a time: to be woken for each datagram
costs a third of what the datagram itself does.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from collections.abc import Callable, Iterable
from math import ceil
from typing import Final

from crawler.engine import Datagram, Engine
from crawler.family import IPV4, IPV6, Family, SocketAddress
from crawler.krpc import MAX_DATAGRAM_BYTES

_LOG: Final = logging.getLogger(__name__)

_RECEIVE_BATCH: Final = 128  # datagrams taken in before it is the sender's turn again
_BUFFER_BYTES: Final = 8 << 20
_PAUSE_S: Final = 0.001  # a round-trip time is some tens of these
_TICK_S: Final = 0.1  # how often the watcher is called
_SO_RCVBUFFORCE: Final = 33  # Linux: beyond the system's limit, where the process may


def open_socket(family: Family = IPV4) -> socket.socket:
    """A non-blocking UDP socket on a port of the system's choice, with roomy buffers."""
    udp = socket.socket(family.socket_family, socket.SOCK_DGRAM)
    if family == IPV6:
        udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
    # Every address: a bind to one would cut off either loopback or the internet.
    udp.bind((family.any_address, 0))
    udp.setblocking(False)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    try:
        udp.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
    except OSError:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    return udp


def drive(
    engine: Engine, udp: socket.socket, *, deadline: float, watch: Callable[[float], bool]
) -> None:
    """Run the engine until it is done, unreachable, or the monotonic deadline has come.

    `watch(now)` is called about ten times a second; when it returns False the run ends at once.
    """
    poll = select.poll()
    poll.register(udp, select.POLLIN)
    next_tick = 0.0
    while not engine.done:
        now = time.monotonic()
        if engine.unreachable(now):
            return
        if now >= deadline:
            engine.stop()
        if now >= next_tick:
            next_tick = now + _TICK_S
            if not watch(now):
                return
        received = _receive(engine, udp, now)
        _send(udp, engine.due(now))
        wake_at = min(engine.next_wakeup(now), next_tick, deadline)
        if 0 < received < _RECEIVE_BATCH and wake_at > now:
            time.sleep(_PAUSE_S)
        elif received < _RECEIVE_BATCH:
            poll.poll(max(0, ceil((wake_at - now) * 1000)))


def _receive(engine: Engine, udp: socket.socket, now: float) -> int:
    for count in range(_RECEIVE_BATCH):
        try:
            datagram, source = udp.recvfrom(MAX_DATAGRAM_BYTES + 1)
        except BlockingIOError:
            return count
        engine.receive(datagram, source[:2], now)  # IPv6 has two more fields
    return _RECEIVE_BATCH


def _send(udp: socket.socket, datagrams: Iterable[Datagram]) -> None:
    for datagram, address in datagrams:
        try:
            udp.sendto(datagram, address)
        except BlockingIOError:
            select.select([], [udp], [], _TICK_S)
            _send_or_lose(udp, datagram, address)
        except OSError as error:  # no route, or a firewall of this machine: the node stays silent
            _LOG.debug("not sent: to=%s reason=%s", address, error)


def _send_or_lose(udp: socket.socket, datagram: bytes, address: SocketAddress) -> None:
    try:
        udp.sendto(datagram, address)
    except OSError as error:
        _LOG.debug("not sent: to=%s reason=%s", address, error)
