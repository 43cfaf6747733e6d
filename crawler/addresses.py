"""Which addresses can be a peer or a node at all.

Works on packed bytes, never on address objects: every peer and contact of every reply passes here.
The lists are IANA's registries of special-purpose addresses, IPv4 and IPv6 (RFC 6890 and its
updates); in IPv6 all beyond 2000::/3 is bogus too, since nothing there has been given out.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Network, ip_network
from socket import AF_INET6, inet_ntop
from typing import Final

from crawler.family import ID_BYTES, IPV4, Family, SocketAddress
from crawler.optout import Network

_CONTACT_BYTES: Final = 26  # of IPv4
_OCTET_BITS: Final = 8
_OCTETS: Final = [str(octet) for octet in range(256)]

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

_NEVER6 = (
    "::/128",  # unspecified
    "::ffff:0:0/96",  # IPv4 in disguise: its peers are the other DHT's
    "fe80::/10",  # link-local: no address without its interface
    "ff00::/8",  # multicast
)

_LOCAL6 = (
    "::/3",  # loopback, translation, discard, and nobody's
    "4000::/2",  # nobody's
    "8000::/1",  # nobody's; unique local addresses
    # Protocol assignments, 2001::/23, but Teredo's part of it, where peers may be
    *map(str, IPv6Network("2001::/23").address_exclude(IPv6Network("2001::/32"))),
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation
)

_LISTS = {4: (_NEVER, _LOCAL), 6: (_NEVER6, _LOCAL6)}


def socket_address_of(contact: bytes) -> SocketAddress:
    """Where to send what a compact node, 26 bytes or 38 of IPv6, is to get."""
    port = contact[-2] << 8 | contact[-1]
    if len(contact) == _CONTACT_BYTES:  # what inet_ntoa does, in a third of the time
        octets = _OCTETS
        first, second = octets[contact[20]], octets[contact[21]]
        return f"{first}.{second}.{octets[contact[22]]}.{octets[contact[23]]}", port
    return inet_ntop(AF_INET6, contact[ID_BYTES:-2]), port


class BogonFilter:
    """Tells addresses where no peer and no node can be, of one family; and port 0."""

    def __init__(
        self, *, allow_local: bool, shunned: Iterable[Network] = (), family: Family = IPV4
    ) -> None:
        """`allow_local` lets loopback, private and documentation addresses count as real.

        `shunned` networks count as bogus too; those of the other family do not matter.
        """
        never, local = _LISTS[family.version]
        networks = [ip_network(text) for text in (never if allow_local else never + local)]
        networks += [network for network in shunned if network.version == family.version]
        # By first octet, so that nearly every address is judged by one look into a dictionary;
        # an empty list stands for all addresses that begin so.
        self._by_octet: dict[int, list[tuple[int, int]]] = {}
        shift = 8 * (family.address_bytes - 1)
        for network in sorted(networks, key=lambda one: one.prefixlen, reverse=True):
            mask = int(network.netmask)
            base = int(network.network_address)
            for octet in range(base >> shift, (int(network.broadcast_address) >> shift) + 1):
                if network.prefixlen > _OCTET_BITS:
                    self._by_octet.setdefault(octet, []).append((mask, base))
                else:
                    self._by_octet[octet] = []  # the widest come last

    def is_bogus(self, compact: bytes) -> bool:
        """Whether an address and port, 6 bytes or 18, can be nobody's."""
        if not compact[-1] and not compact[-2]:
            return True
        networks = self._by_octet.get(compact[0])
        if networks is None:
            return False
        if not networks:
            return True
        address = int.from_bytes(compact[:-2])
        for mask, base in networks:  # noqa: SIM110 - `any` costs more than the whole rest
            if address & mask == base:
                return True
        return False
