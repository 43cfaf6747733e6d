"""Files dropped on the page and links pasted into it: kept, told in words, counted."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import bencode2
import pytest
from playwright.sync_api import Page, expect

from observatory.desk import Observatory
from observatory.host import Host
from observatory.job import JobKind
from observatory.lab_process import LabProcess
from storage.workspace import Workspace
from swarm.metainfo import parse_torrent
from tests.browser.conftest import Open, served

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=window.pwned=1>.torrent"
V1 = "a" * 40


def torrent(name: str) -> bytes:
    piece = hashlib.sha1(name.encode()).digest()
    info = {b"name": name.encode(), b"length": 9, b"piece length": 16_384, b"pieces": piece}
    return bencode2.bencode({b"info": info})


@pytest.fixture
def desk(tmp_path: Path) -> Observatory:
    """An empty real world."""
    return Observatory(Workspace(tmp_path), name="Internet", description="The real network")


@pytest.fixture
def intake_url(tmp_path: Path, desk: Observatory) -> Iterator[str]:
    """The page over a real workspace; its lab is never started."""
    lab = LabProcess(["false"])
    with (
        closing(Host(desk, lab=lab, lab_workspace=Workspace(tmp_path / ".lab"))) as host,
        served(host) as address,
    ):
        yield address


def drop(page: Page, target: str, files: dict[str, bytes]) -> None:
    """Drop files on an element as a person does."""
    carried = page.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const [name, body] of files) {
                const bytes = Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            return transfer;
        }""",
        [[name, base64.b64encode(raw).decode()] for name, raw in files.items()],
    )
    for kind in ("dragenter", "dragover", "drop"):
        page.dispatch_event(target, kind, {"dataTransfer": carried})


def paste(page: Page, text: str) -> None:
    page.locator("#intake summary").click()
    page.get_by_label("Magnet links or infohashes").fill(text)
    page.get_by_role("button", name="Add", exact=True).click()


@pytest.mark.parametrize("target", ["#upload", "h1"], ids=["zone", "anywhere"])
def test_files_dropped_are_kept_and_told(
    open_page: Open, intake_url: str, desk: Observatory, target: str
) -> None:
    """Good ones under whatever name, a broken one with its reason, a list; the count follows."""
    page = open_page(intake_url)
    if target == "#upload":
        page.locator("#intake summary").click()
    files = {
        "film.torrent": torrent("film"),
        "song.torrent": torrent("song"),
        "broken.torrent": torrent("cut")[:-4],
        HOSTILE: torrent("<img src=x onerror=window.pwned=1>"),
        "list.txt": f"{V1}\n".encode(),
    }
    drop(page, target, files)
    result = page.locator("#intake-result")
    expect(result).to_contain_text("4 kept, 1 refused:")
    expect(result).to_contain_text("broken.torrent: cut off")
    expect(page.locator("#fetch-plan")).to_have_text(
        "Counts the peers of 3 collected torrents and 1 magnet"
    )
    drop(page, target, {HOSTILE: b"nonsense", "film.torrent": torrent("film")})
    expect(result).to_contain_text("1 known already, 1 refused:")
    expect(result).to_contain_text(f"{HOSTILE}: not bencoded")
    assert page.evaluate("window.pwned") is None
    assert page.locator("#intake-result img").count() == 0
    assert (desk.torrents(), desk.magnets()) == (3, 1)


def test_links_pasted_are_kept_and_counted_after_a_reload(
    open_page: Open, intake_url: str, desk: Observatory
) -> None:
    """Two magnets kept, a third line refused with its reason; a reload counts them."""
    page = open_page(intake_url)
    paste(page, f"magnet:?xt=urn:btih:{V1}&dn=Sintel\n\n{'b' * 64}\nnonsense\n")
    expect(page.locator("#intake-result")).to_contain_text("2 kept, 1 refused:")
    expect(page.locator("#intake-result")).to_contain_text("nonsense: neither a magnet link")
    expect(page.get_by_label("Magnet links or infohashes")).to_have_value("")
    page.reload()
    expect(page.locator("#fetch-plan")).to_have_text("Counts the peers of 2 magnets")
    assert desk.magnets() == 2


def test_too_much_at_once_is_refused_before_it_is_sent(open_page: Open, intake_url: str) -> None:
    """More than the server takes is a sentence, not a request that fails."""
    page = open_page(intake_url)
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(64_000_001)], "big.torrent"));
            const drop = new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
            document.querySelector("h1").dispatchEvent(drop);
        }"""
    )
    expect(page.locator("#notice")).to_contain_text("more than 64 MB at once")
    expect(page.locator("#intake-result")).to_be_hidden()


def test_a_drop_elsewhere_says_where_to(open_page: Open, intake_url: str) -> None:
    """Swarms take no files in; a file that is dropped there is not opened, nor passed over."""
    page = open_page(f"{intake_url}/swarms")
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["d8:announce"], "a.torrent"));
            const drop = new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
            document.querySelector("h1").dispatchEvent(drop);
        }"""
    )
    expect(page.locator("#notice")).to_contain_text("Files are taken in on the Overview")


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_panel_fits(open_page: Open, intake_url: str, width: int, scheme: str) -> None:
    """Open and with a long refusal, it is no wider than the window."""
    page = open_page(intake_url, width=width, color_scheme=scheme)
    paste(page, f"{'x' * 200}\n{V1}")
    expect(page.locator("#intake-result")).to_contain_text("1 kept, 1 refused:")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def folder_of_torrents(root: Path) -> Path:
    """A folder with two good torrents, one of them deeper, a broken one, and a secret."""
    folder = root / "my folder"
    (folder / "deeper").mkdir(parents=True)
    (folder / "film.torrent").write_bytes(torrent("film"))
    (folder / "deeper" / "song.TORRENT").write_bytes(torrent("song"))
    (folder / "broken.torrent").write_bytes(torrent("cut")[:-4])
    (folder / "diary.txt").write_text(f"{V1}\n")
    return folder


def test_a_folder_that_is_dropped_is_taken_in(
    open_page: Open, intake_url: str, desk: Observatory, tmp_path: Path
) -> None:
    """A folder from outside the browser: its .torrent files, however deep, and nothing else of it.

    A folder without any is told, and so is a file beside a folder taken.
    """
    page = open_page(intake_url)
    browser = page.context.new_cdp_session(page)
    empty = tmp_path / "empty"
    empty.mkdir()

    def drop_from_outside(*paths: Path) -> None:
        carried = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            browser.send(
                "Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 30, "data": carried}
            )

    drop_from_outside(folder_of_torrents(tmp_path / "outside"))
    result = page.locator("#intake-result")
    expect(result).to_contain_text("2 kept, 1 refused:")
    expect(result).to_contain_text("broken.torrent: cut off")
    drop_from_outside(empty)
    expect(page.locator("#notice")).to_contain_text("no .torrent file in that folder")
    beside = tmp_path / "beside.torrent"
    beside.write_bytes(torrent("beside"))
    drop_from_outside(beside, empty)
    expect(result).to_contain_text("1 kept.")
    assert (desk.torrents(), desk.magnets()) == (3, 0)


def test_a_folder_that_is_chosen_is_taken_in(
    open_page: Open, intake_url: str, desk: Observatory, tmp_path: Path
) -> None:
    """The folder picker gives the same as a drop."""
    page = open_page(intake_url)
    page.locator("#intake summary").click()
    page.locator("#upload-folder input").set_input_files(folder_of_torrents(tmp_path / "outside"))
    expect(page.locator("#intake-result")).to_contain_text("2 kept, 1 refused:")
    assert (desk.torrents(), desk.magnets()) == (2, 0)


def test_magnets_that_wait_are_fetched_by_a_click(
    open_page: Open, intake_url: str, desk: Observatory
) -> None:
    """Their number and the button stand there while any waits; a click starts the metadata job.

    Here nobody can be asked: the ending says so, and which magnet it was; the magnet still waits.
    """
    desk.workspace.config_path.write_text(
        "ignore_environment=yes\ndht_bootstrap=\nask_trackers=no\ncrawl_deadline_s=2\n"
    )
    page = open_page(intake_url)
    waiting = page.locator("#magnets-waiting")
    expect(waiting).to_be_hidden()
    paste(page, f"magnet:?xt=urn:btih:{V1}&dn=Sintel")
    expect(waiting).to_contain_text("1 magnet waits for its .torrent")
    page.get_by_role("button", name="Fetch their .torrent files").click()
    ended = page.locator("#result")
    expect(ended).to_contain_text("Fetching metadata finished: 0 torrents fetched")
    ended.locator("summary").click()
    expect(ended.locator("li")).to_contain_text("Sintel: no peers (Nobody was found")
    expect(waiting).to_contain_text("1 magnet waits")


def test_one_swarm_is_fetched_again_by_a_click(
    open_page: Open, intake_url: str, desk: Observatory
) -> None:
    """The button of a collected torrent's page starts a job for that swarm alone, and says so."""
    desk.workspace.config_path.write_text(
        "ignore_environment=yes\ndht_bootstrap=\nask_trackers=no\ncrawl_deadline_s=2\n"
    )
    desk.add_files([("film", torrent("film")), ("song", torrent("song"))])
    infohash = parse_torrent(torrent("film")).infohash.hex
    page = open_page(f"{intake_url}/swarms/{infohash}")
    page.get_by_role("button", name="Fetch again").click()
    expect(page.locator("#notice")).to_contain_text("This swarm is being asked for again")
    row = desk._catalogue.job(1)
    assert (row.kind, row.arguments["infohashes"]) == (JobKind.FETCH, [infohash])


def test_a_failed_scrape_shows_its_report_per_site(
    open_page: Open, intake_url: str, desk: Observatory
) -> None:
    """Of a site that does not answer, the page tells pages read, torrents found, and why."""
    desk.workspace.config_path.write_text(
        "ignore_environment=yes\nwait=0\nobey_robots=no\nroot_url=http://127.0.0.1:1\n"
    )
    page = open_page(intake_url)
    page.get_by_role("button", name="Scrape new torrents").click()
    ended = page.locator("#result")
    expect(ended).to_contain_text("Scraping torrents failed: Nothing could be listed")
    ended.locator("summary").click()
    expect(ended.locator("li")).to_contain_text("127.0.0.1:1: 0 pages read, 0 torrents found")
