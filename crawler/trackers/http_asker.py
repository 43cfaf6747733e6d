"""Asks one HTTP or HTTPS tracker (BEP 3, 48): bounded bodies, redirects by hand, no cookies.

Requests go straight to httpx's transport: its client would log each address, and with it
the passkey; here nothing logs.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import TypeVar
from urllib.parse import urljoin

import httpx

from crawler.trackers import http_codec
from crawler.trackers.address import DEFAULT_PORTS, TrackerAddress, read_tracker_address
from crawler.trackers.announcement import Announcement, Event
from crawler.trackers.replies import AnnounceReply, NoReply, ScrapeReply
from crawler.trackers.routing import Router
from swarm.endpoint import Endpoint
from swarm.errors import MalformedMessage, SettingsError
from swarm.infohash import InfoHash
from swarm.tracking import TrackerOutcome

_T = TypeVar("_T")
_MOST_REDIRECTS = 3
_MAX_REDIRECT_CHARACTERS = 16_384  # the query of a whole scrape among them
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_SUCH_PAGE = frozenset({404, 405, 410, 501})
_HEADERS = {
    "User-Agent": "SwarmAtlas/0.1",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "close",
}


def check_proxy(http_proxy: str) -> None:
    """See that a proxy's address can be used; empty is none.

    Raises:
        SettingsError: it cannot. The address itself is not shown, it may hold a password.
    """
    try:
        usable = not http_proxy or bool(httpx.Proxy(http_proxy).url.host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise SettingsError(
            "http_proxy is no address of a proxy, so no tracker was asked. Write http://host:port "
            "or socks5://host:port in config.txt."
        )


def open_transport(http_proxy: str) -> httpx.AsyncHTTPTransport:
    """The transport for all HTTP trackers; the environment's proxies do not count.

    Certificates are checked against certifi's authorities, or those of SSL_CERT_FILE.
    """
    return httpx.AsyncHTTPTransport(
        verify=httpx.create_ssl_context(),
        trust_env=False,
        proxy=httpx.Proxy(http_proxy) if http_proxy else None,
        # Trackers close connections as they like, and a goodbye on a closed one would be lost.
        limits=httpx.Limits(max_connections=100, max_keepalive_connections=0),
    )


@dataclass(frozen=True, slots=True)
class _Page:
    status: int
    location: str
    encoding: str
    body: bytes


class HttpAsker:
    """One conversation with one tracker. One question at a time."""

    def __init__(
        self,
        transport: httpx.AsyncHTTPTransport,
        router: Router,
        address: TrackerAddress,
        *,
        timeout_s: float,
    ) -> None:
        self._transport = transport
        self._router = router
        self._address = address
        self._timeout_s = timeout_s
        # Who answered last. Behind a proxy nobody here knows the address: it stays `::`.
        self.endpoint = Endpoint(IPv6Address(0), address.port)

    async def scrape(self, infohashes: Sequence[InfoHash]) -> ScrapeReply | NoReply:
        """Counts of the swarms that the tracker knows."""
        path = self._address.scrape_path
        if path is None:
            return NoReply(TrackerOutcome.UNSUPPORTED, "its address has no scrape beside it")
        query = http_codec.scrape_query(self._address.query, infohashes)
        page = await self._fetch(replace(self._address, path=path, query=query))
        if isinstance(page, _Page) and page.status in _NO_SUCH_PAGE:
            return NoReply(TrackerOutcome.UNSUPPORTED, f"no scrape there (status {page.status})")
        return _read(page, lambda body: http_codec.read_scrape(body, infohashes))

    async def announce(self, announcement: Announcement, event: Event) -> AnnounceReply | NoReply:
        """Announce `event`, and read who else is there."""
        query = http_codec.announce_query(self._address.query, announcement, event)
        page = await self._fetch(replace(self._address, query=query))
        return _read(page, http_codec.read_announce)

    def close(self) -> None:
        """Nothing to close: the transport is shared."""

    async def _fetch(self, target: TrackerAddress) -> _Page | NoReply:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._follow(target)
        except (TimeoutError, httpx.TimeoutException):
            return NoReply(TrackerOutcome.TIMEOUT)

    async def _follow(self, target: TrackerAddress) -> _Page | NoReply:
        for _ in range(_MOST_REDIRECTS + 1):
            page = await self._get(target)
            if isinstance(page, NoReply) or page.status not in _REDIRECTS:
                return page
            following = _redirect_target(target, page.location)
            if following is None:
                return NoReply(TrackerOutcome.UNSUPPORTED, "redirects where we do not follow")
            target = following
        return NoReply(TrackerOutcome.MALFORMED, f"redirects more than {_MOST_REDIRECTS} times")

    async def _get(self, target: TrackerAddress) -> _Page | NoReply:
        endpoints = await self._router.endpoints(target.host, target.port)
        if isinstance(endpoints, NoReply):
            return endpoints
        reply: _Page | NoReply = NoReply(TrackerOutcome.UNREACHABLE)
        for endpoint in endpoints or (None,):
            try:
                page = await self._read_page(target, endpoint)
            except (httpx.ConnectError, httpx.ProxyError) as error:
                reply = NoReply(TrackerOutcome.UNREACHABLE, _why_unreached(error))
                continue
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                return NoReply(TrackerOutcome.MALFORMED, "broke off its answer, or speaks no HTTP")
            except httpx.InvalidURL:
                return NoReply(TrackerOutcome.UNSUPPORTED, "its address cannot be asked")
            except MalformedMessage as error:
                return NoReply(TrackerOutcome.MALFORMED, str(error))
            if endpoint is not None:
                self.endpoint = endpoint
            return page
        return reply

    async def _read_page(self, target: TrackerAddress, endpoint: Endpoint | None) -> _Page:
        where = target.authority if endpoint is None else str(endpoint)
        request = httpx.Request(
            "GET",
            f"{target.scheme}://{where}{target.path_and_query or '/'}",
            headers={"Host": _host_header(target), **_HEADERS},
            extensions={} if endpoint is None else {"sni_hostname": target.host},
        )
        response = await self._transport.handle_async_request(request)
        response.request = request
        try:
            pieces, size = [], 0
            async for piece in response.aiter_raw():
                size += len(piece)
                if size > http_codec.MAX_BODY_BYTES:
                    raise MalformedMessage(
                        f"the answer is larger than {http_codec.MAX_BODY_BYTES} bytes"
                    )
                pieces.append(piece)
        finally:
            await response.aclose()
        return _Page(
            response.status_code,
            response.headers.get("location", ""),
            response.headers.get("content-encoding", "").strip().lower(),
            b"".join(pieces),
        )


def _read(page: _Page | NoReply, read: Callable[[bytes], _T | NoReply]) -> _T | NoReply:
    """The reply in a page; a tracker may give its reason with an error status, or that alone."""
    if isinstance(page, NoReply):
        return page
    try:
        return read(http_codec.inflate(page.body, page.encoding))
    except MalformedMessage as error:
        if page.status >= 400:
            return NoReply(TrackerOutcome.REFUSED, f"status {page.status}")
        return NoReply(TrackerOutcome.MALFORMED, str(error))


def _redirect_target(origin: TrackerAddress, location: str) -> TrackerAddress | None:
    """Where a redirect leads, if that is on the web and no step from https to http."""
    try:
        url = urljoin(f"{origin.label}{origin.path_and_query}", location)
    except ValueError:
        return None
    target = read_tracker_address(url, max_characters=_MAX_REDIRECT_CHARACTERS)
    if not isinstance(target, TrackerAddress) or target.scheme == "udp":
        return None
    return None if (origin.scheme, target.scheme) == ("https", "http") else target


def _host_header(target: TrackerAddress) -> str:
    """The host, with its port unless that is the usual one (RFC 9110, 7.2)."""
    usual = DEFAULT_PORTS[target.scheme] == target.port
    return target.authority.removesuffix(f":{target.port}") if usual else target.authority


def _why_unreached(error: httpx.TransportError) -> str:
    """In our own words: the library's could hold an address, and its secrets."""
    if isinstance(error, httpx.ProxyError):
        return "the proxy does not lead there"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "TLS fails"
        cause = cause.__cause__ or cause.__context__
    return "no connection"
