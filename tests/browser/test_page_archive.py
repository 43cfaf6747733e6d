"""Swarms and Runs in a real Chromium, over a real run on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from benchmarks.seeded_run import Scale, write_run
from observatory.desk import Observatory
from observatory.host import Host
from observatory.lab_process import LabProcess
from storage.workspace import Workspace
from tests.browser.conftest import Open, served

pytestmark = pytest.mark.browser
SWARMS = 300
DEADLINE_MS = 30_000


@pytest.fixture
def archive_url(tmp_path: Path) -> Iterator[str]:
    """The page over a workspace with one seeded run."""
    (tmp_path / "runs").mkdir()
    write_run(tmp_path / "runs", Scale(5_000, SWARMS))
    home = Observatory(Workspace(tmp_path), name="Internet", description="one seeded run")
    lab = LabProcess(["true"])
    host = Host(home, lab=lab, lab_workspace=Workspace(tmp_path / "lab"))
    with served(host) as address:
        yield address
    host.close()


def test_the_list_of_swarms_is_searched_and_opened(open_page: Open, archive_url: str) -> None:
    """The grid shows rows from the server; a search narrows it; a click opens the swarm."""
    page = open_page(f"{archive_url}/swarms")
    rows = page.locator(".ag-center-cols-container .ag-row")
    expect(rows.first).to_be_visible(timeout=DEADLINE_MS)
    expect(page.locator("#swarms-found")).to_have_text(f"{SWARMS} swarms", timeout=DEADLINE_MS)
    name = rows.first.locator("[col-id=name]").inner_text()
    page.locator("#swarms-search").fill(name)
    expect(page.locator("#swarms-found")).not_to_have_text(f"{SWARMS} swarms", timeout=DEADLINE_MS)
    rows.first.locator("[col-id=name]").click()
    expect(page.locator("h1")).to_contain_text(name, timeout=DEADLINE_MS)
    assert "/swarms/" in page.url


def test_the_archive_opens_a_run(open_page: Open, archive_url: str) -> None:
    """A run of the archive leads to the Overview of that run."""
    page = open_page(f"{archive_url}/runs")
    page.locator("#runs-list a").first.click()
    expect(page.locator("h1")).to_have_text("Overview", timeout=DEADLINE_MS)
    assert "run=20261101-120000-beac" in page.url
