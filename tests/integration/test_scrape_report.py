"""What a scrape job tells of each site and feed, above all where one of them fails as a whole."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lab.site import IndexerSite
from lab.site_faults import Fault, body_fault, status_fault
from lab.site_feeds import RSS_PATH
from observatory.desk import Observatory
from observatory.job import JobKind, JobState
from observatory.jobs import ScrapeArguments, SiteReport
from observatory.scrape import scrape
from storage.workspace import Workspace
from swarm.errors import JobCancelled
from tests.integration.scraper_world import listings

PROJECT = Path(__file__).resolve().parents[2]
CHALLENGE = body_fault(b"<title>Just a moment...</title>")


class Quiet:
    """Nobody watches."""

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """Say nothing."""


class CancelAfter(Quiet):
    """A user who cancels when so many torrents are collected."""

    def __init__(self, collected: int) -> None:
        self._collected = collected

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """Cancel where there are enough."""
        if counts["collected"] >= self._collected:
            raise JobCancelled("cancelled by the user")


def workspace(root: Path, config: str) -> Workspace:
    made = Workspace(root)
    made.prepare()
    made.config_path.write_text(f"ignore_environment=yes\nwait=0\n{config}")
    return made


def test_a_site_that_fails_in_the_middle_leaves_its_report(
    open_desk: Callable[[str], Observatory],
) -> None:
    """A challenge that no browser can pass ends it: failed, and what was had by then is told."""
    faults = {"/sort-cat/Other/*": Fault(status=503, body=CHALLENGE.body)}
    with IndexerSite(listings(1, ("TV", "Movies")), challenge=False, faults=faults) as site:
        host = site.url.removeprefix("http://")
        config = f"ignore_environment=yes\nwait=0\nbrowser=/no/such\nroot_url={site.url}\n"
        desk = open_desk(config)
        job = desk.run_here(JobKind.SCRAPE, {"per_category": 9}, Quiet())
    assert job.state is JobState.FAILED
    assert job.message is not None
    assert job.report is not None
    (told,) = map(SiteReport.model_validate, job.report["sites"])
    assert (told.site, told.kept) == (host, desk.torrents())
    assert told.found == told.kept + told.refused
    assert told.pages >= 7  # that many listings stand before the one that fails
    assert told.error == job.message
    assert told.sentence.endswith(job.message)
    assert "browser" in job.message


def test_a_site_that_never_answers_has_a_report_too(tmp_path: Path) -> None:
    """Nothing read, nothing found, and why; what a feed beside it gave stands in a row of its own.

    A feed that cannot be read has one as well. The command line shows all of them, and fails.
    """
    with (
        IndexerSite([], challenge=False, faults={"/*": status_fault(500)}) as broken,
        IndexerSite(listings(1, ("TV",)), challenge=False) as good,
    ):
        feeds = f"feeds={good.url}{RSS_PATH}, {broken.url}/feed\n"
        made = workspace(tmp_path, f"obey_robots=no\n{feeds}root_url=http://127.0.0.1:1\n")
        report = scrape(made, ScrapeArguments(), Quiet())
        command = [sys.executable, "main.py", "scrape", "--workspace", str(tmp_path)]
        typed = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
        )
    fed, unread, site = report.sites
    assert report.failed
    assert (fed.kept, fed.error) == (1, None)
    assert (unread.pages, unread.pages_not_read, unread.found) == (0, 1, 0)
    assert unread.error == "is out of order (status 500)"
    assert (site.site, site.pages, site.found) == ("127.0.0.1:1", 0, 0)
    assert site.error == report.sentence
    assert "http://127.0.0.1:1" in report.sentence
    assert typed.returncode == 1
    assert "1 torrents found, 0 kept, 1 doubled, 0 refused" in typed.stdout
    assert "127.0.0.1:1: 0 pages read, 0 torrents found" in typed.stdout
    assert "root_url in config.txt" in typed.stderr


def test_a_cancelled_scrape_leaves_its_report(tmp_path: Path) -> None:
    """Cancelled in the middle, it still tells per site what was had by then."""
    with IndexerSite(listings(2), challenge=False) as site:
        made = workspace(tmp_path, f"root_url={site.url}\n")
        report = scrape(made, ScrapeArguments(per_category=2), CancelAfter(3))
    (told,) = report.sites
    assert (report.cancelled, report.failed) == (True, False)
    assert told.kept == report.figures["collected"] == 3
    assert told.error is None


def test_a_password_in_an_address_is_used_and_shown_nowhere(tmp_path: Path) -> None:
    """root_url with a user: sent to the site, and in no report, no message, no file but config.txt.

    A magnet that a listing names wrongly is told by its infohash, without its trackers.
    """
    page = (
        '<table class="torrent-list"><tbody><tr><td></td><td><a href="/1" title="One">One</a></td>'
        f'<td><a href="magnet:?xt=urn:btih:{"z" * 40}&amp;tr=http://t.example/passkey123">m</a>'
        "</td></tr></tbody></table>"
    )
    faults = {"/": body_fault(page.encode()), "/robots.txt": status_fault(404)}
    with IndexerSite([], challenge=False, faults=faults) as site:
        address = site.url.replace("://", "://me:hunter2@")
        made = workspace(tmp_path, f"site=magnet-table\nroot_url={address}\n")
        report = scrape(made, ScrapeArguments(per_category=1), Quiet())
    told = report.model_dump_json()
    assert "magnet:" in told
    for secret in ("hunter2", "passkey123"):
        assert secret not in told
        holders = [
            path.name
            for path in tmp_path.rglob("*")
            if path.is_file() and secret.encode() in path.read_bytes()
        ]
        assert holders == (["config.txt"] if secret == "hunter2" else [])


def test_a_feed_that_did_not_change_is_not_sent_again(tmp_path: Path) -> None:
    """The second scrape gets 304 for the feed, and knows its entries nevertheless.

    A feed whose address holds a key is asked for whole each time, and never written down.
    """
    with IndexerSite(listings(1, ("TV",)), challenge=False) as site:
        key = "k" * 20
        made = workspace(
            tmp_path, f"feeds={site.url}{RSS_PATH}, {site.url}{RSS_PATH}?apikey={key}\n"
        )
        reports = [scrape(made, ScrapeArguments(), Quiet()) for _ in range(2)]
        asked = [(r.path.partition("?")[2] != "", r.status) for r in site.requests]
    statuses = {
        keyed: [status for k, status in asked if k is keyed and status in (200, 304)]
        for keyed in (False, True)
    }
    assert statuses[True] == [200, 200]
    assert statuses[False].count(304) == 1
    for report, kept, doubled in ((reports[0], 1, 1), (reports[1], 0, 2)):
        (told,) = report.sites
        assert (told.pages, told.kept, told.doubled) == (2, kept, doubled)
    assert key.encode() not in (made.cache_dir / "pages.sqlite").read_bytes()


def test_a_feed_and_a_site_on_one_host_share_its_pace(tmp_path: Path) -> None:
    """With limits on, the host sees no two requests within a second, the change-over included."""
    with IndexerSite(listings(1, ("TV",)), challenge=False) as site:
        made = workspace(tmp_path, "")
        made.config_path.write_text(
            f"ignore_environment=yes\nwait=1\nobey_robots=no\nroot_url={site.url}\n"
            f"feeds={site.url}{RSS_PATH}\n"
        )
        scrape(made, ScrapeArguments(per_category=1), CancelAfterPages(2))
        starts = [request.started_s for request in site.requests]
    paths = [request.path.split("/")[1] for request in site.requests]
    assert paths[:3] == ["feed", "download", "sort-cat"]
    gaps_s = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert min(gaps_s) >= 1


class CancelAfterPages(Quiet):
    """A user who cancels when so many listings were read."""

    def __init__(self, listings: int) -> None:
        self._listings = listings

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """Cancel where there are enough."""
        if counts["listings"] >= self._listings:
            raise JobCancelled("cancelled by the user")
