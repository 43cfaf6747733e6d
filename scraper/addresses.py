"""Which addresses a scrape may ask: the user's own sites, and public hosts that they link to.

A page of a site is hostile input: it may link to this machine, to the router, to the cloud's
metadata service. Such hosts are asked only where the user named them: `root_url`, or a feed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from scraper.feeds_addresses import shown_address
from swarm.text import one_line

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Credentials = tuple[str, str]  # user and password
Resolve = Callable[[str], Awaitable[list[IPAddress]]]


class AddressRefused(ValueError):
    """This address is not asked; the text completes "http://... ".

    `nobody_there` tells that its name leads nowhere.
    """

    def __init__(self, reason: str, *, nobody_there: bool = False) -> None:
        super().__init__(reason)
        self.nobody_there = nobody_there


_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_OLD_COMPATIBLE = ipaddress.IPv6Network("::/96")  # RFC 4291, section 2.5.5.1
_LOCAL_NAMES = (
    "localhost",
    "local",
    "internal",
    "home.arpa",
    "lan",
    "home",
)  # RFC 6761, 6762, 8375


def same_site(own: str, other: str) -> bool:
    """Whether `other` is on the host of `own`: equal but for a leading "www.", and no other port.

    The step from http to https on the usual ports stays on the site.
    """
    mine, theirs = _split(own), _split(other)
    if mine is None or theirs is None or _host(mine) != _host(theirs):
        return False
    return _port(mine) == _port(theirs) or (
        _port(theirs) == _DEFAULT_PORTS.get(theirs.scheme)
        and _port(mine) == _DEFAULT_PORTS.get(mine.scheme)
    )


def same_origin(own: str, other: str) -> bool:
    """Whether scheme, host and port are the same: a password may go there."""
    mine, theirs = _split(own), _split(other)
    return (
        mine is not None
        and theirs is not None
        and (mine.scheme, mine.hostname, _port(mine))
        == (theirs.scheme, theirs.hostname, _port(theirs))
    )


def is_web_address(url: str) -> bool:
    """Whether it is http or https with a host and, if any, a real port."""
    return _split(url) is not None


def host_of(url: str) -> str:
    """The host, in lower case, without "www." and the dot at its end; "" where there is none."""
    parts = _split(url)
    return _host(parts) if parts is not None else ""


def is_near(url: str) -> bool:
    """Whether the host is written as one of this machine or of a private network.

    Private and loopback addresses, names that end locally, names without a dot, and numbers that
    some resolvers take for addresses (`127.1`, `0x7f000001`).
    """
    parts = _split(url)
    if parts is None:
        return False
    host = parts.hostname or ""
    address = _literal(host)
    return _is_local_name(host) if address is None else not is_public(address)


def is_public(address: IPAddress) -> bool:
    """Whether it can be reached from everywhere; an IPv4 address within an IPv6 one counts."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or _translated(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local or address in _OLD_COMPATIBLE:
            return False
    return address.is_global and not address.is_multicast


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Where a NAT64 sends it (RFC 6052, 8215), None where none takes it."""
    if any(address in network for network in _NAT64):
        return ipaddress.IPv4Address(address.packed[-4:])
    return None


def without_credentials(url: str) -> tuple[str, Credentials | None]:
    """The address without the user before the @, and that user and password, if there is one."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    if not at:
        return url, None
    name, _, password = user.partition(":")
    return urlunsplit(parts._replace(netloc=place)), (unquote(name), unquote(password))


def named_address(url: str) -> str:
    """The address as a report may name it: one line of 500 characters, and nothing secret.

    Without the user before the @, and of a magnet link only the infohash: trackers hold passkeys.
    """
    if url[:7].lower() == "magnet:":
        return shown_address(url)
    return one_line(re.sub(r"//[^/?#]*@", "//", url, count=1))[:500]


class AddressGuard:
    """Lets only public hosts pass, and the user's own sites, whatever they are."""

    def __init__(self, own: Iterable[str], resolve: Resolve | None = None) -> None:
        self._own = tuple(own)
        self._resolve = resolve or resolve_name

    def is_own(self, url: str) -> bool:
        """Whether the address is on one of the user's own sites."""
        return any(same_site(own, url) for own in self._own)

    def check(self, url: str) -> None:
        """What can be told without asking for the name's addresses.

        Raises:
            AddressRefused: no address of the web, or one that is not public as it is written.
        """
        if self.is_own(url):
            return
        if not is_web_address(url):
            raise AddressRefused("is no address of the web")
        if is_near(url):
            raise AddressRefused(_PRIVATE)

    async def addresses(self, host: str, port: int) -> list[IPAddress]:
        """Where a connection to this host may go: resolved once, and nowhere else after that.

        A name that leads to a public address when it is checked and to a private one when it is
        connected to (DNS rebinding) gains nothing: what was checked is what is connected to.

        Raises:
            AddressRefused: it has no address, or one that is not public though the host is not the
                user's own.
        """
        literal = _literal(host)
        found = [literal] if literal is not None else await self._resolve(host)
        named = f"[{host}]" if ":" in host else host
        own = any(self.is_own(f"{scheme}://{named}:{port}") for scheme in _DEFAULT_PORTS)
        if not own and not all(map(is_public, found)):
            raise AddressRefused(_PRIVATE)
        return found


_PRIVATE = "was not asked for: it leads into a private network"


async def resolve_name(host: str) -> list[IPAddress]:
    """The addresses of a name, as the system knows them.

    Raises:
        AddressRefused: it has none.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(10):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        raise AddressRefused("does not answer (its name is not known)", nobody_there=True) from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_local_name(host: str) -> bool:
    name = host.rstrip(".").lower()
    last = name.rpartition(".")[2]
    return (
        "." not in name
        or last[:1].isdigit()  # no top-level domain begins so
        or any(name.endswith("." + local) for local in _LOCAL_NAMES)
    )


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts if parts.scheme in _DEFAULT_PORTS and parts.hostname else None


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removeprefix("www.").rstrip(".")


def _port(parts: SplitResult) -> int | None:
    return parts.port or _DEFAULT_PORTS.get(parts.scheme)
