"""The plan of a census: what the caller wants, and where in the two DHTs that lets it begin."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crawler import optout
from crawler.addresses import BogonFilter
from crawler.family import FAMILIES, ID_BYTES, IPV4, Family, SocketAddress
from crawler.kept_nodes import KeptNodes
from crawler.resolving import has_route, resolve
from swarm.errors import DhtUnreachable, SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusPlan:
    """How a census is taken. Times in seconds; a rate of 0 means no cap at all."""

    bootstrap: tuple[str, ...]  # "host:port"; names are resolved when the census begins
    processes: int  # for each of the two DHTs
    max_packets_per_s: float  # over all processes; 0 also lifts the limit per address
    deadline_s: float  # for the whole census
    allow_local: bool  # loopback and private addresses count as nodes and peers
    never_contact: tuple[optout.Network, ...] = ()  # who opted out, see `optout`
    max_lookups: int = 4096  # lookups under way at once, per process
    bootstrap_timeout_s: float = 10.0
    use_compiled: bool = True  # the compiled engine, where there is one (see `compiled`)

    def __post_init__(self) -> None:
        if self.processes < 1 or self.max_lookups < 1:
            raise ValueError("a census needs at least one process and one lookup")
        if self.max_packets_per_s < 0:
            raise ValueError("a packet rate is not negative; 0 means no cap")


@dataclass(frozen=True, slots=True)
class Network:
    """One of the two DHTs, and where to begin in it."""

    family: Family
    bootstrap: tuple[SocketAddress, ...]
    known: list[bytes]


def networks_of(plan: CensusPlan, nodes: KeptNodes) -> list[Network]:
    """The DHTs that can be asked from here.

    Raises:
        DhtUnreachable: neither has a place to begin at.
        SettingsError: no packet cap, though one begins on the public internet.
    """
    resolved = resolve(plan.bootstrap, FAMILIES)
    is_private = bool(resolved) and not any(
        _of_internet(family, addresses) for family, addresses in resolved.items()
    )
    # Where no name resolves, what answered yesterday still leads into the DHT.
    known = {
        family: _known(family, plan, nodes, is_private=is_private)
        for family in resolved or FAMILIES
    }
    if not resolved and not any(known.values()):
        raise DhtUnreachable(
            f"No bootstrap node could be resolved ({listed(plan.bootstrap)}). Check the network, "
            "or name other nodes in dht_bootstrap."
        )
    allowed = {family: _without_optouts(family, resolved.get(family, ()), plan) for family in known}
    networks = [
        Network(family, allowed[family], known[family])
        for family in FAMILIES
        if allowed.get(family) or known.get(family)
    ]
    if not networks:
        raise DhtUnreachable(
            f"Every bootstrap node ({listed(plan.bootstrap)}) is in a network that opted out "
            "(optout.txt). Name other nodes in dht_bootstrap."
        )
    if plan.max_packets_per_s == 0:
        for network in networks:
            places = map(network.family.to_socket_address, (c[ID_BYTES:] for c in network.known))
            _refuse_public(network.family, itertools.chain(network.bootstrap, places))
    return networks


def _known(family: Family, plan: CensusPlan, nodes: KeptNodes, *, is_private: bool) -> list[bytes]:
    """The nodes of earlier runs that may be asked; none where this machine has no way there.

    `is_private`: the bootstrap nodes are of a private network, so nodes of the internet are none of
    its nodes.
    """
    shunned = BogonFilter(allow_local=plan.allow_local, shunned=plan.never_contact, family=family)
    contacts = nodes.worth_asking(family, now_s=int(time.time()), is_shunned=shunned.is_bogus)
    if is_private:
        local_is_bogus = BogonFilter(allow_local=False, family=family)
        contacts = [c for c in contacts if local_is_bogus.is_bogus(c[ID_BYTES:])]
    if not contacts or not has_route(family.to_socket_address(contacts[0][ID_BYTES:]), family):
        return []
    return contacts


def _without_optouts(
    family: Family, addresses: Iterable[SocketAddress], plan: CensusPlan
) -> tuple[SocketAddress, ...]:
    shunned = BogonFilter(allow_local=True, shunned=plan.never_contact, family=family)
    return tuple(a for a in addresses if not shunned.is_bogus(family.to_compact(a)))


def check_uncapped(bootstrap: Iterable[str]) -> None:
    """Refuse to crawl without a cap from these `host:port` texts, if one is of the internet.

    Raises:
        SettingsError: names the address.
    """
    for family, addresses in resolve(bootstrap, FAMILIES).items():
        _refuse_public(family, addresses)


def _of_internet(family: Family, addresses: Iterable[SocketAddress]) -> list[SocketAddress]:
    """Those that are on the public internet."""
    local_is_bogus = BogonFilter(allow_local=False, family=family)
    return [a for a in addresses if not local_is_bogus.is_bogus(family.to_compact(a))]


def _refuse_public(family: Family, addresses: Iterable[SocketAddress]) -> None:
    for host, port in _of_internet(family, addresses):
        shown = f"{host}:{port}" if family == IPV4 else f"[{host}]:{port}"
        raise SettingsError(
            f"max_packets_per_s=0 lifts every cap, and {shown} is on the public internet"
            ": give a rate, or bootstrap only at nodes of this machine or a private network."
        )


def listed(bootstrap: Sequence[str]) -> str:
    """The bootstrap nodes as an error names them."""
    return ", ".join(bootstrap) if bootstrap else "none is given"
