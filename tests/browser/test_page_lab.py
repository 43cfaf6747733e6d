"""The main job by clicks, on real parts: the lab's site, DHT and clients, and the page."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.charts import (
    ask,
    bars,
    map_view,
    wait_for_bars,
    wait_for_map,
    wait_for_markers,
    wait_until,
)
from tests.browser.conftest import Open

pytestmark = pytest.mark.browser

PROJECT = Path(__file__).resolve().parents[2]
JOB_DEADLINE_MS = 90_000
# Slow enough that the page sees the fetch half done; the lab itself would be through in a second.
SLOW_PACKETS_PER_S = 15


@pytest.fixture
def lab_folder(tmp_path: Path) -> Path:
    """The workspace of the lab that `lab_url` serves."""
    return tmp_path / ".lab"


@pytest.fixture
def lab_url(tmp_path: Path, lab_folder: Path) -> Iterator[str]:
    """`python main.py --lab` in a workspace of its own, as a user starts it."""
    command = [sys.executable, "main.py", "--lab", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--workspace", str(tmp_path)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        served = next(line for line in process.stdout if "Serving on" in line)
        found = re.search(r"http://127\.0\.0\.1:\d+", served)
        assert found is not None
        yield found[0]
        process.terminate()
        process.wait(30)


def slow_the_crawl(lab_folder: Path) -> None:
    """Edit config.txt, which the next job reads."""
    config = lab_folder / "config.txt"
    text = re.sub(
        r"max_packets_per_s=\S+", f"max_packets_per_s={SLOW_PACKETS_PER_S}", config.read_text()
    )
    config.write_text(text)


def zoom_in(page: Page) -> list[float]:
    """Turn the wheel over the map until it stands still closer; the view then."""
    wait_for_map(page)
    before = map_view(page)[0]
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.4)
    for _ in range(4):
        page.mouse.wheel(0, -240)
    wait_until(page, "map", f"graph.layout.map.zoom > {before} + 0.5")
    wait_for_map(page)
    return map_view(page)


def test_the_main_job_from_scrape_to_purge(open_page: Open, lab_url: str, lab_folder: Path) -> None:
    """Scrape through the challenge, fetch, watch it grow, pause, zoom, reload, purge."""
    page = open_page(lab_url)
    expect(page.locator("#world")).to_contain_text("The lab")
    expect(page.locator("#world")).to_contain_text("seed 7")
    expect(page.locator("#scrape-plan")).to_contain_text("8 categories x 3 = up to 24 torrents")

    page.get_by_role("button", name="Scrape new torrents").click()
    expect(page.locator("#job")).to_contain_text("Scraping torrents")
    result = page.locator("#result")
    expect(result).to_contain_text("24 new torrents", timeout=JOB_DEADLINE_MS)
    expect(page.locator("#fetch-plan")).to_contain_text("24 collected torrents")

    slow_the_crawl(lab_folder)
    page.get_by_role("button", name="Fetch new data").click()
    expect(page.locator("#job")).to_contain_text("Fetching peers")
    few = wait_for_markers(page)
    wait_for_bars(page)
    expect(page.locator("#job")).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    view = zoom_in(page)
    page.get_by_role("button", name="Play").click()
    wait_for_markers(page, more_than=few)
    assert view == map_view(page)

    page.reload()
    expect(page.locator("#job")).to_contain_text("Fetching peers")
    expect(result).to_contain_text("24 swarms", timeout=JOB_DEADLINE_MS)
    expect(page.locator("#numbers")).to_contain_text("24 / 24")
    wait_for_bars(page)
    assert sum(bars(page).values()) > 500
    assert len(set(ask(page, "map", "graph.data[0].marker.color"))) > 5

    page.get_by_role("button", name="Purge data").click()
    page.get_by_role("button", name="Delete 1 run").click()
    expect(result).to_contain_text("all torrents are still there", timeout=JOB_DEADLINE_MS)
    expect(page.locator("#empty")).to_be_visible()
    expect(page.locator("#fetch-plan")).to_contain_text("24 collected torrents")
    assert not list((lab_folder / "runs").glob("*/manifest.json"))


def test_a_site_that_does_not_answer_is_one_sentence(
    open_page: Open, lab_url: str, lab_folder: Path
) -> None:
    """The job ends failed, says what it tried and what to edit; an edited config.txt counts."""
    page = open_page(lab_url)
    config = lab_folder / "config.txt"
    config.write_text(re.sub(r"root_url=\S+", "root_url=http://127.0.0.1:9", config.read_text()))
    page.get_by_role("button", name="Scrape new torrents").click()
    result = page.locator("#result")
    expect(result).to_have_class("message failed", timeout=JOB_DEADLINE_MS)
    expect(result).to_contain_text("root_url")
    expect(result).to_contain_text("127.0.0.1:9")
    assert "Traceback" not in page.inner_text("body")
