"""Runs in a real Chromium: compared, taken along, deleted; by keys as well."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from storage.workspace import Workspace
from tests.browser.conftest import Open
from tests.integration.page_world import RUN, PageWorld, page_world, write_run

pytestmark = pytest.mark.browser

OLDER = "20261120-120000-abcd"
JOB_DEADLINE_MS = 60_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PageWorld]:
    """Two runs on disk, for one test alone."""
    workspace = Workspace(tmp_path)
    workspace.prepare()
    write_run(workspace, OLDER)
    with page_world(tmp_path) as made:
        yield made


@pytest.fixture
def runs(open_page: Open, world: PageWorld) -> Page:
    """The page of runs, with both in its list."""
    page = open_page(f"{world.url}/runs")
    expect(page.locator("#runs-list tbody tr")).to_have_count(2)
    return page


def test_the_latest_two_runs_are_compared_by_one_key(runs: Page, world: PageWorld) -> None:
    """The older one before, the newer one after; what differs stands in a column of its own."""
    runs.locator("#runs-compare").focus()
    runs.keyboard.press("Enter")
    expect(runs.locator("h1")).to_have_text("Two runs compared")
    expect(runs).to_have_url(f"{world.url}/runs/compare?a={OLDER}&b={RUN}")
    for name in ("Countries", "Places", "Swarms"):
        table = runs.get_by_role("region", name=name)
        expect(table.get_by_role("columnheader", name="Difference")).to_be_visible()
    france = runs.get_by_role("row").filter(has_text="France").first
    assert france.get_by_role("cell").all_inner_texts()[:4] == ["France", "20", "20", "0"]


def test_a_run_is_taken_along_whole(runs: Page) -> None:
    """The zip has the tables as CSV, and how their numbers came about."""
    with runs.expect_download() as saved:
        runs.get_by_role("link", name="Download").click()
    names = zipfile.ZipFile(saved.value.path()).namelist()
    assert {"countries.csv", "methods.md"} <= {Path(name).name for name in names}


def test_a_run_is_deleted_after_a_question(runs: Page, world: PageWorld) -> None:
    """It says how much goes; Escape and Keep keep all; Delete leaves the other run."""
    runs.locator("#runs-chosen").click()
    runs.get_by_role("option").first.click()
    runs.keyboard.press("Escape")
    question = runs.get_by_role("dialog")
    for way in ("Escape", "Keep"):
        runs.locator("#runs-delete").click()
        expect(question).to_contain_text("This deletes 1 run with 33 peers")
        if way == "Escape":
            runs.keyboard.press("Escape")
        else:
            question.get_by_role("button", name="Keep them").click()
        expect(question).to_be_hidden()
    assert len(world.desk.runs()) == 2
    runs.locator("#runs-delete").click()
    question.get_by_role("button", name="Delete", exact=True).click()
    rows = runs.locator("#runs-list tbody tr")
    expect(rows).to_have_count(1, timeout=JOB_DEADLINE_MS)
    assert [run.id for run in world.desk.runs()] == [OLDER]


def test_without_runs_there_is_nothing_to_do_with_them(runs: Page) -> None:
    """The last run gone, the page says how to make one, and offers nothing else."""
    runs.locator("#runs-chosen").click()
    for number in range(2):
        runs.get_by_role("option").nth(number).click()
    runs.keyboard.press("Escape")
    runs.locator("#runs-delete").click()
    runs.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(runs.locator("#runs-list")).to_contain_text("No run is kept", timeout=JOB_DEADLINE_MS)
    expect(runs.locator("#runs-orders")).to_be_hidden()
