"""Pictures of the page over the lab's legal sample data: two for the README, or all to look at.

    .venv/bin/python -m scripts.make_screenshots docs/images
    .venv/bin/python -m scripts.make_screenshots --all FOLDER

Starts a lab in a folder of its own, scrapes and fetches twice by clicks, and needs Chromium.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

PROJECT = Path(__file__).resolve().parents[1]
_DEADLINE_MS = 120_000
_MAPS_DRAWN = """() => new Promise((done) => {
    const end = Date.now() + 60000;
    const look = () => {
        const graphs = [...document.querySelectorAll(".map-card .js-plotly-plot")];
        const drawn = (graph) => graph._fullLayout?.map?._subplot?.map?.loaded();
        const shown = graphs.filter((graph) => graph.offsetParent && graph.data?.[0]?.lat?.length);
        const waits = document.querySelector(".map-card .graph") && graphs.length === 0;
        if ((!waits && shown.every(drawn)) || Date.now() > end) done(); else setTimeout(look, 100);
    };
    look();
})"""
_SIZES = {"narrow": (390, 844), "laptop": (1440, 900), "wide": (2560, 1440)}


def main() -> None:
    """Read the command line, take the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every page, size and theme")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=_DEADLINE_MS)
    with _lab() as url, sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if asked.all:
            _take_all(browser, url, asked.folder, "empty", ["/", "/swarms", "/runs", "/jobs"])
        swarm = _fill(browser, url)
        if asked.all:
            _take_running(browser, url, asked.folder)
        if asked.all:
            paths = ["/", "/swarms", swarm, "/runs", _comparison(browser, url), "/jobs"]
            _take_all(browser, url, asked.folder, "full", [*paths, "/methods", "/no/such"])
        else:
            _take(browser, url + "/?binning=log2", asked.folder / "overview.png", "dark", "laptop")
            _take(browser, url + swarm, asked.folder / "swarm.png", "light", "laptop")
        browser.close()


@contextmanager
def _lab() -> Iterator[str]:
    """`python main.py --lab` in a folder that is thrown away; its address."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "main.py", "--lab", "--no-browser", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--workspace", folder], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        with process.stdout:
            served = next(line for line in process.stdout if "Serving on" in line)
            found = re.search(r"http://127\.0\.0\.1:\d+", served)
            assert found is not None
            try:
                yield found[0]
            finally:
                process.terminate()
                process.wait(30)


def _fill(browser: Browser, url: str) -> str:
    """Scrape, fetch, fetch again; the path of the largest swarm."""
    page = browser.new_page()
    page.set_default_timeout(_DEADLINE_MS)
    page.goto(url)
    for button in ("scrape", "fetch", "fetch"):
        page.locator(f"#{button}").click()
        expect(page.locator("#result")).to_have_class("message done")
        page.locator("#result-dismiss").click()
        expect(page.locator("#result")).to_be_hidden()
    page.goto(f"{url}/swarms")
    expect(page.locator("#swarms-found")).to_contain_text("swarms")
    page.locator(".ag-center-cols-container .ag-row [col-id=name]").first.click()
    expect(page.locator("#swarm-again")).to_be_visible()
    path = page.url.removeprefix(url)
    page.close()
    return path


def _take_running(browser: Browser, url: str, folder: Path) -> None:
    """A fetch under way, and the message of its end."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    page.set_default_timeout(_DEADLINE_MS)
    page.goto(url)
    page.locator("#fetch").click()
    expect(page.locator("#cancel")).to_be_visible()
    page.screenshot(path=folder / "overview-running-dark-laptop.png")
    expect(page.locator("#result")).to_have_class("message done")
    page.screenshot(path=folder / "overview-ended-dark-laptop.png")
    page.close()


def _comparison(browser: Browser, url: str) -> str:
    page = browser.new_page()
    page.goto(f"{url}/runs")
    links = page.locator("#runs-list a[href*='run=']")
    expect(links.nth(1)).to_be_visible()
    runs = [str(links.nth(n).get_attribute("href")).rpartition("run=")[2] for n in (1, 0)]
    page.close()
    return f"/runs/compare?a={runs[0]}&b={runs[1]}"


def _take_all(browser: Browser, url: str, folder: Path, state: str, paths: list[str]) -> None:
    for path in paths:
        name = re.sub(r"[^a-z]+", "-", path.split("?")[0][:12]).strip("-") or "overview"
        for theme in ("light", "dark"):
            for size in _SIZES:
                _take(
                    browser, url + path, folder / f"{name}-{state}-{theme}-{size}.png", theme, size
                )


def _take(browser: Browser, address: str, path: Path, theme: str, size: str) -> None:
    width, height = _SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
    )
    page.set_default_timeout(_DEADLINE_MS)
    page.goto(address)
    expect(page.locator("main h1")).to_be_visible()
    if page.locator("#swarms-found").count():
        expect(page.locator("#swarms-found")).to_contain_text("swarm")  # the grid has its answer
    _await_charts(page)
    page.screenshot(path=path, full_page=size == "narrow")
    page.close()


def _await_charts(page: Page) -> None:
    """Until the page is quiet, and every chart that is shown is drawn."""
    page.wait_for_load_state("networkidle")
    page.evaluate(_MAPS_DRAWN)
    page.wait_for_timeout(700)  # what was drawn last fades in


if __name__ == "__main__":
    main()
