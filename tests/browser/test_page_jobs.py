"""Clicks that start, watch and stop jobs; sentences where something cannot be done."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from observatory.job import JobKind, JobState
from tests.browser.charts import wait_for_markers
from tests.browser.conftest import Open
from tests.browser.fake_host import FakeHost

pytestmark = pytest.mark.browser


def test_the_page_says_beforehand_how_many_torrents(page: Page, host: FakeHost) -> None:
    """Categories times the number, and from where, before anything is clicked."""
    plan = page.locator("#scrape-plan")
    expect(plan).to_have_text("8 categories x 3 = up to 24 torrents from https://indexer.example")
    number = page.get_by_label("Torrents per category")
    number.fill("150")
    expect(plan).to_contain_text("8 categories x 150 = up to 1,200 torrents")
    number.fill("")
    expect(plan).to_contain_text("A whole number")
    page.get_by_role("button", name="Scrape new torrents").click()
    expect(page.locator("#notice")).to_contain_text("A whole number")
    assert host.home.jobs == []


def test_a_scrape_shows_its_progress_and_its_end(page: Page, host: FakeHost) -> None:
    """What it does, how far it is, how it ended; the ending, once dismissed, stays away."""
    page.get_by_role("button", name="Scrape new torrents").click()
    job = page.locator("#job")
    expect(job).to_contain_text("Scraping torrents")
    host.home.work(5)
    expect(job).to_contain_text("5 of 24")
    expect(job).to_contain_text("Collected Open film no. 5")
    expect(job.get_by_role("progressbar")).to_have_attribute("value", "5")
    host.home.end_job(JobState.DONE, "24 torrents collected, 2 were already here.")
    result = page.locator("#result")
    expect(result).to_contain_text("24 torrents collected, 2 were already here.")
    expect(job).to_be_hidden()
    result.get_by_role("button").click()
    expect(result).to_be_hidden()
    page.reload()
    expect(page.locator("#fetch-plan")).to_contain_text("29 collected torrents")
    expect(result).to_be_hidden()


def test_a_job_survives_reload_and_is_in_every_tab(
    page: Page, open_page: Open, url: str, host: FakeHost
) -> None:
    """Progress comes from the job itself, so a reload and a second tab show the same."""
    page.get_by_role("button", name="Fetch new data").click()
    expect(page.locator("#job")).to_contain_text("Fetching peers")
    host.home.work(7)
    expect(page.locator("#job")).to_contain_text("7 of 24")
    page.reload()
    expect(page.locator("#job")).to_contain_text("7 of 24")
    other = open_page(url)
    expect(other.locator("#job")).to_contain_text("7 of 24")
    other.get_by_role("button", name="Cancel").click()
    expect(page.locator("#result")).to_contain_text("cancelled")
    assert JobState.CANCELLED is host.home.jobs[-1].state


def test_a_second_start_is_refused_with_a_sentence(page: Page, host: FakeHost) -> None:
    """While a job runs, another start says why not, and what to do; dismissing works."""
    host.home.start(JobKind.FETCH, {})
    page.get_by_role("button", name="Fetch new data").click()
    notice = page.locator("#notice")
    expect(notice).to_contain_text("a fetch job is running: wait for it, or cancel it")
    notice.get_by_role("button").click()
    expect(notice).to_be_hidden()
    assert len(host.home.jobs) == 1


def test_purge_asks_first_and_says_what_goes(page: Page, host: FakeHost) -> None:
    """The question names runs, peers and what is kept; only Delete deletes."""
    host.home.start(JobKind.FETCH, {})
    host.home.work(24)
    host.home.end_job(JobState.DONE, None)
    wait_for_markers(page)
    peers = host.home.all_runs[0].summary().peers
    page.get_by_role("button", name="Purge data").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text(f"This deletes 1 run with {peers:,} peers")
    expect(question).to_contain_text("24 collected torrents will be kept")
    question.get_by_role("button", name="Keep it").click()
    expect(question).to_be_hidden()
    assert JobKind.FETCH is host.home.jobs[-1].kind

    page.get_by_role("button", name="Purge data").click()
    question.get_by_role("button", name="Delete 1 run").click()
    expect(page.locator("#job")).to_contain_text("Purging data")
    host.home.end_job(JobState.DONE, "1 run deleted; all torrents are still there.")
    expect(page.locator("#result")).to_contain_text("1 run deleted")
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#fetch-plan")).to_contain_text("24 collected torrents")


def test_purge_of_nothing_is_not_offered(page: Page) -> None:
    """Without a run, the question says so and its button is off."""
    page.get_by_role("button", name="Purge data").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("nothing to delete")
    expect(question.get_by_role("button", name="Delete")).to_be_disabled()


def test_a_bad_config_is_one_sentence(page: Page, host: FakeHost) -> None:
    """What config.txt has wrong stands where the plan was; a failed job says its reason."""
    host.home.settings_error = "config.txt, line 3: unknown key 'rooturl'"
    host.home.changes += 1
    expect(page.locator("#scrape-plan")).to_have_text("config.txt, line 3: unknown key 'rooturl'")
    host.home.start(JobKind.SCRAPE, {"per_category": 3})
    host.home.end_job(JobState.FAILED, "https://indexer.example answered 404: edit root_url.")
    result = page.locator("#result")
    expect(result).to_contain_text("failed: https://indexer.example answered 404: edit root_url.")
    expect(result).to_have_class("message failed")


def test_a_fault_is_admitted_without_a_stack_trace(
    page: Page, host: FakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen exception becomes one sentence on the page; the log has the rest."""
    host.home.purge_preview = lambda: 1 / 0  # type: ignore[assignment, return-value]
    page.get_by_role("button", name="Purge data").click()
    expect(page.locator("#notice")).to_contain_text("Something went wrong inside Swarm Atlas")
    assert "Traceback" not in page.inner_text("body")
    assert "ZeroDivisionError" in caplog.text
