"""The lab's indexer: a web site on loopback with listings, torrents and a challenge page.

It serves the classic layout of torrent indexers from `Listing` values, so that scraping can be
tried whole, without internet. It listens on 127.0.0.1 only, on a port that the system chooses.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from lab.site_challenge import COOKIE_NAME, VERIFY_PATH, Challenge
from lab.site_faults import Fault
from lab.site_feeds import feed_document
from lab.site_pages import (
    CATEGORIES,
    Listing,
    detail_page,
    home_page,
    listing_page,
    message_page,
)

__all__ = ["CATEGORIES", "IndexerSite", "Listing", "LoggedRequest"]

_HTML = "text/html; charset=utf-8"
_MAX_POST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One request as the site saw it. Times are seconds of the monotonic clock."""

    started_s: float
    ended_s: float
    method: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class IndexerSite:
    """A running indexer site. Use it as a context manager, or `start()` and `stop()` it.

    `challenge`: visitors without a valid cookie get the challenge page (status 503).
    `challenge_lasts`: after so many requests that its first cookie let in, all cookies lose their
    worth, once. `robots`: what /robots.txt says, for everybody; None: there is none.
    Answers carry an ETag, and are not sent to whom has them already (status 304).
    `latency_s`: what every answer waits first. `page_size`: rows on a listing page.
    `faults`: path, or path beginning that ends in `*`, to what is answered there instead.
    `requests`: everything that was asked, in the order in which answers ended.
    """

    def __init__(
        self,
        listings: Sequence[Listing],
        *,
        challenge: bool = True,
        challenge_lasts: int | None = None,
        robots: str | None = None,
        latency_s: float = 0.0,
        page_size: int = 20,
        faults: Mapping[str, Fault] | None = None,
    ) -> None:
        self.requests: list[LoggedRequest] = []
        self._listings = tuple(listings)
        self._challenge = Challenge(lasts=challenge_lasts) if challenge else None
        self._robots = robots
        self._latency_s = latency_s
        self._page_size = page_size
        self._faults = dict(faults or {})
        self._struck: dict[str, int] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The root, without a slash at its end; the site must have been started."""
        if self._server is None:
            raise RuntimeError("the site is not running: call start() first")
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        """Begin to serve; returns when requests are answered."""
        self._stopping.clear()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="lab-site", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port; harmless when not running."""
        if self._server is None or self._thread is None:
            return
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None

    def __enter__(self) -> IndexerSite:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def revoke_clearances(self) -> None:
        """Make all cookies worthless: every visitor meets the challenge again."""
        if self._challenge is not None:
            self._challenge.revoke()

    def fault_at(self, path: str) -> Fault | None:
        """The fault that strikes this request, counted against its `times`."""
        for pattern, fault in self._faults.items():
            if path != pattern and not (pattern[-1:] == "*" and path.startswith(pattern[:-1])):
                continue
            with self._lock:
                struck = self._struck.get(pattern, 0)
                if fault.times is not None and struck >= fault.times:
                    continue
                self._struck[pattern] = struck + 1
            return fault
        return None

    def log(self, request: LoggedRequest) -> None:
        """Note a request that was answered."""
        with self._lock:
            self.requests.append(request)

    def pause(self, seconds: float) -> bool:
        """Wait; True when the site is being stopped meanwhile."""
        return self._stopping.wait(seconds) if seconds > 0 else self._stopping.is_set()

    @property
    def latency_s(self) -> float:
        """What every answer waits first."""
        return self._latency_s

    def answer(self, path: str, user_agent: str, cookie: str | None, query: str = "") -> _Answer:
        """What a GET of this path gets."""
        feed = feed_document(path, query, self._listings, self.url)
        if feed is not None:  # for programs, which no challenge is put before
            return _Answer(200, *feed)
        if path == "/robots.txt" and self._robots is not None:
            return _Answer(200, "text/plain", self._robots.encode())
        if self._challenge is not None and not self._challenge.admits(cookie, user_agent):
            return _Answer(503, _HTML, self._challenge.page().encode(), (("Retry-After", "1"),))
        parts = [unquote(part) for part in path.strip("/").split("/")]
        match parts:
            case [""]:
                return _page(home_page(self._counts()))
            case ["sort-cat", category, "seeders", "desc", page] if _is_page(page):
                return self._listing(category, int(page))
            case ["torrent", number, _] if (found := self._find(number)) is not None:
                return _page(detail_page(int(number), found))
            case ["download", number, _] if (found := self._find(number)) and found.torrent:
                return _Answer(200, "application/x-bittorrent", found.torrent)
        return _page(message_page("Not found", "There is nothing at this address."), 404)

    def verify(self, body: str, user_agent: str) -> _Answer:
        """What a proof of the challenge gets: the cookie, or a refusal."""
        puzzle, _, proof = body.rpartition(":")
        value = self._challenge and self._challenge.clearance(puzzle, proof, user_agent)
        if not value:
            return _Answer(403, _HTML, b"wrong proof")
        cookie = f"{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Lax"
        return _Answer(200, _HTML, b"ok", (("Set-Cookie", cookie),))

    def _counts(self) -> list[tuple[str, int]]:
        return [
            (name, sum(entry.category == name for entry in self._listings)) for name in CATEGORIES
        ]

    def _listing(self, category: str, page: int) -> _Answer:
        if category not in CATEGORIES:
            return _page(message_page("Not found", "There is no such category."), 404)
        rows = [(n, entry) for n, entry in enumerate(self._listings) if entry.category == category]
        rows.sort(key=lambda row: (-row[1].seeders, row[0]))
        pages = max(1, -(-len(rows) // self._page_size))
        first = (page - 1) * self._page_size
        shown = rows[first : first + self._page_size]
        return _page(listing_page(category, page, pages, shown))

    def _find(self, number: str) -> Listing | None:
        if number.isascii() and number.isdecimal() and len(number) < 10:
            index = int(number)
            return self._listings[index] if index < len(self._listings) else None
        return None


def _is_page(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 7 and int(text) > 0


def _page(html: str, status: int = 200) -> _Answer:
    return _Answer(status, _HTML, html.encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # an endless answer must not hold stop()
    request_queue_size = 128

    def __init__(self, site: IndexerSite) -> None:
        self.site = site
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a visitor that went away is no event here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "LanternIndex"
    sys_version = ""
    wbufsize = 65_536  # head and body in one packet
    disable_nagle_algorithm = True
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        query = urlsplit(self.path).query
        self._respond(
            lambda site: site.answer(self._path(), self._user_agent(), self._cookie(), query)
        )

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self._path() != VERIFY_PATH or not length.isdecimal() or int(length) > _MAX_POST_BYTES:
            self._respond(lambda _: _page(message_page("Not allowed", "Nothing to post."), 405))
            self.close_connection = True
            return
        body = self.rfile.read(int(length)).decode("latin-1")
        self._respond(lambda site: site.verify(body, self._user_agent()))

    def _respond(self, make: Callable[[IndexerSite], _Answer]) -> None:
        site, started_s = self.server.site, time.monotonic()
        site.pause(site.latency_s)
        fault = site.fault_at(self._path())
        status = 0
        try:
            if fault is not None:
                status = fault.status
                self._send_fault(fault)
            else:
                answer = self._unless_known(make(site))
                status = answer.status
                self._send(answer)
        finally:
            entry = LoggedRequest(started_s, time.monotonic(), self.command, self.path, status)
            site.log(entry)

    def _unless_known(self, answer: _Answer) -> _Answer:
        if answer.status != 200 or self.command != "GET":
            return answer
        etag = f'"{hashlib.sha256(answer.body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            return _Answer(304, answer.content_type, b"", (("ETag", etag),))
        return replace(answer, headers=(*answer.headers, ("ETag", etag)))

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    def _send_fault(self, fault: Fault) -> None:
        self.send_response(fault.status)
        for name, value in fault.headers:
            self.send_header(name, value)
        self.send_header("Connection", "close")  # the body's end is the connection's
        self.end_headers()
        for chunk in fault.body():
            self.wfile.write(chunk)
            self.wfile.flush()
            if self.server.site.pause(fault.pause_s):
                break
        self.close_connection = True

    def _path(self) -> str:
        return urlsplit(self.path).path

    def _user_agent(self) -> str:
        return self.headers.get("User-Agent", "")

    def _cookie(self) -> str | None:
        try:
            morsel = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE_NAME)
        except CookieError:
            return None
        return morsel.value if morsel else None

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet: `IndexerSite.requests` is the log."""
