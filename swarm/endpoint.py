"""Endpoint: an address and a port; compact forms (BEP 5, BEP 32) and the 16-byte column form."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Self

from swarm.errors import MalformedMessage

_V4_PREFIX = b"\x00" * 10 + b"\xff\xff"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a peer or a DHT node listens. The port is 1 to 65535."""

    address: IPv4Address | IPv6Address
    port: int

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"a port is 1 to 65535, got {self.port}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `1.2.3.4:6881` or `[::1]:6881`; names are not resolved.

        Raises:
            ValueError: the text is no address and port.
        """
        host, colon, port = text.rpartition(":")
        if not colon or not port.isdecimal():
            raise ValueError(f"expected ADDRESS:PORT, got {text!r}")
        return cls(ip_address(host.removeprefix("[").removesuffix("]")), int(port))

    def __str__(self) -> str:
        if isinstance(self.address, IPv6Address):
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"


def compact_to_endpoint(raw: bytes) -> Endpoint:
    """Read a compact peer: 6 bytes IPv4 (BEP 5) or 18 bytes IPv6 (BEP 32), port big-endian.

    Raises:
        MalformedMessage: the length is neither 6 nor 18, or the port is 0.
    """
    if len(raw) not in (6, 18):
        raise MalformedMessage(f"compact peer needs 6 or 18 bytes, got {len(raw)}")
    port = int.from_bytes(raw[-2:])
    if port == 0:
        raise MalformedMessage("compact peer has port 0")
    host = raw[:-2]
    return Endpoint(IPv4Address(host) if len(host) == 4 else IPv6Address(host), port)


def endpoint_to_compact(endpoint: Endpoint) -> bytes:
    """The inverse of `compact_to_endpoint`: 6 or 18 bytes."""
    return endpoint.address.packed + endpoint.port.to_bytes(2)


def address_to_packed16(address: IPv4Address | IPv6Address) -> bytes:
    """16 bytes for either family: IPv4 as `::ffff:a.b.c.d` (RFC 4291, 2.5.5.2)."""
    return address.packed if address.version == 6 else _V4_PREFIX + address.packed


def packed16_to_address(raw: bytes) -> IPv4Address | IPv6Address:
    """The inverse of `address_to_packed16`; 16 bytes in.

    Raises:
        ValueError: the length is not 16.
    """
    if len(raw) != 16:
        raise ValueError(f"a packed address has 16 bytes, got {len(raw)}")
    return IPv4Address(raw[12:]) if raw[:12] == _V4_PREFIX else IPv6Address(raw)
