"""The one door to the web: robots.txt, politeness, deadlines, size caps, retries.

Redirects are followed by hand, only to http and https and never to another site. What is allowed
is decided before anything is sent: by the address (`scraper.addresses`), then by the site's
robots.txt (`scraper.robots`). Cookies and user agent can be set: a browser that passed a challenge
hands its own over.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import httpx
from socksio import ProtocolError as SocksError

from scraper.addresses import (
    AddressGuard,
    AddressRefused,
    Credentials,
    Resolve,
    host_of,
    is_near,
    same_origin,
    same_site,
)
from scraper.answers import CUT_OFF, TIMED_OUT, Answer, BrowserCookie, NoAnswer
from scraper.body import BodyRefused, BoundedBody
from scraper.feeds_addresses import holds_key
from scraper.pacing import LEAST_WAIT_S, FreeAt, Pace
from scraper.page_cache import PageCache
from scraper.retries import RetryRules, retry_after_s
from scraper.robots import ROBOTS_BYTES, RobotsBook
from scraper.transport import check_proxy, make_client

__all__ = ["USER_AGENT", "Answer", "BrowserCookie", "FetchLimits", "Fetcher", "NoAnswer"]

USER_AGENT = "Mozilla/5.0 (compatible; SwarmAtlas/0.1)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What one request may cost. Times in seconds, sizes in bytes."""

    deadline_s: float = 30.0  # for a whole request, from connect to the last byte
    total_s: float = 90.0  # for all requests of one errand together, redirects and tries included
    page_bytes: int = 5_000_000
    torrent_bytes: int = 10_000_000
    redirects: int = 5
    tries: int = 3
    backoff_s: float = 0.5  # doubled at each try
    longest_wait_s: float = 30.0  # a Retry-After beyond this is not waited for


@dataclass(slots=True, kw_only=True)
class _Errand:
    """One thing to get, over redirects and tries."""

    max_bytes: int
    obeys_robots: bool
    cached: bool = False
    cut: bool = False  # beyond max_bytes the rest is left, not refused
    left_s: float


class Fetcher:
    """Fetches from the user's own sites and what they link to. Use as an async context manager.

    Args:
        root_url: the site that is scraped; "" where there are only feeds.
        feeds: addresses that the user subscribed to. Their hosts are the user's own like that of
            `root_url`; robots.txt, which speaks to crawlers, is not asked there.
        wait_s: between the end of one request to a host and the start of the next, at least 1. 0
            lets several go at a time, where the host is the user's own and on this machine or in a
            private network; elsewhere it is 1.
        limits: what one request may cost.
        obey_robots: read each site's robots.txt and do as it says.
        proxy: http:// or socks5:// address that everything goes through; "" for none.
        is_challenge: tells a challenge page, which says nothing of robots.txt.
        cache: where pages are kept, so that they are sent again only when they changed.
        credentials: user and password for the site of `root_url`, sent to no other.
        free_at_s: when hosts may be asked again, kept up to date here.
        resolve: how names become addresses; the system's way if None.
        sleep: how to wait.

    Raises:
        SiteError: the proxy is none that can be used.
    """

    def __init__(
        self,
        root_url: str,
        *,
        feeds: Sequence[str] = (),
        wait_s: float,
        limits: FetchLimits | None = None,
        obey_robots: bool = True,
        proxy: str = "",
        is_challenge: Callable[[Answer], bool] = lambda answer: answer.is_challenge,
        cache: PageCache | None = None,
        credentials: Credentials | None = None,
        free_at_s: FreeAt | None = None,
        resolve: Resolve | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        check_proxy(proxy)
        self._limits = limits or FetchLimits()
        self._rules = RetryRules(
            tries=self._limits.tries,
            backoff_s=self._limits.backoff_s,
            longest_wait_s=self._limits.longest_wait_s,
        )
        self._root_url = root_url
        self._feeds = tuple(feeds)
        self._guard = AddressGuard((root_url, *feeds), resolve)
        self._wait_s = wait_s
        self._obey_robots = obey_robots
        self._robots = RobotsBook(self._robots_txt, is_challenge)
        self._cache = cache or PageCache(None)
        self._sleep = sleep
        self._login = httpx.BasicAuth(*credentials) if credentials else None
        self._free_at_s: FreeAt = {} if free_at_s is None else free_at_s
        self._paces: dict[str, Pace] = {}
        self._proxied = bool(proxy)
        self._client = make_client(
            self._guard,
            proxy=proxy,
            # Not deflate: servers do not agree whether that is zlib (RFC 1950) or bare (RFC 1951).
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip"},
        )

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def become(self, user_agent: str, cookies: Iterable[BrowserCookie]) -> None:
        """Go on as the browser that passed the challenge."""
        self._client.headers["User-Agent"] = user_agent
        for cookie in cookies:
            self._client.cookies.jar.set_cookie(cookie.for_a_jar())

    def is_own(self, url: str) -> bool:
        """Whether the address is on a site that the user named."""
        return self._guard.is_own(url)

    def turn(self, url: str) -> AbstractAsyncContextManager[None]:
        """Wait for the host's pace, for what is asked there by other means, a browser, say."""
        return self._pace(url).turn()

    async def page(self, url: str) -> Answer | NoAnswer:
        """A page of a site that the user named; an address on any other host is refused."""
        if not self.is_own(url):
            return NoAnswer(url, "is on another site and was not asked for", silent=False)
        return await self._run(url, self._errand(url, self._limits.page_bytes, cached=True))

    async def torrent(self, url: str) -> Answer | NoAnswer:
        """A .torrent file, from the site or from the host that the site links to."""
        return await self._run(url, self._errand(url, self._limits.torrent_bytes))

    async def feed(self, url: str) -> Answer | NoAnswer:
        """A feed that the user subscribed to. One whose address holds a key is never kept."""
        if not self.is_own(url):
            return NoAnswer(url, "is on another site and was not asked for", silent=False)
        errand = self._errand(url, self._limits.page_bytes, cached=not holds_key(url))
        errand.obeys_robots = False
        return await self._run(url, errand)

    async def _robots_txt(self, url: str) -> Answer | NoAnswer:
        errand = self._errand(url, ROBOTS_BYTES)
        errand.obeys_robots, errand.cut = False, True
        return await self._run(url, errand)

    def _errand(self, url: str, max_bytes: int, *, cached: bool = False) -> _Errand:
        only_fed = any(same_site(feed, url) for feed in self._feeds) and not same_site(
            self._root_url, url
        )
        return _Errand(
            max_bytes=max_bytes,
            obeys_robots=self._obey_robots and not only_fed,
            cached=cached,
            left_s=self._limits.total_s,
        )

    async def _run(self, url: str, errand: _Errand) -> Answer | NoAnswer:
        attempt = 1
        while True:
            answer = await self._follow(url, errand)
            wait_s = self._rules.wait_s(
                answer, attempt=attempt, jitter=random.uniform(0.8, 1.2), now=datetime.now(UTC)
            )
            if wait_s is None or errand.left_s <= 0:
                return answer
            attempt += 1
            if isinstance(answer, Answer) and retry_after_s(answer.headers, datetime.now(UTC)):
                self._pace(answer.url).rest(wait_s)  # the host's wish concerns every request to it
            else:
                await self._sleep(wait_s)

    async def _follow(self, url: str, errand: _Errand) -> Answer | NoAnswer:
        current = url
        for _ in range(self._limits.redirects + 1):
            answer = await self._allowed(current, errand)
            if isinstance(answer, NoAnswer) or answer.status not in _REDIRECTS:
                return answer
            location = answer.headers.get("location", "")
            if location[:7].lower() == "magnet:":
                return answer  # nothing to fetch: the caller reads what it leads to
            target = _redirect_target(current, location)
            if target is None or not same_site(current, target):
                why = f"redirects to {_shown(location)}, which was not followed"
                return NoAnswer(url, why, silent=False)
            current = target
        return NoAnswer(url, f"redirects more than {self._limits.redirects} times", silent=False)

    async def _allowed(self, url: str, errand: _Errand) -> Answer | NoAnswer:
        """Ask, if the address and the site's robots.txt let us; at the pace that they want."""
        try:
            self._guard.check(url)
            _ = httpx.URL(url).host  # of a name that is no name in IDNA, it raises UnicodeError
        except AddressRefused as error:
            return NoAnswer(url, str(error), silent=False)
        except (httpx.InvalidURL, UnicodeError):
            return NoAnswer(url, "is no address of the web", silent=False)
        pace = self._pace(url)
        if errand.obeys_robots:
            rules = await self._robots.rules(url)
            if isinstance(rules, Answer):
                return rules  # a challenge stands before robots.txt too: first things first
            refusal = rules.refuses(url)
            if refusal is not None:
                return NoAnswer(url, refusal, silent=rules.silent)
            pace.slow_down(rules.wait_s)
        async with pace.turn():
            return await self._once(url, errand)

    def _pace(self, url: str) -> Pace:
        host = host_of(url)
        if host not in self._paces:
            free = self._wait_s <= 0 and self.is_own(url) and is_near(url)
            wait_s = 0.0 if free else max(self._wait_s, LEAST_WAIT_S)
            self._paces[host] = Pace(host, wait_s, self._sleep, self._free_at_s)
        return self._paces[host]

    async def _once(self, url: str, errand: _Errand) -> Answer | NoAnswer:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        try:
            async with asyncio.timeout(min(self._limits.deadline_s, max(0.0, errand.left_s))):
                return await self._read(url, errand)
        except (TimeoutError, httpx.TimeoutException):
            return NoAnswer(url, TIMED_OUT, silent=True)
        except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
            return NoAnswer(url, CUT_OFF, silent=False)
        except AddressRefused as error:
            return NoAnswer(url, str(error), silent=error.nobody_there)
        except BodyRefused as error:
            return NoAnswer(url, f"was refused: {error}", silent=False)
        except (httpx.InvalidURL, UnicodeError):
            # httpx reads where a redirect leads though it does not follow it.
            return NoAnswer(url, "redirects to what is no address of the web", silent=False)
        except (httpx.HTTPError, SocksError) as error:
            why = (str(error) or type(error).__name__)[:200]
            by = "through the proxy " if self._proxied else ""
            return NoAnswer(url, f"does not answer {by}({why})", silent=True)
        finally:
            errand.left_s -= loop.time() - started_s

    async def _read(self, url: str, errand: _Errand) -> Answer:
        conditions = self._cache.conditions(url) if errand.cached else {}
        login = self._login if same_origin(self._root_url, url) else None
        async with self._client.stream("GET", url, headers=conditions, auth=login) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code == 304 and (kept := self._cache.unchanged(url)) is not None:
                return kept
            body = BoundedBody(
                headers.get("content-encoding", ""), errand.max_bytes, cut=errand.cut
            )
            body.declare(headers.get("content-length", ""))
            async for piece in response.aiter_raw():
                body.feed(piece)
                if body.is_full:
                    break
            answer = Answer(url, response.status_code, headers, body.finish())
        if errand.cached and answer.status == 200:
            self._cache.keep(answer)
        return answer


def _redirect_target(url: str, location: str) -> str | None:
    try:
        target = urljoin(url, location.strip())
        return target if location and urlsplit(target).scheme in ("http", "https") else None
    except ValueError:
        return None


def _shown(location: str) -> str:
    """Where a redirect leads, for a person; without what may be a secret in it."""
    plain = re.sub(r"//[^/@]*@", "//", location.partition("?")[0])
    return plain[:200] or "nowhere"
