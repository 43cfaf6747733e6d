"""Which addresses can be a peer or a node at all, and how a compact address becomes a socket's.

Works on packed bytes, never on address objects: every peer and contact of every reply passes here.
The list is IANA's registry of special-purpose IPv4 addresses (RFC 6890 and its updates).
IPv4 for now: IPv6 gets a table of its own beside this one, the callers only know `is_bogus`.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network
from socket import inet_aton, inet_ntoa

# What a socket calls an address: host and port.
SocketAddress = tuple[str, int]

# Nobody can listen there, in no world.
_NEVER = ("0.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4")

# Not on the internet, but the lab and private networks live there.
_LOCAL = (
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT
    "127.0.0.0/8",
    "169.254.0.0/16",  # link-local
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays, withdrawn
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
)


class BogonFilter:
    """Tells addresses where no peer and no node can be (RFC 6890), and port 0."""

    def __init__(self, *, allow_local: bool, shunned: Iterable[IPv4Network] = ()) -> None:
        """`allow_local` lets loopback, private and documentation addresses count as real.

        `shunned` networks count as bogus too.
        """
        networks = [IPv4Network(text) for text in (_NEVER if allow_local else _NEVER + _LOCAL)]
        networks += shunned
        # By first octet, so that nearly every address is judged by one look into a dictionary.
        self._by_octet: dict[int, list[tuple[int, int]]] = {}
        for network in networks:
            mask = int(network.netmask)
            base = int(network.network_address)
            for octet in range(base >> 24, (int(network.broadcast_address) >> 24) + 1):
                self._by_octet.setdefault(octet, []).append((mask, base))

    def is_bogus(self, compact: bytes) -> bool:
        """Whether a 6-byte address and port can be nobody's."""
        if compact[4:] == b"\x00\x00":
            return True
        networks = self._by_octet.get(compact[0])
        if networks is None:
            return False
        address = int.from_bytes(compact[:4])
        return any(address & mask == base for mask, base in networks)


def compact_to_socket_address(compact: bytes) -> SocketAddress:
    """6 bytes to what `sendto` takes."""
    return inet_ntoa(compact[:4]), int.from_bytes(compact[4:])


def socket_address_to_compact(address: SocketAddress) -> bytes:
    """What `recvfrom` gives, a dotted address and a port, to 6 bytes."""
    return inet_aton(address[0]) + address[1].to_bytes(2)
