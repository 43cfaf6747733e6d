"""Pictures of the page over the lab's legal sample data: two for the README, or all to look at.

    .venv/bin/python -m scripts.make_screenshots docs/images
    .venv/bin/python -m scripts.make_screenshots --all FOLDER

Starts a lab in a folder of its own, scrapes and fetches twice by clicks, and needs Chromium. All is
every page, empty, finished, running and failed, in both themes, as wide as a phone, a laptop and a
large screen.
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
        const placed = (graph) => graph.data?.some((trace) => trace.lat?.length);
        const shown = graphs.filter((graph) => graph.offsetParent && placed(graph));
        const waits = document.querySelector(".map-card .graph") && graphs.length === 0;
        if ((!waits && shown.every(drawn)) || Date.now() > end) done(); else setTimeout(look, 100);
    };
    look();
})"""
_SIZES = {"narrow": (390, 844), "laptop": (1440, 900), "wide": (2560, 1440)}
# In the order of the navigation; what else there is to see of a finished run comes from the page.
_PAGES = {
    "overview": "/", "swarms": "/swarms", "runs": "/runs", "jobs": "/jobs", "methods": "/methods",
}  # fmt: skip
_NOTHING = {"nothing": "/no/such/page"}
_SLOW_PACKETS_PER_S = 3  # a fetch that runs until all pictures of it are taken


def main() -> None:
    """Read the command line, take the pictures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every page, state, size and theme")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=_DEADLINE_MS)
    with _lab() as (url, config), sync_playwright() as playwright:
        chromium = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if asked.all:
            _take_every_state(browser, url, config, asked.folder)
        else:
            swarm = _fill(browser, url)
            _take(browser, url + "/", asked.folder / "overview.png", "dark", "laptop")
            _take(browser, url + swarm, asked.folder / "swarm.png", "light", "laptop")
        browser.close()


def _take_every_state(browser: Browser, url: str, config: Path, folder: Path) -> None:
    _take_all(browser, url, folder, "empty", _PAGES | _NOTHING)
    known = _PAGES | {"swarm": _fill(browser, url)}
    finished = known | {"compare": _comparison(browser, url)}
    _take_all(browser, url, folder, "finished", finished)
    _set(config, "max_packets_per_s", str(_SLOW_PACKETS_PER_S))
    _set(config, "crawl_deadline_s", "600")
    page = _click(browser, url, "fetch")
    expect(page.locator("#cancel")).to_be_visible()
    _take_all(browser, url, folder, "running", known)
    page.locator("#cancel").click()
    expect(page.locator("#result")).to_have_class("message cancelled")
    _set(config, "root_url", "http://127.0.0.1:9")
    page = _click(browser, url, "scrape")
    expect(page.locator("#result")).to_have_class("message failed")
    ended = {name: _PAGES[name] for name in ("overview", "runs", "jobs")}
    _take_all(browser, url, folder, "failed", ended)


@contextmanager
def _lab() -> Iterator[tuple[str, Path]]:
    """`python main.py --lab` in a folder that is thrown away; its address and its config.txt."""
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
                yield found[0], Path(folder, ".lab", "config.txt")
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


def _set(config: Path, key: str, value: str) -> None:
    """Edit config.txt, which the next job reads."""
    text, changed = re.subn(rf"(?m)^{key}=.*$", f"{key}={value}", config.read_text())
    assert changed == 1, key
    config.write_text(text)


def _click(browser: Browser, url: str, button: str) -> Page:
    page = browser.new_page()
    page.set_default_timeout(_DEADLINE_MS)
    page.goto(url)
    page.locator(f"#{button}").click()
    return page


def _comparison(browser: Browser, url: str) -> str:
    page = browser.new_page()
    page.goto(f"{url}/runs")
    links = page.locator("#runs-list a[href*='run=']")
    expect(links.nth(1)).to_be_visible()
    runs = [str(links.nth(n).get_attribute("href")).rpartition("run=")[2] for n in (1, 0)]
    page.close()
    return f"/runs/compare?a={runs[0]}&b={runs[1]}"


def _take_all(browser: Browser, url: str, folder: Path, state: str, paths: dict[str, str]) -> None:
    for name, path in paths.items():
        for size in _SIZES:
            page = _open(browser, url + path, "light", size)
            page.screenshot(path=folder / f"{name}-{state}-light-{size}.png", full_page=True)
            page.emulate_media(color_scheme="dark")
            _await_charts(page)
            page.screenshot(path=folder / f"{name}-{state}-dark-{size}.png", full_page=True)
            page.close()


def _take(browser: Browser, address: str, path: Path, theme: str, size: str) -> None:
    page = _open(browser, address, theme, size)
    page.screenshot(path=path)
    page.close()


def _open(browser: Browser, address: str, theme: str, size: str) -> Page:
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
    return page


def _await_charts(page: Page) -> None:
    """Until the page is quiet, and every chart that is shown is drawn."""
    page.wait_for_load_state("networkidle")
    page.evaluate(_MAPS_DRAWN)
    page.wait_for_timeout(700)  # what was drawn last fades in


if __name__ == "__main__":
    main()
