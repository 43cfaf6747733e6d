"""Family: what differs between the two DHTs, that of IPv4 and that of IPv6. Pure values.

BEP 32 makes them two separate networks with the same protocol: contacts and peers are wider, come
under other keys, and one voter is one address in the one and one /64 in the other. Everything that
handles packed bytes takes its widths from here; nothing else need know which network it is in.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Final

ID_BYTES: Final = 20
_PORT_BYTES: Final = 2

# What a socket calls an address: host and port. IPv6's flow and scope are left out: nobody whose
# address needs them can be met through the DHT.
SocketAddress = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Family:
    """One of the two DHTs. Widths are in bytes; a port is always the last two of a compact form."""

    version: int  # 4 or 6
    socket_family: socket.AddressFamily
    any_address: str  # to bind to every address of this machine
    address_bytes: int
    vote_bytes: int  # of an address: those who share so many leading bytes have one vote together
    nodes_key: bytes  # under which a reply keeps its contacts (BEP 5, BEP 32)
    want: bytes  # BEP 32: how a query asks for contacts of this family
    mapping: bytes  # put before an address it gives the 16 bytes of a sighting (RFC 4291, 2.5.5.2)

    @property
    def name(self) -> str:
        """As people write it: `IPv4` or `IPv6`."""
        return f"IPv{self.version}"

    @property
    def peer_bytes(self) -> int:
        """A compact peer: address and port; 6 or 18."""
        return self.address_bytes + _PORT_BYTES

    @property
    def contact_bytes(self) -> int:
        """A compact node: id, address and port; 26 or 38."""
        return ID_BYTES + self.peer_bytes

    def to_compact(self, address: SocketAddress) -> bytes:
        """What `recvfrom` gives, a numeric host and a port, to a compact peer."""
        return socket.inet_pton(self.socket_family, address[0]) + address[1].to_bytes(_PORT_BYTES)

    def to_socket_address(self, compact: bytes) -> SocketAddress:
        """A compact peer to what `sendto` takes."""
        packed = compact[: self.address_bytes]
        port = int.from_bytes(compact[self.address_bytes :])
        return socket.inet_ntop(self.socket_family, packed), port


IPV4: Final = Family(
    version=4,
    socket_family=socket.AF_INET,
    any_address="0.0.0.0",  # noqa: S104 - a bind to one would cut off loopback or the internet
    address_bytes=4,
    vote_bytes=4,
    nodes_key=b"nodes",
    want=b"n4",
    mapping=b"\x00" * 10 + b"\xff\xff",
)

IPV6: Final = Family(
    version=6,
    socket_family=socket.AF_INET6,
    any_address="::",
    address_bytes=16,
    vote_bytes=8,  # a customer gets at least a /64: its addresses are free to choose
    nodes_key=b"nodes6",
    want=b"n6",
    mapping=b"",
)

FAMILIES = (IPV4, IPV6)


def family_of(compact_peer: bytes) -> Family:
    """The family of a compact peer, told by its width.

    Raises:
        ValueError: it has neither 6 nor 18 bytes.
    """
    for family in FAMILIES:
        if len(compact_peer) == family.peer_bytes:
            return family
    raise ValueError(f"a compact peer has 6 or 18 bytes, not {len(compact_peer)}")
