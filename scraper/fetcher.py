"""The one door through which plain HTTP goes: deadlines, size caps, politeness, retries.

Redirects are followed by hand, only to http and https and never to another site. Every request
has a deadline for the whole of it, so that a server that dribbles bytes holds nobody.
Cookies and user agent can be set: a browser that passed a challenge hands its own over.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import Cookie
from urllib.parse import urljoin, urlsplit

import httpx

from scraper.addresses import is_own_machine, refuse_private, same_site
from scraper.body import BodyRefused, BoundedBody
from scraper.pages import is_challenge
from swarm.metainfo import MAX_TORRENT_BYTES

USER_AGENT = "Mozilla/5.0 (compatible; SwarmAtlas/0.1)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TRANSIENT = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """What one request may cost. Times in seconds, sizes in bytes."""

    deadline_s: float = 30.0  # for a whole request, from connect to the last byte
    page_bytes: int = 5_000_000
    torrent_bytes: int = MAX_TORRENT_BYTES
    redirects: int = 5
    tries: int = 3
    backoff_s: float = 0.5  # doubled at each try
    longest_wait_s: float = 30.0  # a Retry-After beyond this is not waited for


@dataclass(frozen=True, slots=True)
class BrowserCookie:
    """A cookie as a browser holds it."""

    name: str
    value: str
    domain: str
    path: str
    secure: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's answer: `url` after redirects, `headers` by lower-case name, whole body."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def charset(self) -> str | None:
        """The charset that the server declared, if any; unchecked."""
        _, _, value = self.headers.get("content-type", "").lower().partition("charset=")
        return value.split(";")[0].strip(" \"'") or None

    @property
    def is_challenge(self) -> bool:
        """Whether the server wants to see a real browser first."""
        return is_challenge(self.status, self.headers, self.body)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing usable came. `reason` completes "http://... "; e.g. "does not answer".

    `silent` tells that nobody answered; else somebody did, or nobody was asked.
    """

    url: str
    reason: str
    silent: bool


class Fetcher:
    """Fetches from one site, politely. Use as an async context manager.

    `wait_s` lies between the end of one request to a host and the start of the next; 0 lets
    several go at a time.
    """

    def __init__(
        self,
        root_url: str,
        *,
        wait_s: float,
        limits: FetchLimits | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = limits or FetchLimits()
        self._root_url = root_url
        self._wait_s = wait_s
        self._sleep = sleep
        self._gates: dict[str, _Gate] = {}
        self._client = httpx.AsyncClient(
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "gzip, deflate"},
            follow_redirects=False,
            http2=True,
            timeout=httpx.Timeout(15.0, connect=10.0),
            limits=httpx.Limits(max_connections=16),
            # A proxy from the environment cannot reach this machine's own loopback.
            trust_env=not is_own_machine(root_url),
        )

    async def __aenter__(self) -> Fetcher:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    def become(self, user_agent: str, cookies: Iterable[BrowserCookie]) -> None:
        """Go on as the browser that passed the challenge."""
        self._client.headers["User-Agent"] = user_agent
        for cookie in cookies:
            self._client.cookies.jar.set_cookie(_jar_cookie(cookie))

    def is_own(self, url: str) -> bool:
        """Whether the address is on the site itself."""
        return same_site(self._root_url, url)

    async def page(self, url: str) -> Answer | NoAnswer:
        """A page of the site itself; an address on any other host is refused."""
        if not self.is_own(url):
            return NoAnswer(url, "is on another site and was not asked for", silent=False)
        return await self._fetch(url, self._limits.page_bytes)

    async def torrent(self, url: str) -> Answer | NoAnswer:
        """A .torrent file, from the site or from the host that the site links to."""
        return await self._fetch(url, self._limits.torrent_bytes)

    async def _fetch(self, url: str, max_bytes: int) -> Answer | NoAnswer:
        for attempt in range(1, self._limits.tries + 1):
            answer = await self._follow(url, max_bytes)
            wait_s = self._wait_before_retry(answer, attempt)
            if wait_s is None or attempt == self._limits.tries:
                return answer
            await self._sleep(wait_s)
        raise AssertionError("the last attempt returns")

    def _wait_before_retry(self, answer: Answer | NoAnswer, attempt: int) -> float | None:
        """Seconds until another try makes sense, or None where it does not."""
        backoff_s = self._limits.backoff_s * 2 ** (attempt - 1) * random.uniform(0.8, 1.2)
        if isinstance(answer, NoAnswer):
            return backoff_s if answer.reason in (_TIMED_OUT, _CUT_OFF) else None
        if answer.status not in _TRANSIENT or answer.is_challenge:
            return None
        asked = answer.headers.get("retry-after", "").strip()
        wait_s = max(backoff_s, float(asked)) if asked.isascii() and asked.isdigit() else backoff_s
        return wait_s if wait_s <= self._limits.longest_wait_s else None

    async def _follow(self, url: str, max_bytes: int) -> Answer | NoAnswer:
        current = url
        for _ in range(self._limits.redirects + 1):
            answer = await self._once(current, max_bytes)
            if isinstance(answer, NoAnswer) or answer.status not in _REDIRECTS:
                return answer
            target = _redirect_target(current, answer.headers.get("location", ""))
            if target is None or not same_site(current, target):
                shown = answer.headers.get("location", "nowhere")[:200]
                return NoAnswer(url, f"redirects to {shown}, which was not followed", silent=False)
            current = target
        return NoAnswer(url, f"redirects more than {self._limits.redirects} times", silent=False)

    async def _once(self, url: str, max_bytes: int) -> Answer | NoAnswer:
        try:
            await refuse_private(url, root_url=self._root_url)
        except ValueError as error:
            return NoAnswer(url, str(error), silent=False)
        gate = self._gates.setdefault(urlsplit(url).netloc, _Gate(self._wait_s, self._sleep))
        async with gate:
            try:
                async with asyncio.timeout(self._limits.deadline_s):
                    return await self._read(url, max_bytes)
            except (TimeoutError, httpx.TimeoutException):
                return NoAnswer(url, _TIMED_OUT, silent=True)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                return NoAnswer(url, _CUT_OFF, silent=False)
            except BodyRefused as error:
                return NoAnswer(url, f"was refused: {error}", silent=False)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                why = str(error) or type(error).__name__
                return NoAnswer(url, f"does not answer ({why[:200]})", silent=True)

    async def _read(self, url: str, max_bytes: int) -> Answer:
        async with self._client.stream("GET", url) as response:
            body = BoundedBody(response.headers.get("content-encoding", ""), max_bytes)
            declared = response.headers.get("content-length", "")
            if declared.isdecimal() and int(declared) > max_bytes:
                raise BodyRefused(f"the answer is larger than {max_bytes / 1e6:g} MB")
            async for piece in response.aiter_raw():
                body.feed(piece)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(url, response.status_code, headers, body.finish())


_TIMED_OUT = "does not answer in time"
_CUT_OFF = "broke off its answer"


class _Gate:
    """Lets requests to one host through: one by one with `wait_s` between, or all if it is 0."""

    def __init__(self, wait_s: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._wait_s = wait_s
        self._sleep = sleep
        self._lock = asyncio.Lock()
        self._free_at_s: float | None = None

    async def __aenter__(self) -> None:
        if self._wait_s <= 0:
            return
        await self._lock.acquire()
        try:
            now_s = asyncio.get_running_loop().time()
            if self._free_at_s is not None and self._free_at_s > now_s:
                await self._sleep(self._free_at_s - now_s)
        except asyncio.CancelledError:
            self._lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        if self._wait_s > 0:
            self._free_at_s = asyncio.get_running_loop().time() + self._wait_s
            self._lock.release()


def _redirect_target(url: str, location: str) -> str | None:
    try:
        target = urljoin(url, location.strip())
        return target if location and urlsplit(target).scheme in ("http", "https") else None
    except ValueError:
        return None


def _jar_cookie(cookie: BrowserCookie) -> Cookie:
    domain = cookie.domain
    if "." not in domain and ":" not in domain:
        domain += ".local"  # what http.cookiejar makes of a host without a dot
    return Cookie(
        version=0,
        name=cookie.name,
        value=cookie.value,
        port=None,
        port_specified=False,
        domain=domain,
        domain_specified=domain.startswith("."),
        domain_initial_dot=domain.startswith("."),
        path=cookie.path or "/",
        path_specified=True,
        secure=cookie.secure,
        expires=None,
        discard=True,
        comment=None,
        comment_url=None,
        rest={},
    )
