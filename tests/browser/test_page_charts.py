"""The charts of a live run: they grow, and what the reader set stays as it was."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from observatory.job import JobKind, JobState
from tests.browser.charts import (
    ask,
    bars,
    bins,
    map_view,
    marker_in_sight,
    wait_for_bars,
    wait_for_map,
    wait_for_markers,
    wait_until,
)
from tests.browser.conftest import Open
from tests.browser.fake_host import FakeHost

pytestmark = pytest.mark.browser


def begin_fetch(host: FakeHost, swarms: int) -> None:
    host.current.start(JobKind.FETCH, {})
    host.current.work(swarms)


def test_bars_and_markers_appear_while_the_fetch_runs(page: Page, host: FakeHost) -> None:
    """Swarms show on both charts and in the numbers as soon as each is finished."""
    page.get_by_role("button", name="Fetch new data").click()
    expect(page.locator("#job")).to_contain_text("Fetching peers")
    host.home.work(4)
    few = wait_for_markers(page)
    wait_for_bars(page)
    host.home.work(8)
    assert wait_for_markers(page, more_than=few) > few
    expect(page.locator("#numbers")).to_contain_text("12 / 24")
    assert host.home.all_runs[0].summary().peers == sum(bars(page).values())


def test_live_updates_keep_the_view_of_both_charts(page: Page, host: FakeHost) -> None:
    """New data, another theme and other bins leave the reader's zoom where it was."""
    begin_fetch(host, 8)
    few = wait_for_markers(page)
    wait_for_bars(page)
    wait_for_map(page)
    before = map_view(page)
    box = page.locator("#map").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.4)
    for _ in range(4):
        page.mouse.wheel(0, -240)
    wait_until(page, "map", "graph.layout.map.zoom > 1.5")
    wait_for_map(page)
    page.locator("#histogram").scroll_into_view_if_needed()
    bars_box = page.locator("#histogram .nsewdrag").bounding_box()
    assert bars_box is not None
    middle = bars_box["y"] + bars_box["height"] / 2
    page.mouse.move(bars_box["x"] + bars_box["width"] * 0.3, middle)
    page.mouse.down()
    page.mouse.move(bars_box["x"] + bars_box["width"] * 0.6, middle, steps=8)
    page.mouse.up()
    wait_until(page, "histogram", "graph.layout.xaxis.autorange === false")
    zoomed, span = map_view(page), ask(page, "histogram", "graph.layout.xaxis.range.map(Number)")
    assert before != zoomed

    host.home.work(6)
    more = wait_for_markers(page, more_than=few)
    assert zoomed == map_view(page)
    assert span == ask(page, "histogram", "graph._fullLayout.xaxis.range.map(Number)")

    page.get_by_text("Light", exact=True).click()
    wait_until(
        page, "map", "graph.layout.map.style.layers[0].paint['background-color'] == '#e9f0f6'"
    )
    host.home.work(6)
    wait_for_markers(page, more_than=more)
    assert zoomed == map_view(page)
    assert span == ask(page, "histogram", "graph._fullLayout.xaxis.range.map(Number)")


def test_pause_holds_the_page_still(open_page: Open, url: str, host: FakeHost) -> None:
    """A paused page stays as it is while another tab sees the run grow; Play catches up."""
    begin_fetch(host, 6)
    paused, other = open_page(url), open_page(url)
    held = wait_for_markers(paused)
    paused.get_by_role("button", name="Pause").click()
    expect(paused.locator("#live")).to_have_text("Paused")
    text = paused.inner_text("main")
    seen = wait_for_markers(other)
    for _ in range(3):
        host.home.work(3)
        seen = wait_for_markers(other, more_than=seen)
    assert held == ask(paused, "map", "graph.data[0].lat.length")
    assert text == paused.inner_text("main")
    paused.get_by_role("button", name="Play").click()
    assert seen == wait_for_markers(paused, more_than=held)


@pytest.mark.parametrize("view", ["places", "classic"])
def test_names_of_torrents_stay_text(open_page: Open, url: str, host: FakeHost, view: str) -> None:
    """Markup in a torrent's name is shown as it is written and never becomes an element."""
    begin_fetch(host, 1)
    page = open_page(f"{url}/?map={view}" if view == "classic" else url)
    wait_for_markers(page)
    wait_for_map(page)
    spot = marker_in_sight(page)
    page.mouse.move(spot[0] - 3, spot[1])
    page.mouse.move(spot[0], spot[1], steps=3)
    told = page.locator("#map .hoverlayer" if view == "classic" else "#place")
    expect(told).to_contain_text("<img src=x onerror='window.pwned=1'>")
    assert page.locator(".map-card img").count() == 0
    assert page.locator("#map .hoverlayer a").count() == 0
    assert page.evaluate("window.pwned") is None


def test_the_hover_of_the_histogram_is_text(open_page: Open, url: str, host: FakeHost) -> None:
    """The pointer on a bar is told sizes and countries; of a torrent's name nothing is made."""
    begin_fetch(host, 1)
    page = open_page(url)
    wait_for_bars(page)
    page.locator("#histogram").scroll_into_view_if_needed()
    box = page.locator("#histogram .bars path").first.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 2, y)
    page.mouse.move(x, y, steps=3)
    expect(page.locator("#histogram .hoverlayer")).to_contain_text("United States")
    assert page.locator("#histogram img, #histogram .hoverlayer a").count() == 0
    assert page.evaluate("window.pwned") is None


def test_the_colour_key_hides_a_country_in_both_charts(page: Page, host: FakeHost) -> None:
    """A click on a country takes its bars and markers away, also from data that comes later."""
    begin_fetch(host, 8)
    all_markers = wait_for_markers(page)
    wait_for_bars(page)
    assert "United States" in bars(page)
    key = page.locator("button[data-country=US]")
    key.click()
    expect(key).to_have_attribute("aria-pressed", "false")
    wait_until(page, "histogram", "!graph.data.some(t => t.name == 'United States')")
    wait_until(page, "map", f"graph.data[0].lat.length < {all_markers}")
    fewer = ask(page, "map", "graph.data[0].lat.length")
    host.home.work(8)
    wait_for_markers(page, more_than=fewer)
    assert "United States" not in bars(page)
    key.click()
    wait_until(page, "histogram", "graph.data.some(t => t.name == 'United States')")


def test_bins_and_top_countries_are_the_readers_choice(page: Page, host: FakeHost) -> None:
    """100 MB bins as the classic tool had them or doublings; 3 to 10 countries with a colour."""
    begin_fetch(host, 24)
    host.home.end_job(JobState.DONE, None)
    wait_for_bars(page)
    assert "512 - 1024" in bins(page)
    page.get_by_text("100 MB bins").click()
    wait_until(page, "histogram", "!graph._fullLayout.xaxis._categories.includes('512 - 1024')")
    classic = bins(page)
    assert classic[-1] == "unknown size"
    lows = [int(label.split(" - ")[0]) for label in classic[:-1]]
    assert sorted(lows) == lows
    assert all(low % 100 == 0 for low in lows)
    assert len(bars(page)) == 12
    total = sum(bars(page).values())

    page.get_by_text("Top 3", exact=True).click()
    wait_until(page, "histogram", "graph.data.length == 5")
    page.get_by_text("log₂ bins").click()
    wait_until(page, "histogram", "graph._fullLayout.xaxis._categories.includes('512 - 1024')")
    assert total == sum(bars(page).values())
    assert {"Other countries", "Unknown country"} < set(bars(page))


def test_charts_and_table_agree_on_colours(page: Page, host: FakeHost) -> None:
    """A country has the same colour as bar, as marker and in the table."""
    begin_fetch(host, 12)
    wait_for_bars(page)
    wait_for_markers(page)
    swatch = page.locator("button[data-country=FR] .swatch")
    in_table = swatch.evaluate("swatch => swatch.style.backgroundColor")
    in_bars = ask(page, "histogram", "graph.data.find(t => t.name == 'France').marker.color")
    red, green, blue = (int(in_bars[i : i + 2], 16) for i in (1, 3, 5))
    assert f"rgb({red}, {green}, {blue})" == in_table
    assert in_bars in ask(page, "map", "graph.data[0].marker.color")


def test_a_click_on_a_country_narrows_everything(page: Page, host: FakeHost) -> None:
    """Map, bars, numbers and the address follow; the words say so, and take it back."""
    begin_fetch(host, 24)
    host.home.end_job(JobState.DONE, None)
    wait_for_bars(page)
    everybody = sum(bars(page).values())
    page.locator("button[data-pick=country][data-value=FR]").click()
    expect(page.locator("#narrowed")).to_contain_text("France")
    wait_until(page, "histogram", "graph.data.length == 1 && graph.data[0].name == 'France'")
    french = sum(bars(page).values())
    assert 0 < french < everybody
    assert page.evaluate("location.search") == "?country=FR"
    expect(page.locator("#numbers")).to_contain_text(f"{french:,.0f}")
    page.locator("#narrowed .chip").click()
    wait_until(page, "histogram", "graph.data.length > 1")
    assert sum(bars(page).values()) == everybody
    assert page.evaluate("location.search") == ""


def test_a_link_reproduces_the_view(open_page: Open, url: str, host: FakeHost) -> None:
    """Country, bins and shares of an address are what a stranger sees who opens it."""
    begin_fetch(host, 24)
    host.home.end_job(JobState.DONE, None)
    page = open_page(f"{url}/?country=DE&country=FR&binning=classic&bars=shares")
    wait_for_bars(page)
    assert set(bars(page)) == {"Germany", "France"}
    assert all(label.count(" - ") == 1 or label == "unknown size" for label in bins(page))
    assert ask(page, "histogram", "graph.layout.barnorm") == "percent"
    expect(page.locator("#narrowed")).to_contain_text("Germany")
    expect(page.locator("#binning input:checked")).to_have_value("classic")


def test_a_click_on_a_bar_and_a_place_narrows(page: Page, host: FakeHost) -> None:
    """A bar keeps the other bars in sight, faded; a marker narrows to its place."""
    begin_fetch(host, 24)
    host.home.end_job(JobState.DONE, None)
    wait_for_bars(page)
    wait_for_map(page)
    page.locator("#histogram").scroll_into_view_if_needed()
    bar = page.locator("#histogram .bars path").first.bounding_box()
    assert bar is not None
    page.mouse.click(bar["x"] + bar["width"] / 2, bar["y"] + bar["height"] / 2)
    expect(page.locator("#narrowed")).to_contain_text("MB")
    wait_until(page, "histogram", "Array.isArray(graph.data[0].marker.opacity)")
    page.get_by_role("button", name="Show all").click()
    wait_until(page, "histogram", "graph.data[0].marker.opacity === 1")
    page.locator("#map").scroll_into_view_if_needed()
    spot = marker_in_sight(page)
    page.mouse.move(spot[0] - 3, spot[1])
    page.mouse.click(spot[0], spot[1])
    expect(page.locator("#narrowed .chip")).to_have_count(1)
    assert "place=" in page.evaluate("location.search")


_NOTE_DRAWINGS = """(() => {
    window.begunAt = [];
    let library;
    Object.defineProperty(window, "Plotly", {
        get: () => library,
        set: (given) => {
            library = given;
            const { react } = given;
            given.react = (...figure) => {
                window.begunAt.push(performance.now());
                return react(...figure);
            };
        },
    });
})()"""
_FIRST_QUESTION = """() => Math.min(...performance.getEntriesByType("resource")
    .filter((one) => one.name.includes("_dash-update-component")).map((one) => one.startTime))"""


def test_both_charts_are_begun_before_anything_is_asked(page: Page, host: FakeHost) -> None:
    """They come with the page; the callbacks that Dash runs at first do not hold them up."""
    begin_fetch(host, 24)
    wait_for_bars(page)
    page.add_init_script(_NOTE_DRAWINGS)
    with page.expect_request("**/_dash-update-component**"):
        page.reload()
    wait_for_bars(page)
    wait_for_map(page)
    begun = page.evaluate("window.begunAt")
    assert len(begun) >= 2
    assert sorted(begun)[1] < page.evaluate(_FIRST_QUESTION)
