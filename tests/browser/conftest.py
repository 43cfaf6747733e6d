"""A real Chromium in front of the page; whatever it asks of another machine fails the test."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.browser.fake_host import FakeHost
from tests.page_server import served

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_LOCAL_SCHEMES = ("data", "blob", "about")
expect.set_options(timeout=60_000)  # a deadline, not a promise: the machine may be busy


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests; each test has contexts of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def host() -> FakeHost:
    """The worlds behind the page: an empty internet with 24 torrents, and a lab."""
    return FakeHost(torrents=24)


@pytest.fixture
def url(host: FakeHost) -> Iterator[str]:
    """Where the page over `host` is served."""
    with served(host) as address:
        yield address


Open = Callable[..., Page]


@pytest.fixture
def allowed_complaints() -> set[str]:
    """Page errors that a test brings about on purpose; none, unless it adds them."""
    return set()


@pytest.fixture
def open_page(chromium: Browser, allowed_complaints: set[str]) -> Iterator[Open]:
    """Opens a URL in a new context; afterwards, nobody else was asked and nothing was blocked."""
    foreign: list[str] = []
    complaints: list[str] = []
    contexts = []

    def watch(route: Route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in _LOCAL_SCHEMES or parts.hostname == "127.0.0.1":
            route.continue_()
        else:
            foreign.append(route.request.url)
            route.abort()

    def open_url(address: str, width: int = 1440, height: int = 900, **options: Any) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.route("**/*", watch)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: complaints.append(said.text) if "Content Security" in said.text else None,
        )
        page.goto(address)
        page.wait_for_selector("#world strong")
        return page

    yield open_url
    # A server that its own fixture has ended meanwhile leaves requests of the page without answer.
    pages = [page for context in contexts for page in context.pages]
    if not all(_answers(page.url) for page in pages):
        allowed_complaints |= {"Failed to fetch", "Map error."}
    for context in contexts:
        context.close()
    assert foreign == []
    assert set(complaints) <= allowed_complaints


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def page(open_page: Open, url: str) -> Page:
    """The page, open in a window of 1440 x 900."""
    return open_page(url)
