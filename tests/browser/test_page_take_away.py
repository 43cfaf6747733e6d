"""The menus of the Overview: a chart or table is taken along, narrowed as it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import expect

from tests.browser.charts import wait_for_bars
from tests.browser.conftest import Open
from tests.integration.page_world import RUN, PageWorld, page_world

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    with page_world(tmp_path_factory.mktemp("world")) as made:
        yield made


def test_a_table_is_saved_as_it_is_narrowed(open_page: Open, world: PageWorld) -> None:
    """Opened and chosen by keyboard; the file holds whom the address leaves; the menu closes."""
    page = open_page(f"{world.url}/?country=FR")
    wait_for_bars(page)
    menu = page.locator("details[data-take=map]")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu.get_by_role("link")).to_have_count(12)
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link").first).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()
    page.keyboard.press("Enter")
    with page.expect_download() as saved:
        menu.get_by_role("link", name="CSV").first.press("Enter")
    assert saved.value.suggested_filename == f"swarm-atlas-{RUN}-cells.csv"
    assert pl.read_csv(saved.value.path())["country"].to_list() == ["FR"]
    expect(menu.get_by_role("link").first).to_be_hidden()


def test_an_image_is_drawn_by_the_machine(open_page: Open, world: PageWorld) -> None:
    """The map as SVG: drawn by this machine's own Chromium, with the attribution in it."""
    page = open_page(world.url)
    wait_for_bars(page)
    page.locator("details[data-take=map] summary").click()
    with page.expect_download(timeout=90_000) as saved:
        page.get_by_role("link", name="Drawing, SVG").click()
    drawn = Path(saved.value.path()).read_text(encoding="utf-8")
    assert drawn.startswith("<svg")
    assert "IP Geolocation by DB-IP" in drawn


@pytest.mark.parametrize(
    ("suffix", "begins"),
    [
        ("csv", b"key,lat,lon,"),
        ("parquet", b"PAR1"),
        ("geojson", b'{"type'),
        ("png", b"\x89PNG"),
        ("html", b"<"),
    ],
)
def test_each_kind_of_file_is_what_its_name_says(
    open_page: Open, world: PageWorld, suffix: str, begins: bytes
) -> None:
    """Of each kind that the map's menu offers, the first is saved and begins as such files do."""
    page = open_page(world.url)
    wait_for_bars(page)
    menu = page.locator("details[data-take=map]")
    menu.locator("summary").click()
    with page.expect_download(timeout=90_000) as saved:
        menu.locator(f'a[href*=".{suffix}"]').first.click()
    assert saved.value.suggested_filename.endswith(f".{suffix}")
    assert Path(saved.value.path()).read_bytes().startswith(begins)


def test_a_refusal_is_said_on_the_page(open_page: Open, world: PageWorld) -> None:
    """Where there is no run of that name, nothing is saved, and the page says why."""
    page = open_page(f"{world.url}/?country=FR")
    wait_for_bars(page)
    page.evaluate("history.replaceState(null, '', '/?run=20200101-000000-abcd')")
    page.locator("details[data-take=countries] summary").click()
    page.get_by_role("link", name="CSV").click()
    expect(page.locator("#notice")).to_contain_text("There is no run to take anything of yet")
