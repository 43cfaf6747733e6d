"""How requests leave this machine: to addresses that were checked, or all of them by a proxy.

Without a proxy every connection is made by `_GuardedBackend`: the name is resolved there, checked
there, and connected to there, once, so that nobody can answer differently the second time.
With a proxy nothing is resolved and nothing connected to here but the proxy itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from urllib.parse import urlsplit

import httpcore
import httpx

from scraper.addresses import AddressGuard
from swarm.errors import SiteError

_MAX_CONNECTIONS = 16
_MAX_ADDRESSES_TRIED = 4
PROXY_SCHEMES = ("http", "socks5")


def check_proxy(proxy: str) -> None:
    """Let `http_proxy` of config.txt pass where it can be used; "" is none.

    Raises:
        SiteError: it is no http:// or socks5:// address with a port; never names its password.
    """
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and bool(parts.port)
    except ValueError:
        usable = False
    if proxy and not usable:
        raise SiteError(
            "http_proxy in config.txt is no proxy that can be used: write http://host:port or "
            "socks5://host:port. Nothing was asked without it."
        )


def make_client(guard: AddressGuard, *, proxy: str, headers: dict[str, str]) -> httpx.AsyncClient:
    """A client that connects to what `guard` lets pass, or to the proxy alone.

    The environment's proxies are not looked at: `http_proxy` of config.txt is the one place.
    """
    # It logs whole addresses, and those of feeds hold keys.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    limits = httpx.Limits(max_connections=_MAX_CONNECTIONS)
    if proxy:
        transport = httpx.AsyncHTTPTransport(http2=True, limits=limits, proxy=proxy)
    else:
        transport = _GuardedTransport(guard, limits)
    return httpx.AsyncClient(
        headers=headers,
        follow_redirects=False,
        timeout=httpx.Timeout(15.0, connect=10.0),
        trust_env=False,
        transport=transport,
    )


class _GuardedTransport(httpx.AsyncHTTPTransport):
    """httpx's own, upon a pool that connects by `_GuardedBackend`."""

    def __init__(self, guard: AddressGuard, limits: httpx.Limits) -> None:
        context = httpx.create_ssl_context()
        super().__init__(verify=context)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            http2=True,
            network_backend=_GuardedBackend(guard),
        )


class _GuardedBackend(httpcore.AnyIOBackend):
    """Connects to the addresses that the guard has seen, never to a name."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            AddressRefused: the guard refuses the host.
            httpcore.ConnectError, httpcore.ConnectTimeout: none of the addresses answers.
        """
        addresses = await self._guard.addresses(host, port)
        for last, address in enumerate(addresses[:_MAX_ADDRESSES_TRIED], start=1):
            try:
                return await super().connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if last in (_MAX_ADDRESSES_TRIED, len(addresses)):
                    raise
        raise httpcore.ConnectError("its name has no address")
