"""A page that is open while a job runs: what it keeps, what it shows again, what it waits for."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from observatory.job import JobKind, JobState
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
from tests.browser.fake_host import FakeHost
from tests.page_server import served

pytestmark = pytest.mark.browser

TICKS = 20


def begin_fetch(host: FakeHost, swarms: int) -> None:
    host.current.start(JobKind.FETCH, {})
    host.current.work(swarms)


def zoom_both(page: Page) -> None:
    """Turn the wheel over the map, and drag a range of the histogram."""
    box = page.locator("#map").bounding_box()
    assert box is not None
    before = map_view(page)[0]
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    for _ in range(4):
        page.mouse.wheel(0, -240)
    wait_until(page, "map", f"graph.layout.map.zoom > {before} + 0.5")
    wait_for_map(page)
    box = page.locator("#histogram .nsewdrag").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=8)
    page.mouse.up()
    wait_until(page, "histogram", "graph.layout.xaxis.autorange === false")


def test_zoom_is_kept_over_twenty_ticks(page: Page, host: FakeHost) -> None:
    """A run that grows twenty times leaves the reader's zoom of both charts where it was."""
    begin_fetch(host, 4)
    wait_for_markers(page)
    wait_for_bars(page)
    wait_for_map(page)
    zoom_both(page)
    zoomed = map_view(page)
    span = ask(page, "histogram", "graph.layout.xaxis.range.map(Number)")
    for tick in range(TICKS):
        host.home.work(1)
        peers = host.home.all_runs[0].summary().peers
        # A beat at once, as after an order: else this would take as long as twenty beats.
        page.evaluate(f"dash_clientside.set_props('nudge', {{data: 'tick {tick}'}})")
        total = "graph.data.reduce((sum, t) => sum + t.y.reduce((a, b) => a + b, 0), 0)"
        wait_until(page, "histogram", f"{total} === {peers}")
    wait_for_map(page)
    assert map_view(page) == zoomed
    assert ask(page, "histogram", "graph._fullLayout.xaxis.range.map(Number)") == span


def test_a_second_tab_and_a_reload_show_the_running_job(
    open_page: Open, url: str, host: FakeHost
) -> None:
    """A job that one tab has started is in the other, and still there after a reload."""
    first, second = open_page(url), open_page(url)
    first.get_by_role("button", name="Fetch new data").click()
    for page in (first, second):
        expect(page.locator("#job")).to_contain_text("Fetching peers")
    host.home.work(6)
    wait_for_bars(second)
    first.reload()
    expect(first.locator("#job")).to_contain_text("Fetching peers")
    wait_for_bars(first)
    assert sum(bars(first).values()) == host.home.all_runs[0].summary().peers
    host.home.end_job(JobState.DONE, "All swarms counted.")
    for page in (first, second):
        expect(page.locator("#result")).to_contain_text("All swarms counted.")


def test_a_tab_recovers_when_the_server_is_started_again(
    open_page: Open, host: FakeHost, allowed_complaints: set[str]
) -> None:
    """The server ends in mid-job and comes back: the tab says so, then goes on without a reload."""
    allowed_complaints |= {"Failed to fetch", "Map error."}  # what was under way when it ended
    with served(host) as address:
        page = open_page(address)
        begin_fetch(host, 6)
        few = wait_for_markers(page)
        page.evaluate("window.stayed = true")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    host.home.work(8)  # the job is a process of its own
    with served(host, port=urlsplit(address).port or 0):
        expect(page.get_by_role("alert")).to_be_hidden()
        wait_for_markers(page, more_than=few)
        expect(page.locator("#job")).to_contain_text("Fetching peers")
        assert sum(bars(page).values()) == host.home.all_runs[0].summary().peers
        assert page.evaluate("window.stayed")


def test_nothing_is_drawn_in_the_middle_of_a_drag(
    open_page: Open, url: str, host: FakeHost
) -> None:
    """While a finger is on the map nothing moves, whatever other tabs see; then it catches up."""
    begin_fetch(host, 4)
    page, other = open_page(url), open_page(url)
    held = wait_for_markers(page)
    wait_for_map(page)
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 260, box["y"] + 120, steps=4)
    seen = wait_for_markers(other)
    for _ in range(2):
        host.home.work(3)
        seen = wait_for_markers(other, more_than=seen)
    assert ask(page, "map", "graph.data[0].lat.length") == held
    page.mouse.up()
    assert wait_for_markers(page, more_than=held) == seen
