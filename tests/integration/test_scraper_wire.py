"""Answers that break or bend HTTP itself, byte by byte from a raw socket: each has one outcome."""

from __future__ import annotations

import asyncio
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from scraper.fetcher import Answer, Fetcher, NoAnswer
from scraper.page_cache import PageCache
from tests.integration.scraper_world import TEST_LIMITS

ONCE = replace(TEST_LIMITS, tries=1)
OK = b"HTTP/1.1 200 OK\r\n"
BARE = zlib.compressobj(wbits=-zlib.MAX_WBITS)
DEFLATED = BARE.compress(b"hello") + BARE.flush()


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A server that gives each visitor the next answer, the last for ever; and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    visitor, _ = server.accept()
                except OSError:  # closed: the test is over
                    return
                with visitor:
                    asked.append(_request(visitor))
                    visitor.sendall(answers[min(len(asked), len(answers)) - 1])

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _request(visitor: socket.socket) -> bytes:
    """All of it: who closes before has the answer thrown away with what was not read."""
    request = b""
    while b"\r\n\r\n" not in request and (more := visitor.recv(65_536)):
        request += more
    return request


def get(url: str, path: str = "/x.torrent", *, root_url: str = "") -> Answer | NoAnswer:
    async def one() -> Answer | NoAnswer:
        async with Fetcher(root_url or url, wait_s=0, limits=ONCE, obey_robots=False) as fetcher:
            return await fetcher.torrent(url + path)

    return asyncio.run(one())


REFUSED = {
    "no HTTP at all": (b"\x00\xff garbage\r\n\r\n", "broke off its answer"),
    "nothing": (b"", "broke off its answer"),
    "headers without end": (OK + b"X: y\r\n" * 40_000, "broke off its answer"),
    "one header of 300 kB": (OK + b"X: " + b"y" * 300_000 + b"\r\n\r\n", "broke off its answer"),
    "chunks that are none": (
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nnot a size\r\n",
        "broke off its answer",
    ),
    "a chunk of 2^80 bytes": (
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\nx",
        "broke off its answer",
    ),
    "two lengths": (OK + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc", "broke off"),
    "a length that it does not keep": (OK + b"Content-Length: 9\r\n\r\nabc", "broke off"),
    "a header that smuggles": (OK + b"X: a\x00b\r\n\r\n", "broke off its answer"),
    "brotli": (OK + b"Content-Encoding: br\r\n\r\n\x0b\x02\x80hello\x03", "was not asked for"),
    "bare deflate, not asked for": (
        OK + b"Content-Encoding: deflate\r\n\r\n" + DEFLATED,
        "compression is broken",
    ),
    "a redirect with a password": (
        b"HTTP/1.1 302 Found\r\nLocation: http://me:secret@10.0.0.1/?key=secret\r\n\r\n",
        "redirects to http://10.0.0.1/, which was not followed",
    ),
    "a redirect to no name": (
        b"HTTP/1.1 302 Found\r\nLocation: http://xn--a.com/\r\n\r\n",
        "redirects to what is no address of the web",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_answer_is_a_reason(case: str) -> None:
    """Whatever the bytes, the outcome is a `NoAnswer` with its reason; nothing is raised."""
    raw, reason = REFUSED[case]
    with answering(raw) as (url, _):
        answer = get(url)
    assert isinstance(answer, NoAnswer)
    assert reason in answer.reason
    assert "secret" not in answer.reason


READ = {
    "HTTP/1.0 to the end of the connection": b"HTTP/1.0 200 OK\r\n\r\nhello",
    "zlib, though not asked for": OK
    + b"Content-Encoding: deflate\r\n\r\n"
    + zlib.compress(b"hello"),
    "chunks with extensions": OK
    + b"Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n",
    "an early hint before it": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    + OK
    + b"Content-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("case", READ)
def test_what_is_odd_but_an_answer_is_read(case: str) -> None:
    """Old and unusual servers are read to the same bytes."""
    with answering(READ[case]) as (url, asked):
        answer = get(url)
    assert isinstance(answer, Answer)
    assert answer.body == b"hello"
    assert b"\r\nAccept-Encoding: gzip\r\n" in asked[0]


@pytest.mark.parametrize(
    "link",
    ["http://xn--a.com/", "http://exa\x7fmple.com/", "http://☃.example/x", "http://a.com/\ud800"],
)
def test_a_link_that_is_no_address_ends_nothing(link: str) -> None:
    """A name that is none in IDNA, or characters that no address has: refused in words, not silent.

    Five pages without any answer would end the scrape; these say nothing of the site.
    """

    async def one() -> Answer | NoAnswer:
        async with Fetcher("http://127.0.0.1:1", wait_s=0, limits=ONCE) as fetcher:
            return await fetcher.torrent(link)

    assert asyncio.run(one()) == NoAnswer(link, "is no address of the web", silent=False)


def test_a_password_goes_to_its_own_site_only() -> None:
    """The user and password of root_url go to its scheme, host and port, and to nobody else."""

    async def both(own: str, other: str) -> None:
        async with Fetcher(
            own, feeds=(other,), wait_s=0, limits=ONCE, credentials=("me", "p w")
        ) as fetcher:
            for url in (own, other):
                assert isinstance(await fetcher.torrent(url + "/a"), Answer)

    body = OK + b"Content-Length: 0\r\n\r\n"
    with answering(body) as (own, heard), answering(body) as (other, overheard):
        asyncio.run(both(own, other))
    assert all(b"\r\nAuthorization: Basic bWU6cCB3\r\n" in request for request in heard)
    assert heard
    assert not any(b"authorization" in request.lower() for request in overheard)
    assert overheard


def test_a_validator_that_cannot_be_sent_back_is_not_kept(tmp_path: Path) -> None:
    """An ETag beyond ASCII: the page is read each time anew, and no scrape ends of it."""
    odd = OK + b'ETag: "\xe9"\r\nContent-Length: 5\r\n\r\nhello'

    async def twice(url: str) -> list[Answer | NoAnswer]:
        with PageCache(tmp_path / "pages.sqlite") as cache:
            async with Fetcher(
                url, wait_s=0, limits=ONCE, obey_robots=False, cache=cache
            ) as fetcher:
                return [await fetcher.page(url + "/x") for _ in range(2)]

    with answering(odd) as (url, asked):
        answers = asyncio.run(twice(url))
    assert [answer.body for answer in answers if isinstance(answer, Answer)] == [b"hello"] * 2
    assert not any(b"if-none-match" in request.lower() for request in asked)
