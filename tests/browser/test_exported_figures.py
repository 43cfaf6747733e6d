"""Exported figures in a real Chromium: complete in themselves, and the same as images."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Browser, Route

from observatory.export_figures import FIGURES, HEIGHT_PX, WIDTH_PX
from observatory.exporting import Exported, chosen_run, export_figure
from storage.workspace import Workspace
from swarm.errors import JobRefused, StorageError
from swarm.settings import Settings
from tests.kept_runs import keep_two_runs

pytestmark = pytest.mark.browser
OUTLINES = Path(__file__).parents[2] / "dashboard" / "assets"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("figures")
    keep_two_runs(root)
    return root


def write(root: Path, name: str, path: Path, settings: Settings | None = None) -> Exported:
    workspace = Workspace(root)
    run = chosen_run(workspace, "latest")
    return export_figure(
        workspace, run, name, path, settings=settings or Settings(), outlines=OUTLINES
    )


@pytest.mark.parametrize("name", FIGURES)
def test_a_page_opens_by_itself(name: str, root: Path, tmp_path: Path, chromium: Browser) -> None:
    """Opened from disk it draws, names who placed the peers with the link, and asks nobody."""
    path = tmp_path / f"{name}.html"
    assert write(root, name, path).small > 0
    asked: list[str] = []
    complaints: list[str] = []

    def refuse(route: Route) -> None:
        if route.request.url == path.as_uri():
            route.continue_()
        else:
            asked.append(route.request.url)
            route.abort()

    with chromium.new_context() as context:
        context.set_default_timeout(120_000)  # 5 MB of plotly.js on a busy machine
        context.route("**", refuse)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_function("document.querySelectorAll('#figure .point').length > 0")
        assert page.locator("#figure a").get_attribute("xlink:href") == "https://db-ip.com"
        assert "few peers" in page.locator("#figure .annotation").text_content()
    assert (asked, complaints) == ([], [])


def test_an_svg_is_drawn_with_lines(root: Path, tmp_path: Path) -> None:
    """The map is vectors: outlines, a marker for each cell that is shown, the attribution."""
    path = tmp_path / "map.svg"
    write(root, "map", path)
    text = path.read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert "<image" not in text
    assert len(re.findall(r'<path class="point"', text)) == 3
    assert "IP Geolocation by DB-IP" in text


def test_a_png_has_the_size_that_is_promised(root: Path, tmp_path: Path) -> None:
    """Two pixels for each of the page."""
    path = tmp_path / "histogram.png"
    write(root, "histogram", path)
    raw = path.read_bytes()
    assert raw.startswith(b"\x89PNG\r\n\x1a\n")
    size = int.from_bytes(raw[16:20]), int.from_bytes(raw[20:24])  # of the first chunk, IHDR
    assert size == (2 * WIDTH_PX, 2 * HEIGHT_PX)


def test_without_a_browser_html_still_works(root: Path, tmp_path: Path) -> None:
    """The error says so, and nothing is left behind."""
    settings = Settings(browser=tmp_path / "none")
    with pytest.raises(JobRefused, match=r"an \.html needs none"):
        write(root, "histogram", tmp_path / "h.svg", settings)
    write(root, "histogram", tmp_path / "h.html", settings)
    assert [path.name for path in tmp_path.iterdir()] == ["h.html"]


def test_what_cannot_be_drawn_is_refused(root: Path, tmp_path: Path) -> None:
    """Another ending, another name, outlines that are not there: each says what is wrong."""
    with pytest.raises(JobRefused, match="there are: histogram, map"):
        write(root, "pie", tmp_path / "x.svg")
    with pytest.raises(JobRefused, match=r"\.html, \.png or \.svg"):
        write(root, "map", tmp_path / "x.pdf")
    workspace = Workspace(root)
    run = chosen_run(workspace, None)
    with pytest.raises(StorageError, match="world-outline"):
        export_figure(
            workspace, run, "map", tmp_path / "x.svg", settings=Settings(), outlines=tmp_path
        )
