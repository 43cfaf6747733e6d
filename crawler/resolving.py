"""Resolving: the bootstrap nodes that a user names, as addresses of the one DHT or the other."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable

from crawler.family import IPV4, Family, SocketAddress

_LOG = logging.getLogger(__name__)


def resolve(
    bootstrap: Iterable[str], families: Iterable[Family]
) -> dict[Family, list[SocketAddress]]:
    """The addresses of `host:port` and `[address]:port` texts, by the families that have any.

    What resolves in no family is logged and left out. So are IPv6 addresses where this machine has
    no way to them, silently: most machines without IPv6 still resolve names to it.
    """
    wanted = list(families)
    found: dict[Family, list[SocketAddress]] = {family: [] for family in wanted}
    for text in bootstrap:
        reasons = []
        for family in wanted:
            try:
                found[family] += _addresses(text, family)
            except (OSError, ValueError, UnicodeError) as error:
                reasons.append(str(error))
        if len(reasons) == len(wanted):
            _LOG.warning("bootstrap node not resolved: node=%s reason=%s", text, reasons[0])
    return {family: list(dict.fromkeys(found[family])) for family in wanted if found[family]}


def _addresses(text: str, family: Family) -> list[SocketAddress]:
    host, _, port = text.rpartition(":")
    name = host.removeprefix("[").removesuffix("]")
    entries = socket.getaddrinfo(name, int(port), family.socket_family, socket.SOCK_DGRAM)
    addresses = [(str(entry[4][0]), int(entry[4][1])) for entry in entries]
    return [address for address in addresses if family == IPV4 or has_route(address, family)]


def has_route(address: SocketAddress, family: Family) -> bool:
    """Whether this machine knows a way there. Sends nothing: a UDP connect only looks it up."""
    try:
        with socket.socket(family.socket_family, socket.SOCK_DGRAM) as udp:
            udp.connect(address)
    except OSError:
        return False
    return True
