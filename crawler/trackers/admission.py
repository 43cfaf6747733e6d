"""Which addresses may be asked, and which peers are nobody: RFC 6890, opt-outs, port 0. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from crawler.addresses import BogonFilter
from swarm.endpoint import packed16_to_address

_SITE_LOCAL = IPv6Network("fec0::/10")  # deprecated, never global; ipaddress calls it global
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressRule:
    """Tells where no tracker or peer can be, and who is never contacted."""

    allow_local: bool
    never_contact: tuple[IPv4Network | IPv6Network, ...]
    _bogons: BogonFilter

    @classmethod
    def of(
        cls, *, allow_local: bool, never_contact: Iterable[IPv4Network | IPv6Network] = ()
    ) -> AddressRule:
        """`allow_local` lets loopback and private addresses count as real."""
        return cls(allow_local, tuple(never_contact), BogonFilter(allow_local=allow_local))

    def objection(self, address: IPv4Address | IPv6Address) -> str | None:
        """Why this address is not asked, or None where it may be."""
        plain = _unmapped(address)
        if any(plain in net or address in net for net in self.never_contact):
            return "its network opted out"
        if self._is_nowhere(plain):
            return "its address is not on the internet"
        return None

    def is_bogus_peer(self, entry: bytes) -> bool:
        """Whether an address16 and port (18 bytes) can be nobody's. Opt-outs still count."""
        if entry[16:] == b"\x00\x00":
            return True
        return self._is_nowhere(packed16_to_address(entry[:16]))

    def _is_nowhere(self, address: IPv4Address | IPv6Address) -> bool:
        if isinstance(address, IPv4Address):
            return self._bogons.is_bogus(address.packed + b"\x00\x01")
        if address.is_multicast or address.is_unspecified:
            return True
        return not self.allow_local and (not address.is_global or _is_disguised(address))


def _is_disguised(address: IPv6Address) -> bool:
    """Tunnels and translators: an IPv4 address inside, which could be a private one."""
    return any(address in net for net in (_SITE_LOCAL, _SIX_TO_FOUR, _TEREDO, _NAT64))


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
