"""The page says which world it shows, what to click when it is empty, and fits its reader."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from observatory.job import JobKind, JobState
from tests.browser.charts import wait_for_bars, wait_for_map, wait_for_markers
from tests.browser.conftest import Open, served
from tests.browser.fake_host import FakeHost

pytestmark = pytest.mark.browser


def finish_a_fetch(host: FakeHost) -> None:
    host.current.start(JobKind.FETCH, {})
    host.current.work(24)
    host.current.end_job(JobState.DONE, "All swarms counted.")


def test_the_empty_page_says_what_to_click(open_page: Open, url: str) -> None:
    """World, steps and the lab are named; the map is drawn although there is no peer."""
    page = open_page(url)
    expect(page.locator("#world")).to_contain_text("Internet")
    empty = page.locator("#empty")
    expect(empty).to_contain_text("Scrape new torrents")
    expect(empty).to_contain_text("Fetch new data")
    expect(empty.get_by_role("button", name="Try it on the built-in lab")).to_be_visible()
    wait_for_map(page)
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title() == "Overview - Swarm Atlas"


def test_into_the_lab_and_back(page: Page, host: FakeHost) -> None:
    """One button builds the lab; the badge then says so until it is left."""
    page.get_by_role("button", name="Try it on the built-in lab").click()
    expect(page.locator("#lab-progress")).to_contain_text("Building the lab's world")
    host.lab_is_ready()
    expect(page.locator("#world")).to_contain_text("The lab")
    expect(page.locator("#world")).to_contain_text("Seed 7")
    expect(page.locator("#scrape-plan")).to_contain_text("http://127.0.0.1:1")
    expect(page.get_by_role("button", name="Try it on the built-in lab")).to_be_hidden()
    page.get_by_role("button", name="Leave the lab").click()
    expect(page.locator("#world")).to_contain_text("Internet")
    expect(page.get_by_role("button", name="Leave the lab")).to_be_hidden()


def test_the_database_is_named_under_the_figures(page: Page, host: FakeHost) -> None:
    """The link that the licence demands, and the build date."""
    finish_a_fetch(host)
    link = page.get_by_role("link", name="IP Geolocation by DB-IP")
    expect(link).to_have_attribute("href", "https://db-ip.com")
    expect(page.locator("#attribution")).to_contain_text("built 1 Nov 2026")


@pytest.mark.parametrize("width", [390, 820, 1440, 2560])
def test_nothing_sticks_out(open_page: Open, url: str, host: FakeHost, width: int) -> None:
    """From a phone to a wide screen, the page scrolls down only, and shows all its parts."""
    finish_a_fetch(host)
    page = open_page(url, width=width)
    wait_for_markers(page)
    wait_for_bars(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for part in ("#numbers", "#map", "#histogram", "#countries", "#attribution", "#result"):
        expect(page.locator(part)).to_be_visible()
    expect(page.locator(".lost")).to_be_hidden()  # the server does answer


def test_the_theme_follows_the_system_until_chosen(open_page: Open, url: str) -> None:
    """System, light, dark; the choice is remembered."""
    page = open_page(url, color_scheme="dark")
    wait_for_map(page)
    root = page.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-mantine-color-scheme", "light")
    wait_for_map(page)
    page.get_by_text("Dark", exact=True).click()
    wait_for_map(page)
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    page.reload()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")


def test_every_control_is_reached_by_keyboard_and_has_a_name(page: Page, host: FakeHost) -> None:
    """Tab visits the controls in reading order; Enter on the colour key works like a click."""
    finish_a_fetch(host)
    wait_for_bars(page)
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, a[href], progress')]"
        ".filter(e => e.checkVisibility() && !e.closest('.js-plotly-plot')"
        " && !e.closest('.mantine-NumberInput-controls')"
        " && !(e.innerText || e.getAttribute('aria-label') || (e.labels && e.labels.length)))"
        ".map(e => e.outerHTML)"
    )
    assert nameless == []
    page.locator("#per-category").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "scrape"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "fetch"
    key = page.locator("button[data-country=US]")
    key.focus()
    page.keyboard.press("Enter")
    expect(key).to_have_attribute("aria-pressed", "false")
    expect(key).to_be_focused()


def test_a_server_that_is_gone_is_admitted(open_page: Open, allowed_complaints: set[str]) -> None:
    """Without an answer the page says so, instead of going on looking live."""
    allowed_complaints.add("Failed to fetch")  # what was under way when the server ended
    with served(FakeHost()) as address:
        page = open_page(address)
        wait_for_map(page)
        expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
