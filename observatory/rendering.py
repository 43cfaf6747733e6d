"""An HTML figure as PNG or SVG, by the Chromium of this machine, which is let near no network.

kaleido does the same, but its page asks a CDN for MathJax: without internet a bar took 69 s.
"""

from __future__ import annotations

import base64
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote_to_bytes

from scraper.browser import BrowserPlan, find_browser
from storage.durable import write_durably
from swarm.errors import JobRefused, SiteError, StorageError
from swarm.settings import Settings

IMAGE_SUFFIXES = (".png", ".svg")
_SCALE = 2  # pixels of a PNG for each of the page: sharp in print
_DEADLINE_S = 90  # below that of Selenium's own connection
_TO_IMAGE = """
const done = arguments[arguments.length - 1];
Plotly.toImage(document.getElementById('figure'), arguments[0]).then(done, e => done('!' + e));
"""


def render(page: str, path: Path, settings: Settings, *, width_px: int, height_px: int) -> None:
    """Draw a page of `observatory.export_figures` into `path`, .png or .svg by its ending.

    Raises:
        JobRefused: there is no Chromium here.
        StorageError: the drawing failed, or the disk refuses.
    """
    wish = {
        "format": path.suffix.removeprefix("."),
        "width": width_px,
        "height": height_px,
        "scale": _SCALE if path.suffix == ".png" else 1,
    }
    with TemporaryDirectory(prefix="swarm-atlas-figure-") as folder:
        draft = Path(folder) / "figure.html"
        draft.write_text(page, encoding="utf-8")
        address = _drawn(draft, wish, settings, Path(folder))
    head, _, body = address.partition(",")
    if not head.startswith("data:image/"):
        raise StorageError(f"cannot draw {path}: Chromium said {address[:200]!r}; try .html")
    raw = unquote_to_bytes(body)
    write_durably(path, base64.b64decode(raw) if head.endswith(";base64") else raw)


def _drawn(page: Path, wish: dict[str, object], settings: Settings, folder: Path) -> str:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.service import Service

    plan = BrowserPlan(
        binary=None if settings.browser is None else str(settings.browser),
        driver=None if settings.driver is None else str(settings.driver),
        cache_dir=folder,
        in_container=settings.selenium_in_docker,
    )
    try:
        found = find_browser(plan)
    except SiteError as error:
        raise JobRefused(
            "PNG and SVG are drawn by Chromium, which does not start here; an .html needs none. "
            f"({error.__cause__ or 'Install it with: sudo apt install chromium chromium-driver'})"
        ) from None
    options = webdriver.ChromeOptions()
    options.binary_location = str(found.binary)
    for flag in (
        "--headless=new",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder / 'profile'}",
        *(["--no-sandbox"] if plan.no_sandbox else []),
    ):
        options.add_argument(flag)
    try:
        browser = webdriver.Chrome(options=options, service=Service(str(found.driver)))
    except WebDriverException as error:
        raise StorageError(f"Chromium does not start: {str(error.msg)[:200]}") from None
    try:
        browser.set_script_timeout(_DEADLINE_S)
        browser.set_page_load_timeout(_DEADLINE_S)
        browser.get(page.as_uri())
        return str(browser.execute_async_script(_TO_IMAGE, wish))
    except WebDriverException as error:
        raise StorageError(f"Chromium could not draw: {str(error.msg)[:200]}") from None
    finally:
        browser.quit()
