"""The sockets behind which all simulated nodes stand. They move bytes, and decide nothing.

IPv4: one socket for a million nodes. It is bound to 0.0.0.0, reads from IP_PKTINFO to which
127.x.y.z a datagram was sent, and answers from that very address.
IPv6 has a single loopback address, so there each node has a socket, and with it a port, of its own.
Both give with each datagram the kernel's time of its arrival.
"""

from __future__ import annotations

import resource
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Protocol

from swarm.errors import WorldError

Arrival = tuple[bytes, tuple[str, int], int, float]
"""A datagram, who sent it, the address that it was sent to (a number), and when (Unix time)."""

_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # Linux; named in Python only since 3.14
_SO_TIMESTAMPNS = 35  # Linux: the kernel's time of arrival with each datagram
_TIMESPEC = struct.Struct("@qq")  # seconds and nanoseconds since the Unix epoch
_PKTINFO_BYTES = 12  # struct in_pktinfo: interface, answering address, addressed address
_READ_BYTES = 4097  # one more than a KRPC message may have, so that longer ones show
_BUFFER_BYTES = 4_000_000
_BATCH = 256  # datagrams between two looks at the control connection
_SPARE_DESCRIPTORS = 64


class Wire(Protocol):
    """What the process of the nodes needs to know of its sockets."""

    @property
    def sockets(self) -> Sequence[socket.socket]:
        """All of them, for a selector."""

    @property
    def port(self) -> int:
        """That of the entry for newcomers."""

    def arrivals(self, sock: socket.socket) -> Iterator[Arrival]:
        """What lies in a socket, up to a batch."""

    def send(self, datagram: bytes, origin: int, to: tuple[str, int]) -> None:
        """Send from a node's address; a full buffer loses it, as a network would."""

    def close(self) -> None:
        """Give the sockets back."""


class Wire4:
    """All of 127.0.0.0/8 behind one socket. An address is the number of an IPv4 address."""

    def __init__(self) -> None:
        self._sock = _bind(socket.AF_INET, "0.0.0.0", _BUFFER_BYTES)  # noqa: S104
        # All of 127.0.0.0/8 at once is only to be had by binding to every address; what comes from
        # elsewhere is dropped unanswered.
        self._sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        self.sockets = (self._sock,)
        self.port: int = self._sock.getsockname()[1]

    def arrivals(self, sock: socket.socket) -> Iterator[Arrival]:
        """What lies in the socket, up to a batch."""
        space = socket.CMSG_SPACE(_PKTINFO_BYTES) + socket.CMSG_SPACE(_TIMESPEC.size)
        for _ in range(_BATCH):
            try:
                datagram, control, _flags, source = sock.recvmsg(_READ_BYTES, space)
            except BlockingIOError:
                return
            # The kernel writes the time first, then IP_PKTINFO.
            seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
            addressed = int.from_bytes(control[-1][2][8:12])
            yield datagram, source, addressed, seconds + nanoseconds * 1e-9

    def send(self, datagram: bytes, origin: int, to: tuple[str, int]) -> None:
        """Send from a node's address."""
        pktinfo = b"\0\0\0\0" + origin.to_bytes(4) + b"\0\0\0\0"
        with suppress(BlockingIOError):
            self._sock.sendmsg([datagram], [(socket.IPPROTO_IP, _IP_PKTINFO, pktinfo)], 0, to)

    def close(self) -> None:
        """Give the socket back."""
        self._sock.close()


class Wire6:
    """One socket at ::1 for each node. An address is the number of the node, and of its socket."""

    def __init__(self, nodes: int) -> None:
        """For so many nodes and the entry for newcomers, which comes last.

        Raises:
            WorldError: this machine has no IPv6, or a process may not have so many files open.
        """
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if most != resource.RLIM_INFINITY and nodes + _SPARE_DESCRIPTORS > most:
            raise WorldError(
                f"{nodes:,} nodes of IPv6 need as many open files, and {most:,} are allowed: "
                "have fewer nodes, or raise `ulimit -Hn`"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        with ExitStack() as stack:
            try:
                self.sockets = tuple(
                    stack.enter_context(_bind(socket.AF_INET6, "::1")) for _ in range(nodes + 1)
                )
            except OSError as error:
                raise WorldError(f"the lab needs ::1 for its DHT of IPv6: {error}") from error
            stack.pop_all()
        self.ports: list[int] = [sock.getsockname()[1] for sock in self.sockets]
        self.port = self.ports[-1]
        self._number = {sock: number for number, sock in enumerate(self.sockets)}

    def arrivals(self, sock: socket.socket) -> Iterator[Arrival]:
        """What lies in a socket, up to a batch."""
        number, space = self._number[sock], socket.CMSG_SPACE(_TIMESPEC.size)
        for _ in range(_BATCH):
            try:
                datagram, control, _flags, source = sock.recvmsg(_READ_BYTES, space)
            except BlockingIOError:
                return
            seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
            yield datagram, source[:2], number, seconds + nanoseconds * 1e-9

    def send(self, datagram: bytes, origin: int, to: tuple[str, int]) -> None:
        """Send from a node's socket."""
        with suppress(BlockingIOError):
            self.sockets[origin].sendto(datagram, to)

    def close(self) -> None:
        """Give the sockets back."""
        for sock in self.sockets:
            sock.close()


def _bind(family: int, host: str, buffer_bytes: int | None = None) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    if buffer_bytes is not None:
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, buffer_bytes)
    sock.setblocking(False)
    sock.bind((host, 0))
    return sock
