"""The page's server ends and starts again while a real job works in its own process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from observatory.desk import Observatory
from observatory.host import Host
from observatory.lab_process import LabProcess
from storage.workspace import Workspace
from tests.browser.conftest import Open
from tests.page_server import served

pytestmark = pytest.mark.browser

DEADLINE_S = 120.0


class SlowSite(ThreadingHTTPServer):
    """An indexer that answers nobody until it is let go, and then that there is nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _SlowAnswers)
        self.asked, self.let_go = threading.Event(), threading.Event()


class _SlowAnswers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, SlowSite)
        site.asked.set()
        site.let_go.wait(DEADLINE_S)
        self.send_error(404)

    def log_message(self, *_said: object) -> None:
        """The test says what matters."""


@pytest.fixture
def site() -> Iterator[SlowSite]:
    """It answers once `let_go` is set, at the latest when the test is over."""
    with SlowSite() as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.let_go.set()
        made.shutdown()
        thread.join()


@contextmanager
def page_over(root: Path, port: int = 0) -> Iterator[str]:
    """The page as a new process of it would serve that workspace."""
    desk = Observatory(Workspace(root), name="Internet", description="The real network")
    host = Host(desk, lab=LabProcess(["false"]), lab_workspace=Workspace(root / ".lab"))
    with closing(host), served(host, port=port) as address:
        yield address


def test_a_job_goes_on_while_the_server_is_started_again(
    open_page: Open, tmp_path: Path, site: SlowSite, allowed_complaints: set[str]
) -> None:
    """The tab says that nobody answers, then goes on with the same job, and hears its end."""
    allowed_complaints |= {"Failed to fetch", "Map error."}  # what was under way when it ended
    config = (
        "ignore_environment=yes\nwait=0\nobey_robots=no\n"
        f"root_url=http://127.0.0.1:{site.server_port}\n"
    )
    (tmp_path / "config.txt").write_text(config)
    with page_over(tmp_path) as address:
        page = open_page(address)
        page.evaluate("window.stayed = true")
        page.get_by_role("button", name="Scrape new torrents").click()
        expect(page.locator("#job")).to_contain_text("Scraping torrents")
        assert site.asked.wait(DEADLINE_S)
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    with page_over(tmp_path, urlsplit(address).port or 0):
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(page.locator("#job")).to_contain_text("Scraping torrents")
        site.let_go.set()
        expect(page.locator("#result")).to_contain_text("Scraping torrents failed")
        assert page.evaluate("window.stayed")
