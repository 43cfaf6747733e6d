"""Which addresses a scrape may ask: the user's own site, and public hosts that it links to.

A page of the site is hostile input: it may link to this machine, to the router, to the cloud's
metadata service. Such hosts are asked only where the user's own `root_url` names them.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


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


def is_web_address(url: str) -> bool:
    """Whether it is http or https with a host and, if any, a real port."""
    return _split(url) is not None


def is_own_machine(url: str) -> bool:
    """Whether the host is written as a loopback address or as localhost."""
    parts = _split(url)
    if parts is None:
        return False
    address = _literal(parts.hostname or "")
    return parts.hostname == "localhost" or (address is not None and address.is_loopback)


async def refuse_private(url: str, *, root_url: str) -> None:
    """Let only public hosts pass, and the site of `root_url`, whatever it is.

    Raises:
        ValueError: the host is, or its name leads to, an address that is not public.
    """
    if same_site(root_url, url):
        return
    parts = _split(url)
    if parts is None:
        raise ValueError("is no address of the web")
    host = parts.hostname or ""
    literal = _literal(host)
    addresses = [literal] if literal is not None else await _resolve(host)
    if not all(address.is_global and not address.is_multicast for address in addresses):
        raise ValueError("was not asked for: it leads into a private network")


async def _resolve(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(10):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # TimeoutError is an OSError
        raise ValueError("does not answer (its name is not known)") from None
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


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
