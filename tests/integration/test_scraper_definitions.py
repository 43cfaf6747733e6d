"""Scrapes by definition over real HTTP, and `sites` as a person types it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.site import IndexerSite
from lab.site_faults import Fault, body_fault
from observatory.jobs import ScrapeArguments
from observatory.progress import Progress
from observatory.scrape import scrape
from scraper import passage
from scraper.collect import ListingRead, ScrapePlan, TorrentCollected, TorrentRefused, collect
from scraper.definition_file import load_definition, read_definition
from scraper.events import MagnetFound, ScrapeEvent
from storage.workspace import Workspace
from swarm.errors import DefinitionError, SiteError
from tests.integration.scraper_world import TEST_LIMITS, listing, plan, tiny_torrent

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples" / "sites"

FOLDER = """
<table id="indexlist"><tr><td class="indexcolname"><a href="/">Parent Directory</a></td></tr>
<tr><td class="indexcolname"><a href="one.iso.torrent">one.iso.torrent</a></td></tr>
<tr><td class="indexcolname"><a href="two.iso.torrent">two.iso.torrent</a></td></tr>
<tr><td class="indexcolname"><a href="gone.iso.torrent">gone.iso.torrent</a></td></tr></table>
"""


def scrape_site(site: IndexerSite, name: str, tmp_path: Path) -> list[ScrapeEvent]:
    base = plan(site.url, tmp_path, per_category=9)
    wanted = ScrapePlan(
        root_url=base.root_url,
        definition=load_definition(name),
        per_category=9,
        wait_s=0,
        wait_challenge_s=1,
        browser=base.browser,
    )
    return list(collect(wanted, (), limits=TEST_LIMITS))


def paths(site: IndexerSite) -> list[str]:
    return [entry.path for entry in site.requests if entry.path != "/robots.txt"]


def of_type(events: list[ScrapeEvent], kind: type) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_a_folder_of_torrents_needs_no_other_page(tmp_path: Path) -> None:
    """A web server's index is read once, and what it links is fetched straight; no detail page."""
    folder = "/debian-cd/current/amd64/bt-cd/"
    faults = {
        folder: body_fault(FOLDER.encode()),
        f"{folder}one.iso.torrent": body_fault(tiny_torrent("one")),
        f"{folder}two.iso.torrent": body_fault(tiny_torrent("two")),
    }
    with IndexerSite([], challenge=False, faults=faults) as site:
        events = scrape_site(site, "debian-images", tmp_path)
        asked = paths(site)
    collected = of_type(events, TorrentCollected)
    assert sorted(event.torrent.name for event in collected) == ["one", "two"]
    assert {event.category for event in collected} == {"PC > ISO"}
    assert [event.reason for event in of_type(events, TorrentRefused)] == [
        "its .torrent is not there (status 404)"
    ]
    assert sorted(path for path in asked if path.startswith(folder)) == [
        folder,
        *(f"{folder}{name}.iso.torrent" for name in ("gone", "one", "two")),
    ]


def test_an_infohash_makes_the_address(tmp_path: Path) -> None:
    """Where the definition makes the address of the infohash, no torrent's page is asked for."""
    raw = tiny_torrent("stars")
    entry = listing("stars", "Other", raw=raw)
    digest = "0123456789abcdef0123456789abcdef01234567"
    page = f"""<table class="table"><tr><td><a href="/browse.php?cat=6">x</a></td>
    <td><a href="/details/{digest}">Stars</a></td></tr></table>"""
    faults = {
        "/browse.php": body_fault(page.encode(), times=1),
        f"/download/{digest}.torrent": body_fault(raw),
    }
    with IndexerSite([entry], challenge=False, faults=faults) as site:
        events = scrape_site(site, "academictorrents", tmp_path)
        asked = paths(site)
    assert [(e.torrent.name, e.category) for e in of_type(events, TorrentCollected)] == [
        ("stars", "Other > Dataset")
    ]
    assert not any(path.startswith("/details/") for path in asked)


def test_a_next_link_is_followed(tmp_path: Path) -> None:
    """A listing without page numbers goes on where its link leads, and ends where there is none."""
    card = (
        '<article class="post"><h2 class="entry-title"><a href="{0}">{1}</a></h2></article>'.format
    )
    one = card("/d/1", "One") + '<div class="nav-links"><a class="next" href="/older">x</a></div>'
    faults = {
        "/category/distributions/": body_fault(one.encode()),
        "/older": body_fault(card("/d/2", "Two").encode()),
        "/d/1": body_fault(b'<a class="download-torrent" href="/f/1">t</a>'),
        "/d/2": body_fault(b'<a href="/f/2.torrent">t</a>'),
        "/f/1": body_fault(tiny_torrent("one")),
        "/f/2.torrent": body_fault(tiny_torrent("two")),
    }
    with IndexerSite([], challenge=False, faults=faults) as site:
        events = scrape_site(site, "fosstorrents", tmp_path)
    read = of_type(events, ListingRead)
    assert [(event.page, event.rows) for event in read if not event.problem] == [(1, 1), (2, 1)]
    names = {event.torrent.name for event in of_type(events, TorrentCollected)}
    assert names == {"one", "two"}


def test_rows_of_magnets_become_magnets(tmp_path: Path) -> None:
    """A site without any .torrent gives its magnets, each infohash with its name and size."""
    faults = {"/": body_fault((SAMPLES / "magnet-table.html").read_bytes())}
    with IndexerSite([], challenge=False, faults=faults) as site:
        events = scrape_site(site, "magnet-table", tmp_path)
    found = of_type(events, MagnetFound)
    assert {event.infohash.hex for event in found} == {"dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c"}
    assert found[0].category == "Movies > Documentary"
    assert found[0].size_bytes == 276_404_634


class Quiet(Progress):
    """Nobody watches."""

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """Say nothing."""


def world(tmp_path: Path, config: str) -> Workspace:
    workspace = Workspace(tmp_path)
    workspace.prepare()
    workspace.config_path.write_text(f"ignore_environment=yes\nwait=0\n{config}")
    return workspace


def test_a_changed_layout_is_told_and_its_pages_are_kept(tmp_path: Path) -> None:
    """No row on a listing: the report names the selector and keeps the page for `sites check`.

    Where no listing gives anything, the job's own sentence does so; five pages are kept, not more.
    """
    page = b"<h1>All new design</h1>"
    faults = {"/sort-cat/*": body_fault(page)}
    with IndexerSite([], challenge=False, faults=faults) as site:
        workspace = world(tmp_path, f"root_url={site.url}\n")
        report = scrape(workspace, ScrapeArguments(per_category=1), Quiet())
    kept = sorted((workspace.logs_dir / "pages").iterdir())
    assert [path.name for path in kept] == [f"127.0.0.1-{n}.html" for n in range(1, 6)]
    assert {path.read_bytes() for path in kept} == {page}
    for part in (
        "table.table-list tr:has(td)",
        "scraper/sites/classic.yaml",
        f"python main.py sites check classic --page {kept[0]}",
        "root_url in config.txt",
    ):
        assert part in report.sentence
    assert "\n" not in report.sentence
    assert report.failed
    assert (report.sites[0].pages, report.sites[0].error) == (8, report.sentence)


def test_one_changed_listing_is_a_line_of_the_report(tmp_path: Path) -> None:
    """While another category lists something, a listing without rows is a line in the report."""
    faults = {"/sort-cat/Anime/*": body_fault(b"<h1>All new design</h1>")}
    with IndexerSite([listing("film", "Movies")], challenge=False, faults=faults) as site:
        workspace = world(tmp_path, f"root_url={site.url}\n")
        report = scrape(workspace, ScrapeArguments(per_category=1), Quiet())
    assert report.figures["collected"] == 1
    assert len(report.refused) == 1
    assert "/sort-cat/Anime/seeders/desc/1/: table.table-list tr:has(td)" in report.refused[0]
    assert "found nothing; see what it reads: python main.py sites check" in report.refused[0]


def test_the_sites_own_address_is_enough(tmp_path: Path) -> None:
    """A definition with an address needs no root_url; a broken one stops the job with its line."""
    page = '<a class="t" href="/a.torrent">One</a>'
    with IndexerSite(
        [],
        challenge=False,
        faults={"/list": body_fault(page.encode()), "/a.torrent": body_fault(tiny_torrent("one"))},
    ) as site:
        workspace = world(tmp_path, "site=mine.yaml\n")
        mine = tmp_path / "mine.yaml"
        mine.write_text(
            f"id: mine\nname: Mine\nlinks: ['{site.url}/']\nbrowse: [{{path: /list}}]\n"
            "search:\n  rows: {selector: a.t}\n  fields:\n    title: {selector: a}\n"
            "    download: {attribute: href}\n"
        )
        report = scrape(workspace, ScrapeArguments(per_category=1), Quiet())
    assert report.figures["collected"] == 1
    mine.write_text(mine.read_text().replace("a.t}", "a..t}"))
    with pytest.raises(DefinitionError, match=r"^mine\.yaml, line 6: search\.rows\.selector:"):
        scrape(workspace, ScrapeArguments(per_category=1), Quiet())


Sites = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def sites() -> Sites:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "main.py", "sites", *map(str, arguments)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_sites_check_shows_what_is_read(sites: Sites) -> None:
    """Rows found and read, per field how many gave it, the first rows; as a table and as JSON."""
    page = SAMPLES / "academictorrents.html"
    result = sites("check", "academictorrents", "--page", page, "--json")
    assert (result.returncode, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert (document["rows_matched"], document["rows_read"]) == (3, 3)
    assert (document["fields"]["title"], document["fields"]["seeders"]) == (3, 2)
    assert document["first_rows"][1]["title"].startswith("Handwritten digits & letters")
    assert document["next_page"].endswith("page=1")
    shown = sites("check", "academictorrents", "--page", page).stdout
    assert "Rainfall of the Alps, hourly <NetCDF>" in shown
    assert "seeders 2" in shown


def test_sites_check_reads_a_torrents_own_page(sites: Sites) -> None:
    """With --detail, links and facts of a torrent's page."""
    page = SAMPLES / "classic-detail.html"
    result = sites("check", "classic", "--page", page, "--detail", "--json")
    document = json.loads(result.stdout)
    assert result.returncode == 0
    assert document["torrent_links"] == [
        "http://site.invalid/download/7/Big%20Buck%20Bunny.torrent"
    ]
    assert (document["subcategory"], document["size_bytes"]) == ("HD", 1_400_000_000)


def test_sites_check_names_what_is_wrong(sites: Sites, tmp_path: Path) -> None:
    """A broken file and a page that gives nothing leave with 1; a missing page is wrong usage."""
    broken = tmp_path / "broken.yaml"
    broken.write_text("id: a\nname: A\nbrowse: [{path: /}]\nsearch:\n  row: {}\n  fields: {}\n")
    result = sites("check", broken)
    assert result.returncode == 1
    assert f"{broken}, line 5: search.row: unknown key" in result.stderr
    assert sites("check", "classic").returncode == 0
    empty = tmp_path / "empty.html"
    empty.write_text("<p>nothing</p>")
    result = sites("check", "classic", "--page", empty)
    assert result.returncode == 1
    assert "table.table-list tr:has(td) found nothing" in result.stderr
    assert sites("check", "classic", "--page", empty, "--detail").returncode == 1
    assert sites("check", "classic", "--page", tmp_path / "no.html").returncode == 2


def test_sites_list_names_those_that_ship(sites: Sites) -> None:
    """Every shipped definition stands in the list, for people and for machines."""
    names = {site["site"] for site in json.loads(sites("list", "--json").stdout)["sites"]}
    assert names >= {"classic", "academictorrents", "debian-images", "magnet-table"}
    shown = sites("list").stdout
    assert all(name in shown for name in names)


def test_the_command_that_a_report_names_works_from_anywhere(sites: Sites, tmp_path: Path) -> None:
    """A definition beside config.txt, in a folder with a blank: what the report says can be typed.

    It reads the kept page with that definition, and names the selector that finds nothing there.
    """
    root = tmp_path / "my atlas"
    root.mkdir()
    with IndexerSite([], challenge=False, faults={"/list": body_fault(b"<h1>New</h1>")}) as site:
        workspace = world(root, f"site=mine.yaml\nroot_url={site.url}\n")
        (root / "mine.yaml").write_text(
            "id: mine\nname: Mine\nbrowse: [{path: /list}]\n"
            "search:\n  rows: {selector: a.t}\n  fields:\n    title: {selector: a}\n"
            "    download: {attribute: href}\n"
        )
        report = scrape(workspace, ScrapeArguments(per_category=1), Quiet())
    typed = shlex.split(report.sentence.rpartition("python main.py sites ")[2])
    assert typed[0] == "check"
    result = sites(*typed)
    assert result.returncode == 1
    assert "search.rows.selector: a.t found nothing" in result.stderr


def test_a_browser_is_never_sent_where_a_listing_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file behind a challenge, whose page is said to be on another port: the site's own is shown.

    The browser is stopped at the door here; where it would have gone is what counts.
    """
    sent: list[str] = []

    async def pass_challenge(url: str, **_: object) -> None:
        sent.append(url)
        raise SiteError("no browser in this test")

    monkeypatch.setattr(passage, "pass_challenge", pass_challenge)
    own = read_definition(
        b"id: a\nname: A\nbrowse: [{path: /list}]\nsearch:\n  rows: {selector: tr}\n  fields:\n"
        b"    title: {selector: a}\n    details: {selector: a.page, attribute: href}\n"
        b"    download: {selector: a.file, attribute: href}\n",
        file="a.yaml",
    )
    page = (
        b'<table><tr><td><a class="page" href="http://127.0.0.1:631/admin">One</a>'
        b'<a class="file" href="/1.torrent">get</a></td></tr></table>'
    )
    guarded = Fault(status=503, body=lambda: iter([b"<title>Just a moment...</title>"]))
    faults = {"/list": body_fault(page), "/1.torrent": guarded}
    with IndexerSite([], challenge=False, faults=faults) as site:
        wanted = replace(plan(site.url, tmp_path), definition=own, categories=None)
        with pytest.raises(SiteError, match="no browser in this test"):
            list(collect(wanted, (), limits=TEST_LIMITS))
        assert sent == [site.url + "/1.torrent"]
