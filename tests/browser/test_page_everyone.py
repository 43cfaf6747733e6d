"""The page for everyone: axe-core finds nothing on any page in both themes; keys; hostile names.

axe/ holds axe-core 4.14.1 (npm `axe-core`, MPL-2.0) as it is published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from storage.workspace import Workspace
from tests.browser.conftest import Open
from tests.integration.page_world import HOSTILE_NAME, RUN, PageWorld, page_world, write_run

pytestmark = pytest.mark.browser

OLDER = "20261120-120000-abcd"
SWARM = f"/swarms/{0:040x}"
COMPARE = f"/runs/compare?a={OLDER}&b={RUN}"
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text()
PAGES = {
    "overview": "/",
    "swarms": "/swarms",
    "one swarm": SWARM,
    "runs": "/runs",
    "compare": COMPARE,
    "jobs": "/jobs",
    "methods": "/methods",
    "nothing": "/no/such/page",
}
_FINDINGS = """async () => (await axe.run(document)).violations.flatMap((one) =>
    one.nodes.map((node) => `${one.id}: ${node.html.slice(0, 200)}`))"""

_STILL = """async () => {
    const end = performance.now() + 20_000;
    for (let still = 0; still < 2; ) {
        await new Promise(requestAnimationFrame);
        const fading = document.getAnimations().filter((one) =>
            one.effect?.getComputedTiming().endTime !== Infinity && one.playState !== "finished");
        still = fading.length ? 0 : still + 1;
        if (performance.now() > end) throw new Error(`still fading: ${fading.length}`);
    }
}"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    """Two runs, one of their torrents with a hostile name, and a job that ended."""
    root = tmp_path_factory.mktemp("world")
    workspace = Workspace(root)
    workspace.prepare()
    write_run(workspace, OLDER)
    with page_world(root) as made:
        yield made


def findings(page: Page) -> list[str]:
    """What axe-core objects to, with the elements."""
    page.evaluate(AXE)
    return [str(one) for one in page.evaluate(_FINDINGS)]


def wait_for_fades(page: Page) -> None:
    """Wait until no element moves or fades any more; each frame may begin what the last led to."""
    page.evaluate(_STILL)


def settled(page: Page, path: str) -> None:
    """Wait until what the page is for is there."""
    expect(page.locator("main h1")).to_be_visible()
    if path == "/swarms":
        expect(page.locator(".ag-center-cols-container .ag-row").first).to_be_visible()
    if path == "/":
        expect(page.locator(".countries button.key").first).to_be_visible()
    if path in ("/", SWARM):
        expect(page.locator("main .js-plotly-plot .main-svg").first).to_be_attached()


@pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
def test_axe_finds_nothing(open_page: Open, world: PageWorld, path: str) -> None:
    """In both themes: names, roles, contrast, landmarks, headings."""
    page = open_page(world.url + path, color_scheme="light")
    settled(page, path)
    assert findings(page) == []
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    wait_for_fades(page)  # axe would measure a colour in between
    assert findings(page) == []


def test_axe_finds_nothing_at_the_login(chromium: Browser, tmp_path: Path) -> None:
    """The login page, in both themes."""
    with page_world(tmp_path, demanded=True, address="0.0.0.0") as strange:
        context = chromium.new_context()
        page = context.new_page()
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{strange.url}/login")
            expect(page.get_by_label("Token")).to_be_focused()
            assert findings(page) == [], scheme
        context.close()


def tab_until(page: Page, condition: str) -> None:
    """Press Tab until the JavaScript condition holds, twelve times at most."""
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate(condition):
            return
    raise AssertionError(condition)


def test_a_swarm_is_found_and_opened_by_keys(open_page: Open, world: PageWorld) -> None:
    """From the search by Tab into the list, by arrow to a row, by Enter into the swarm."""
    page = open_page(f"{world.url}/swarms")
    settled(page, "/swarms")
    page.locator("#swarms-search").focus()
    inside = "document.activeElement.closest('#swarms-grid') !== null"
    tab_until(page, inside)
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#swarm-again")).to_be_visible()
    assert "/swarms/0000" in page.url


def test_the_overview_is_narrowed_by_keys(open_page: Open, world: PageWorld) -> None:
    """Behind the actions, Tab comes to the filter; a country is typed, taken, and taken back."""
    page = open_page(world.url)
    settled(page, "/")
    page.locator("#purge").focus()
    at_filter = "document.activeElement.id === 'country-picker'"
    tab_until(page, at_filter)
    page.keyboard.type("France")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{world.url}/?country=FR")
    expect(page.locator("#narrowed")).to_contain_text("France")
    page.keyboard.press("Backspace")
    expect(page).to_have_url(f"{world.url}/")


def test_a_category_is_picked_by_keys(open_page: Open, world: PageWorld) -> None:
    """Tab comes from the countries to the categories; an arrow opens them, Enter takes one."""
    page = open_page(world.url)
    settled(page, "/")
    page.locator("#country-picker").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#category-picker")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#narrowed .chip")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?category="))
    page.keyboard.press("Backspace")
    expect(page).to_have_url(f"{world.url}/")


def test_the_switches_of_the_charts_obey_arrows(open_page: Open, world: PageWorld) -> None:
    """Markers, bins, bars: each choice stands in the address, and the way back clears it.

    However fast: a choice is not set back by the address that the one before it has written.
    """
    page = open_page(world.url)
    settled(page, "/")
    choices = {"map-view": "map=classic", "binning": "binning=classic", "shares": "bars=shares"}
    for name, said in choices.items():
        page.locator(f"#{name} input:checked").focus()
        page.keyboard.press("ArrowRight")
        expect(page).to_have_url(f"{world.url}/?{said}")
        page.keyboard.press("ArrowLeft")
        expect(page).to_have_url(f"{world.url}/")


def test_the_list_is_sorted_and_filtered_by_keys(open_page: Open, world: PageWorld) -> None:
    """Enter on a heading sorts on the server; a state is picked, and taken back."""
    page = open_page(f"{world.url}/swarms")
    settled(page, "/swarms")
    names = page.locator(".ag-center-cols-container .ag-row [col-id=name]")
    expect(names.first).to_have_text(HOSTILE_NAME)  # it has the most peers
    page.get_by_role("columnheader", name="Peers").focus()
    page.keyboard.press("Enter")
    expect(names.first).to_have_text("Atlas of nothing")
    page.locator("#swarms-states").focus()
    page.keyboard.type("timeout")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#swarms-found")).to_have_text("0 swarms")
    page.keyboard.press("Backspace")
    expect(page.locator("#swarms-found")).to_have_text("3 swarms")


def test_no_page_complains(open_page: Open, world: PageWorld) -> None:
    """The console stays empty on a way through all pages, though each has callbacks of its own."""
    page = open_page(world.url)
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
    links = page.get_by_role("navigation", name="Pages")
    for name in ("Swarms", "Runs", "Jobs", "Methods", "Overview"):
        links.get_by_role("link", name=name).click()
        expect(page.locator("main h1")).to_have_text(name)
        world.desk.add_links(f"magnet:?xt=urn:btih:{name.encode().hex():0<40}")  # a change to tell
        page.evaluate(f"dash_clientside.set_props('nudge', {{data: '{name}'}})")
    expect(page.locator("#fetch-plan")).to_contain_text("5 magnets")  # it was told
    assert said == []


def test_columns_are_chosen_and_stay(open_page: Open, world: PageWorld) -> None:
    """A column that is taken away is gone, also after a reload."""
    page = open_page(f"{world.url}/swarms")
    settled(page, "/swarms")
    heading = page.get_by_role("columnheader", name="Category")
    expect(heading).to_be_visible()
    page.get_by_text("Columns").click()
    page.get_by_role("checkbox", name="Category").uncheck()
    expect(heading).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.get_by_role("checkbox", name="Category")).to_be_hidden()
    expect(page.locator("details.columns summary")).to_be_focused()
    page.reload()
    settled(page, "/swarms")
    expect(heading).to_be_hidden()


def test_filters_of_the_list_stand_in_the_address(open_page: Open, world: PageWorld) -> None:
    """A country picked there narrows list and link; a link with it fills the picker."""
    page = open_page(f"{world.url}/swarms")
    settled(page, "/swarms")
    expect(page.locator("#swarms-found")).to_have_text("3 swarms")
    page.locator("#swarms-countries").click()
    page.get_by_role("option", name="France", exact=True).click()
    expect(page.locator("#swarms-found")).to_have_text("1 swarm")
    expect(page).to_have_url(f"{world.url}/swarms?country=FR")
    page.reload()
    expect(page.locator("#swarms-found")).to_have_text("1 swarm")
    expect(page.locator("main")).to_contain_text("France")


@pytest.mark.parametrize("path", ["/?map=classic", "/swarms", SWARM, COMPARE, "/methods"])
def test_a_hostile_name_stays_text(open_page: Open, world: PageWorld, path: str) -> None:
    """Markup in a torrent's name makes no element and runs nothing, wherever it is shown."""
    page = open_page(world.url + path)
    settled(page, path)
    if path not in ("/?map=classic", "/methods"):
        expect(page.get_by_text(HOSTILE_NAME).first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    assert page.evaluate("window.pwned") is None
    assert "<" not in page.title()


def test_fetching_again_says_why_it_cannot(open_page: Open, world: PageWorld) -> None:
    """Without a document of it, nobody can say whether a swarm is private: the button is off."""
    page = open_page(world.url + SWARM)
    expect(page.locator("#swarm-again")).to_be_disabled()
    expect(page.locator("#swarm-again-plan")).to_contain_text("BEP 27")
    link = page.get_by_role("link", name="Magnet link")
    assert (link.get_attribute("href") or "").startswith(f"magnet:?xt=urn:btih:{0:040x}")
    assert "noopener" in (link.get_attribute("rel") or "")
