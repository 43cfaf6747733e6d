"""Which peers may be contacted: no bogons, no networks that opted out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from crawler.addresses import BogonFilter
from swarm.endpoint import Endpoint, endpoint_to_compact

# An IPv4 address in another dress (mapped, 6to4, Teredo, NAT64) would slip past the opt-out list.
_DRESSED = tuple(
    IPv6Network(text)
    for text in ("::/96", "::ffff:0:0/96", "2002::/16", "2001::/32", "64:ff9b::/96")
)
_LOOPBACK6 = IPv6Network("::1/128")


class Gate:
    """Judges endpoints of both families."""

    def __init__(
        self, *, allow_local: bool, never_contact: Iterable[IPv4Network | IPv6Network] = ()
    ) -> None:
        """`allow_local` lets loopback and private addresses count as peers."""
        networks = tuple(never_contact)
        v4 = [network for network in networks if isinstance(network, IPv4Network)]
        self._bogons = BogonFilter(allow_local=allow_local)
        self._shunned = BogonFilter(allow_local=True, shunned=v4)
        self._shunned6 = [network for network in networks if isinstance(network, IPv6Network)]
        self._allow_local = allow_local

    def is_bogus(self, peer: Endpoint) -> bool:
        """Whether nobody can be there: reserved, multicast, private unless allowed."""
        address = peer.address
        if address.version == 4:
            return self._bogons.is_bogus(endpoint_to_compact(peer))
        if address in _LOOPBACK6:
            return not self._allow_local
        if address.is_multicast or any(address in network for network in _DRESSED):
            return True
        return not (address.is_global or self._allow_local)

    def is_shunned(self, peer: Endpoint) -> bool:
        """Whether its network opted out (or nobody can be there in any world)."""
        if peer.address.version == 4:
            return self._shunned.is_bogus(endpoint_to_compact(peer))
        return any(peer.address in network for network in self._shunned6)

    def lets_pass(self, peer: Endpoint) -> bool:
        """Whether it may be contacted."""
        return not self.is_bogus(peer) and not self.is_shunned(peer)
