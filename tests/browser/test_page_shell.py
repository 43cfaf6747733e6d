"""The frame around all pages: navigation, deep links, theme, login, and nobody else is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from observatory.desk import Observatory
from observatory.joblock import JobLock
from storage.workspace import Workspace
from tests.browser.conftest import CHROMIUM, FLAGS, Open
from tests.integration.page_world import HOSTILE_NAME, RUN, PageWorld, page_world, write_run

pytestmark = pytest.mark.browser

OLDER = "20261120-120000-abcd"
PAGES = {
    "Overview": "/",
    "Swarms": "/swarms",
    "Runs": "/runs",
    "Jobs": "/jobs",
    "Methods": "/methods",
}
SWARM = f"/swarms/{0:040x}"
COMPARE = f"/runs/compare?a={OLDER}&b={RUN}"
_METHODS = f"# Methods of run {RUN}\n\nIn its own words: {HOSTILE_NAME}\n\n## Coverage\n\n- all\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    """Two runs, a job that ended, and methods with a hostile name in them."""
    root = tmp_path_factory.mktemp("world")
    workspace = Workspace(root)
    workspace.prepare()
    write_run(workspace, OLDER)
    with page_world(root) as made:
        (root / "runs" / RUN / "methods.md").write_text(_METHODS)
        yield made


def heading(page: Page, name: str) -> None:
    expect(page.locator("main h1")).to_have_text(name)


def test_every_page_is_reached_by_the_navigation(open_page: Open, world: PageWorld) -> None:
    """Each link changes path, heading, title, mark and focus, without loading the page anew."""
    page = open_page(world.url)
    page.evaluate("window.stayed = true")
    links = page.get_by_role("navigation", name="Pages")
    for name in (*list(PAGES)[1:], "Overview"):
        links.get_by_role("link", name=name).click()
        heading(page, name)
        expect(page).to_have_title(f"{name} - Swarm Atlas")
        expect(links.get_by_role("link", name=name)).to_have_attribute("aria-current", "page")
        expect(links.locator("[aria-current]")).to_have_count(1)
        expect(page.locator("#main")).to_be_focused()
        assert page.url == world.url + PAGES[name]
    assert page.evaluate("window.stayed")
    page.go_back()
    heading(page, "Methods")


@pytest.mark.parametrize(
    ("path", "name", "mark"),
    [("/", "Overview", "page"), ("/swarms", "Swarms", "page"), (SWARM, "Swarms", "true")],
)
def test_the_page_that_is_opened_is_marked(
    open_page: Open, world: PageWorld, path: str, name: str, mark: str
) -> None:
    """The first page too, which comes with the frame, and the page above one that is below it."""
    page = open_page(world.url + path)
    links = page.get_by_role("navigation", name="Pages")
    expect(links.get_by_role("link", name=name)).to_have_attribute("aria-current", mark)
    expect(links.locator("[aria-current]")).to_have_count(1)


def test_a_run_is_picked_and_stays_in_every_link(open_page: Open, world: PageWorld) -> None:
    """The picker writes the address bar; all pages, a reload and the way back keep to it."""
    page = open_page(world.url)
    heading(page, "Overview")
    page.locator("#run-picker").click()
    page.get_by_role("option").nth(2).click()  # the latest, the newest by name, the one before
    expect(page).to_have_url(f"{world.url}/?run={OLDER}")
    page.get_by_role("link", name="Methods").click()
    heading(page, "Methods")
    expect(page).to_have_url(f"{world.url}/methods?run={OLDER}")
    page.reload()
    heading(page, "Methods")
    expect(page.get_by_text("Made just now from what the run has")).to_be_visible()
    page.locator("#run-picker").click()
    page.get_by_role("option", name="Latest run").click()
    expect(page).to_have_url(f"{world.url}/methods")
    expect(page.get_by_role("heading", name="Coverage").last).to_be_visible()


def test_a_link_that_does_not_read_is_admitted(open_page: Open, world: PageWorld) -> None:
    """What is wrong in an address is said in words, and breaks nothing."""
    page = open_page(f"{world.url}/?country=%3Cscript%3E&run=20200101-000000-abcd")
    expect(page.locator("#notice")).to_contain_text("does not read and was passed over: country")
    expect(page.locator("#run-picker")).to_have_value("20200101-000000-abcd: not in this archive")


def test_a_page_that_is_not_there_says_so(open_page: Open, world: PageWorld) -> None:
    """With a way back."""
    page = open_page(f"{world.url}/no/such/page")
    heading(page, "Nothing here")
    page.get_by_role("link", name="To the Overview").click()
    heading(page, "Overview")


def test_jobs_are_listed_with_their_reports(open_page: Open, world: PageWorld) -> None:
    """What ended says how; its report opens; a job that starts shows up and can be cancelled."""
    page = open_page(f"{world.url}/jobs")
    row = page.get_by_role("row").filter(has_text="Exporting")
    expect(row).to_contain_text("finished")
    row.get_by_text("Report").click()
    expect(row.get_by_role("definition").first).to_be_visible()
    running = world.desk._catalogue.add_job("fetch", {}, world.desk.job(1).created_at)
    worker = hold_lock(world.desk)
    try:
        expect(page.locator("#jobs-active")).to_contain_text("Fetching peers")
        page.locator("#main").focus()
        cancel = page.get_by_role("button", name="Cancel")
        page.keyboard.press("Tab")  # it is the first thing that the page can be asked for
        expect(cancel).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#notice")).to_contain_text("asked to stop")
        assert world.desk._catalogue.job(running.id).cancel_requested
    finally:
        world.desk._catalogue.update_job(running.id, active=None, state="cancelled")
        worker.release()
    expect(page.locator("#jobs-active")).to_be_hidden()
    expect(page.get_by_role("row").filter(has_text="Fetching peers")).to_contain_text("cancelled")


def hold_lock(desk: Observatory) -> JobLock:
    """Be the process that runs a job, as far as others can tell."""
    lock = JobLock(desk.workspace.runs_dir)
    assert lock.acquire(patience_s=10)
    return lock


def test_methods_show_hostile_names_as_text(open_page: Open, world: PageWorld) -> None:
    """Who placed the peers, with its attribution; markup in the text is text."""
    page = open_page(f"{world.url}/methods")
    heading(page, "Methods")
    expect(page.locator("#methods-body")).to_contain_text(HOSTILE_NAME)
    assert page.locator("main img").count() == 0
    assert page.evaluate("window.pwned") is None
    link = page.get_by_role("link", name="IP Geolocation by DB-IP")
    expect(link).to_have_attribute("href", "https://db-ip.com")


@pytest.mark.parametrize("path", [*PAGES.values(), SWARM, COMPARE, "/no/such/page"])
def test_no_page_sticks_out(open_page: Open, world: PageWorld, path: str) -> None:
    """On a phone each page scrolls down only. (That nobody else is asked, `open_page` checks.)"""
    page = open_page(world.url + path, width=390)
    expect(page.locator("main h1")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_another_sites_page_cannot_order_anything(chromium: Browser, world: PageWorld) -> None:
    """A form on a foreign page, sent to us by the reader's own browser, is refused."""
    before = world.desk.job_history()[1]
    context = chromium.new_context()
    form = f'<form method="post" action="{world.url}/_dash-update-component"><button>Win</button>'
    context.route(
        "http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html")
    )
    page = context.new_page()
    page.goto("http://evil.example/")
    page.get_by_role("button", name="Win").click()
    expect(page.locator("body")).to_have_text("Requests from other sites are refused.")
    context.close()
    assert world.desk.job_history()[1] == before


def test_a_foreign_name_for_this_machine_shows_nothing(chromium: Browser, world: PageWorld) -> None:
    """DNS rebinding: a browser that a foreign name has led here is refused, and shown no page."""
    leads_here = "--host-resolver-rules=MAP rebound.example 127.0.0.1"
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, leads_here])
    page = browser.new_page()
    answer = page.goto(world.url.replace("127.0.0.1", "rebound.example"))
    assert answer is not None
    assert answer.status == 400
    expect(page.locator("main, #world")).to_have_count(0)
    browser.close()


def test_the_printed_link_logs_in(chromium: Browser, tmp_path: Path) -> None:
    """Its token goes from behind the # into a cookie that no script reads, and is gone then."""
    with page_world(tmp_path, demanded=True, address="0.0.0.0") as world:
        context = chromium.new_context()
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.set_viewport_size({"width": 390, "height": 844})
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{world.url}/runs")
        expect(page.get_by_label("Token")).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.get_by_label("Token").fill("wrong")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_have_text("This is not the token.")
        page.goto(f"{world.url}/login?next=%2Fmethods#{world.token}")
        heading(page, "Methods")
        assert page.evaluate("document.cookie") == ""
        assert not any(world.token in url.partition("#")[0] for url in asked)
        cookie = context.cookies()[0]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        context.close()
