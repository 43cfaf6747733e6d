"""The challenge, passed by a real Chromium, and no process that outlives the job."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.site import IndexerSite
from lab.site_challenge import COOKIE_NAME
from lab.site_faults import Fault
from scraper.browser_keeper import descendants
from scraper.challenge import pass_challenge
from scraper.collect import (
    ChallengePassed,
    ChallengeSeen,
    ScrapeEvent,
    TorrentCollected,
    collect,
)
from swarm.errors import SiteError
from tests.integration.scraper_world import TEST_LIMITS, listings, next_said, plan

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent.parent
NEVER_GONE = Fault(
    status=503,
    body=lambda: iter([b"<title>Just a moment...</title><form id=challenge-form></form>"]),
)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all tests: the driver is patched once, as in a real workspace."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def _leaves_nothing(cache_dir: Path) -> Iterator[None]:
    """Whatever a test does, no browser of this process and no profile is left after it."""
    yield
    assert _browsers_below(os.getpid()) == []
    assert list(cache_dir.glob("profile-*")) == []


def _browsers_below(pid: int) -> list[int]:
    return [child for child in descendants(pid) if "chrom" in _command(child)]


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _wait_until(met: Callable[[], bool], *, deadline_s: float = 60.0) -> None:
    end_s = time.monotonic() + deadline_s
    while not met():
        assert time.monotonic() < end_s, "did not come true within its deadline"
        time.sleep(0.05)


def test_the_challenge_is_passed_once_and_all_is_collected(cache_dir: Path) -> None:
    """One visit of the browser; everything after it is plain HTTP with what it brought back."""
    with IndexerSite(listings(4)) as site:
        events = list(collect(plan(site.url, cache_dir), (), limits=TEST_LIMITS))
    assert sum(isinstance(event, ChallengeSeen) for event in events) == 1
    assert sum(isinstance(event, ChallengePassed) for event in events) == 1
    assert sum(isinstance(event, TorrentCollected) for event in events) == 24


def test_a_challenge_in_mid_scrape_is_passed_again(cache_dir: Path) -> None:
    """Cookies that lose their worth in the middle cost one more visit, and no torrent."""
    events: list[ScrapeEvent] = []
    with IndexerSite(listings(12), latency_s=0.01) as site:
        for event in collect(plan(site.url, cache_dir, per_category=12), (), limits=TEST_LIMITS):
            events.append(event)
            if sum(isinstance(e, TorrentCollected) for e in events) == 1:
                site.revoke_clearances()
                events.append(event)  # count it twice so that this happens once
    collected = {e.torrent.infohash for e in events if isinstance(e, TorrentCollected)}
    assert len(collected) == 96
    assert sum(isinstance(event, ChallengePassed) for event in events) == 2


def test_cookies_that_run_out_in_mid_scrape_cost_one_more_visit(cache_dir: Path) -> None:
    """The site's cookies end after 20 requests: one more visit, and nothing is lost."""
    with IndexerSite(listings(6), challenge_lasts=20) as site:
        events = list(collect(plan(site.url, cache_dir, per_category=6), (), limits=TEST_LIMITS))
    assert sum(isinstance(event, ChallengePassed) for event in events) == 2
    collected = [e.torrent.infohash for e in events if isinstance(e, TorrentCollected)]
    assert len(collected) == len(set(collected)) == 48


def test_a_challenge_that_stays_ends_in_one_sentence(cache_dir: Path) -> None:
    """The browser gives up after wait_challenge_s; the sentence names the keys to edit."""
    with IndexerSite([], challenge=False, faults={"/*": NEVER_GONE}) as site:
        scrape_plan = plan(site.url, cache_dir, wait_challenge_s=0.5)
        with pytest.raises(SiteError, match=r"did not pass.*wait-safe-cloudfare.*root_url"):
            list(collect(scrape_plan, (), limits=TEST_LIMITS))


def test_a_challenge_that_always_comes_back_ends_in_one_sentence(cache_dir: Path) -> None:
    """A site that takes no cookie of ours is left after a few passes."""
    events: list[ScrapeEvent] = []

    def scrape(site: IndexerSite) -> None:
        for event in collect(plan(site.url, cache_dir), (), limits=TEST_LIMITS):
            events.append(event)
            if isinstance(event, ChallengePassed):
                site.revoke_clearances()

    with IndexerSite(listings(1)) as site, pytest.raises(SiteError, match="again"):
        scrape(site)
    assert 1 <= sum(isinstance(event, ChallengePassed) for event in events) <= 3


def test_a_missing_browser_names_the_packages(cache_dir: Path) -> None:
    """No browser: the scrape fails with what to install; a site without challenge still works."""
    absent = str(cache_dir / "no-such-browser")
    with (
        IndexerSite(listings(1)) as site,
        pytest.raises(SiteError, match="apt install chromium chromium-driver"),
    ):
        list(collect(plan(site.url, cache_dir, binary=absent), (), limits=TEST_LIMITS))
    with IndexerSite(listings(1), challenge=False) as site:
        events = list(collect(plan(site.url, cache_dir, binary=absent), (), limits=TEST_LIMITS))
    assert sum(isinstance(event, TorrentCollected) for event in events) == 8


def test_the_packaged_driver_is_left_alone(tmp_path: Path) -> None:
    """What is patched is a private copy, named after its version; the packaged file is not."""
    packaged = Path(shutil.which("chromedriver") or "")
    before = packaged.read_bytes()
    with IndexerSite(listings(1)) as site:
        list(collect(plan(site.url, tmp_path), (), limits=TEST_LIMITS))
    said = subprocess.run([packaged, "--version"], capture_output=True, text=True, check=True)
    (copy,) = (tmp_path / "chromedriver").glob("chromedriver-*")
    assert copy.name.removeprefix("chromedriver-") in said.stdout
    assert copy.read_bytes() != before == packaged.read_bytes()


def test_the_browser_does_not_call_itself_headless(cache_dir: Path) -> None:
    """The user agent that is handed over is that of an ordinary Chrome."""
    with IndexerSite(listings(1)) as site:
        clearance = asyncio.run(
            pass_challenge(site.url, wait_s=20, plan=plan(site.url, cache_dir).browser)
        )
    assert "Chrome/" in clearance.user_agent
    assert "Headless" not in clearance.user_agent
    assert [cookie.name for cookie in clearance.cookies] == [COOKIE_NAME]


def test_an_automated_browser_is_not_let_in(tmp_path: Path) -> None:
    """The lab's challenge is a real one: plain Selenium, which says so, does not pass it."""
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.support.wait import WebDriverWait

    options = ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", f"--user-data-dir={tmp_path}"):
        options.add_argument(argument)
    with IndexerSite(listings(1)) as site:
        driver = Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            driver.get(site.url)
            WebDriverWait(driver, 20).until(lambda d: "not let in" in d.page_source)
        finally:
            driver.quit()
        assert {entry.method for entry in site.requests} == {"GET"}
    _wait_until(lambda: _browsers_below(os.getpid()) == [])


def test_a_cancelled_job_takes_its_browser_along(cache_dir: Path) -> None:
    """Closing the generator in mid-challenge ends the browser at once."""
    with IndexerSite([], challenge=False, faults={"/*": NEVER_GONE}) as site:
        scrape_plan = plan(site.url, cache_dir, wait_challenge_s=600)
        events = collect(scrape_plan, (), limits=TEST_LIMITS)
        assert isinstance(next_said(events), ChallengeSeen)
        _wait_until(lambda: len(_browsers_below(os.getpid())) > 3)
        events.close()
        assert _browsers_below(os.getpid()) == []


JOB = """
import sys
from pathlib import Path
from scraper.collect import collect
from tests.integration.scraper_world import next_said, plan
events = collect(plan(sys.argv[1], Path(sys.argv[2]), wait_challenge_s=600), ())
while True:
    print(type(next_said(events)).__name__, flush=True)
"""


def test_job_and_keeper_killed_at_once_leave_no_browser(cache_dir: Path) -> None:
    """kill -9 of both, so that nobody is left to clean up: the kernel ends driver and browser.

    The profile that stays is swept by the next visit.
    """
    with (
        IndexerSite([], challenge=False, faults={"/*": NEVER_GONE}) as site,
        subprocess.Popen(
            [sys.executable, "-c", JOB, site.url, str(cache_dir)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        ) as job,
    ):
        assert job.stdout is not None
        assert job.stdout.readline() == "ChallengeSeen\n"
        _wait_until(lambda: len(_browsers_below(job.pid)) > 3)
        left = {pid: _command(pid) for pid in descendants(job.pid)}
        keepers = [pid for pid in left if "scraper.browser_keeper" in left[pid]]
        os.kill(keepers[0], signal.SIGSTOP)  # it cannot even see that the job ends
        job.kill()
        os.kill(keepers[0], signal.SIGKILL)
    _wait_until(lambda: not any(_command(pid) == left[pid] != "" for pid in left))
    (abandoned,) = cache_dir.glob("profile-*")
    with IndexerSite(listings(1)) as site:
        scrape_plan = plan(site.url, cache_dir)
        asyncio.run(pass_challenge(site.url, wait_s=20, plan=scrape_plan.browser))
    assert not abandoned.exists()


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_job_leaves_no_browser(cache_dir: Path, death: signal.Signals) -> None:
    """kill -9 of the job in mid-challenge: keeper, driver, browser and profile are gone soon."""
    with (
        IndexerSite([], challenge=False, faults={"/*": NEVER_GONE}) as site,
        subprocess.Popen(
            [sys.executable, "-c", JOB, site.url, str(cache_dir)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        ) as job,
    ):
        assert job.stdout is not None
        assert job.stdout.readline() == "ChallengeSeen\n"
        _wait_until(lambda: len(_browsers_below(job.pid)) > 3)
        left = {pid: _command(pid) for pid in descendants(job.pid)}
        job.send_signal(death)
    _wait_until(lambda: not any(_command(pid) == left[pid] != "" for pid in left))
    _wait_until(lambda: list(cache_dir.glob("profile-*")) == [])


def test_a_killed_keeper_takes_its_browser_along(cache_dir: Path) -> None:
    """Where the keeper itself is killed, the job ends its group and says what happened."""
    with IndexerSite([], challenge=False, faults={"/*": NEVER_GONE}) as site:
        events = collect(plan(site.url, cache_dir, wait_challenge_s=600), (), limits=TEST_LIMITS)
        assert isinstance(next_said(events), ChallengeSeen)
        _wait_until(lambda: len(_browsers_below(os.getpid())) > 3)
        keepers = [p for p in descendants(os.getpid()) if "scraper.browser_keeper" in _command(p)]
        browsers = {pid: _command(pid) for pid in _browsers_below(os.getpid())}
        os.kill(keepers[0], signal.SIGKILL)
        with pytest.raises(SiteError, match="ended before it said anything"):
            next(events)
    _wait_until(lambda: not any(_command(pid) == browsers[pid] != "" for pid in browsers))
    _sweep(cache_dir)


def _sweep(cache_dir: Path) -> None:
    """What the next visit does first, in a process that ends at once."""
    code = "from pathlib import Path; from scraper.browser_profiles import new_profile; "
    code += f"new_profile(Path({str(cache_dir)!r})).rmdir()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
