"""Feeds over real HTTP: exactly their torrents, each once, and no key anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lab.site import IndexerSite, Listing
from lab.site_faults import Fault, body_fault, redirect_fault, status_fault
from lab.site_feeds import API_KEY, ATOM_PATH, RSS_PATH, TORZNAB_PATH
from observatory.desk import Observatory
from observatory.job import JobKind, JobState
from scraper.events import (
    DuplicateSkipped,
    ListingRead,
    MagnetFound,
    ScrapeEvent,
    StillWaiting,
    TorrentCollected,
    TorrentRefused,
)
from scraper.feeds_collect import FeedPlan, collect_feeds
from storage.magnets import MagnetList
from swarm.errors import SiteError
from swarm.infohash import InfoHash
from tests.integration.scraper_world import TEST_LIMITS, listing, listings
from tests.integration.test_observatory_jobs import ended

TORZNAB = f"{TORZNAB_PATH}?apikey={API_KEY}"
PATHS = {"rss": RSS_PATH, "atom": ATOM_PATH, "torznab": TORZNAB}
OpenDesk = Callable[[str], Observatory]


class _Quiet:
    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        """Say nothing."""


def entries() -> list[Listing]:
    """Sixteen torrents, one of them twice, one known by its magnet alone, one by nothing."""
    some = listings(2)
    magnet = replace(listing("Only a magnet", "Books"), torrent=None)
    nothing = replace(magnet, title="Nothing at all", infohash=None)
    return [*some, replace(some[0], title="The same again"), magnet, nothing]


def read(
    site: IndexerSite, *paths: str, known: frozenset[InfoHash] = frozenset()
) -> list[ScrapeEvent]:
    plan = FeedPlan(feeds=tuple(site.url + path for path in paths), wait_s=0)
    events = collect_feeds(plan, known, limits=TEST_LIMITS)
    return [event for event in events if not isinstance(event, StillWaiting)]


def infohashes(some: list[Listing]) -> set[InfoHash]:
    return {entry.infohash for entry in some if entry.infohash is not None}


def served(
    some: list[Listing], faults: Mapping[str, Fault] | None = None, *, challenge: bool = False
) -> IndexerSite:
    return IndexerSite(some, challenge=challenge, faults=faults)


@pytest.mark.parametrize("kind", PATHS)
def test_each_kind_of_feed_gives_exactly_its_torrents(kind: str) -> None:
    """One result for each entry: every torrent once, the double skipped, a magnet, a refusal."""
    with served(entries()) as site:
        events = read(site, PATHS[kind])
        downloads = [r.path for r in site.requests if r.path.startswith("/download/")]
    collected = [e.torrent.infohash for e in events if isinstance(e, TorrentCollected)]
    (magnet,) = [e for e in events if isinstance(e, MagnetFound)]
    assert len(collected) == len(set(collected)) == 16
    assert {*collected, magnet.infohash} == infohashes(entries())
    assert (magnet.name, magnet.size_bytes) == ("Only a magnet", 20_000)
    assert sum(isinstance(e, DuplicateSkipped) for e in events) == 1
    (refused,) = [e for e in events if isinstance(e, TorrentRefused)]
    assert refused.reason == "Nothing at all: names no .torrent, magnet or infohash"
    (listed,) = [e for e in events if isinstance(e, ListingRead)]
    assert (listed.rows, listed.problem) == (19, None)
    assert len(events) == 20
    # Torznab names infohashes, so that a double costs no request.
    assert len(downloads) == (16 if kind == "torznab" else 17)


def test_what_is_known_is_skipped() -> None:
    """Torrents that are kept already are not collected again."""
    with served(entries()) as site:
        events = read(site, RSS_PATH, ATOM_PATH, TORZNAB, known=frozenset(infohashes(entries())))
    assert not [e for e in events if isinstance(e, TorrentCollected)]


def test_a_download_that_leads_to_a_magnet_is_one() -> None:
    """Jackett and Prowlarr send on to magnet links; that is a magnet, and is never followed."""
    some = [replace(listing("Film", "Movies"), infohash=None)]
    target = f"magnet:?xt=urn:btih:{'a' * 40}&tr=http%3A%2F%2F127.0.0.1%3A1%2Fkey"
    with served(some, {"/download/*": redirect_fault(target)}) as site:
        (magnet,) = [e for e in read(site, RSS_PATH) if isinstance(e, MagnetFound)]
    assert (magnet.uri, magnet.infohash.hex) == (target, "a" * 40)


def test_a_torrent_is_kept_though_its_magnet_came_first() -> None:
    """A magnet, the magnet again, then the .torrent of it: noted once, doubled once, kept."""
    film = listing("Film", "Movies")
    magnet = replace(film, torrent=None, title="Its magnet")
    with served([magnet, replace(magnet, title="Again"), film]) as site:
        events = read(site, RSS_PATH)
    kinds = [type(event) for event in events if not isinstance(event, ListingRead)]
    assert kinds == [MagnetFound, DuplicateSkipped, TorrentCollected]


def test_a_download_behind_a_challenge_says_so() -> None:
    """A feed is read without a browser; what wants to see one is refused in words."""
    some = [replace(listing("Film", "Movies"), infohash=None)]
    with served(some, challenge=True) as site:
        (refused,) = [e for e in read(site, RSS_PATH) if isinstance(e, TorrentRefused)]
    assert refused.reason == "Film: its .torrent stands behind a challenge page"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (status_fault(404), r"its \.torrent is not there"),
        (body_fault(b"<html>"), r"its \.torrent is refused: not ben"),
        (redirect_fault("file:///etc/passwd?key=1"), r"redirects to file:///etc/passwd, which"),
        (redirect_fault("http://127.0.0.1:1/?apikey=0123456789"), r"redirects to .*, which was"),
    ],
    ids=["missing", "html", "file", "elsewhere"],
)
def test_a_bad_download_is_refused_with_its_reason(fault: Fault, reason: str) -> None:
    """The entry's title and why; the rest of the feed goes on."""
    some = [replace(one, infohash=None) for one in listings(1)]
    with served(some, {"/download/0/*": fault}) as site:
        events = read(site, RSS_PATH)
    (refused,) = [e for e in events if isinstance(e, TorrentRefused)]
    assert refused.reason.startswith("TV 0")
    assert re.search(reason, refused.reason)
    assert "0123456789" not in refused.reason
    assert sum(isinstance(e, TorrentCollected) for e in events) == 7


def test_a_bad_feed_does_not_stop_the_others() -> None:
    """Each is its listing with a problem; a wrong key is said in the indexer's words, unshown."""
    wrong = f"{TORZNAB_PATH}?apikey=wrong-key-0123456789"
    bad = {"/feed/atom": body_fault(b"<html>Log in</html>")}
    with served(entries(), bad) as site:
        events = read(site, wrong, "/feed/none", ATOM_PATH, RSS_PATH)
    problems = [e.problem for e in events if isinstance(e, ListingRead)]
    assert problems == [
        "answers with error 100: Invalid API Key",
        "is not there (status 404)",
        "is a web page, not a feed",
        None,
    ]
    assert sum(isinstance(e, TorrentCollected) for e in events) == 16
    assert not [event for event in events if "wrong-key" in str(event)]


def test_only_bad_feeds_are_an_error_without_a_key() -> None:
    """All reasons in one sentence that says what to edit."""
    with served([]) as site:
        wrong = f"{TORZNAB_PATH}?apikey=wrong-key-0123456789"
        with pytest.raises(SiteError, match=r"No feed could be .*error 100.*--feed") as caught:
            read(site, wrong)
    assert "wrong-key" not in str(caught.value)


def test_an_address_that_is_none_is_an_error() -> None:
    """Before anything is asked."""
    plan = FeedPlan(feeds=("file:///etc/passwd",), wait_s=0)
    with pytest.raises(SiteError, match="is no address of a feed"):
        list(collect_feeds(plan, frozenset()))


@pytest.mark.parametrize("kind", PATHS)
def test_a_scrape_job_of_a_feed_alone(kind: str, open_desk: OpenDesk) -> None:
    """Without a site: files, catalogue and magnets as the feed has them; again adds nothing."""
    with served(entries()) as site:
        desk = open_desk(
            f"root_url=\nwait=0\nignore_environment=yes\nfeeds={site.url}{PATHS[kind]}\n"
        )
        job = ended(desk, desk.start(JobKind.SCRAPE, {}))
        assert job.state is JobState.DONE, job.message
        assert job.message == (
            "16 new torrents collected, 1 magnet noted, 1 known already, 1 without a usable "
            ".torrent."
        )
        again = ended(desk, desk.start(JobKind.SCRAPE, {}))
    folder = desk.workspace.torrents_dir
    (magnet,) = MagnetList(folder).all()
    assert {path.stem for path in folder.glob("*.torrent")} | {magnet.infohash.hex} == {
        infohash.hex for infohash in infohashes(entries())
    }
    assert (desk.torrents(), desk.magnets()) == (16, 1)
    assert (again.report or {})["figures"]["collected"] == 0
    assert (again.report or {})["figures"]["magnets"] == 0


def test_feeds_and_site_together_collect_each_once(open_desk: OpenDesk) -> None:
    """A torrent that the feed and the site name is kept once; the site's others come too."""
    with served(entries()[:4]) as feed, served(entries()) as site:
        desk = open_desk(f"root_url={site.url}\nwait=0\nignore_environment=yes\n")
        job = desk.run_here(
            JobKind.SCRAPE,
            {"per_category": 10},
            _Quiet(),
            unwritten={"feeds": [feed.url + RSS_PATH]},
        )
    assert job.state is JobState.DONE, job.message
    assert (desk.torrents(), (job.report or {})["figures"]["collected"]) == (16, 16)


def test_no_key_is_written_logged_or_shown(open_desk: OpenDesk) -> None:
    """After a scrape by a worker and one by command, the key stands in config.txt alone."""
    faults = {"/download/3/*": status_fault(404)}
    with served(entries(), faults) as site:
        desk = open_desk(f"wait=0\nignore_environment=yes\nfeeds={site.url}{TORZNAB}\n")
        assert ended(desk, desk.start(JobKind.SCRAPE, {})).state is JobState.DONE
        wrong = f"{site.url}{TORZNAB_PATH}?apikey=other-key-0123456789"
        job = desk.run_here(JobKind.SCRAPE, {}, _Quiet(), unwritten={"feeds": [wrong]})
        assert job.state is JobState.DONE, job.message
    shown = json.dumps(job.report)
    written = b"".join(
        path.read_bytes()
        for path in Path(desk.workspace.root).rglob("*")
        if path.is_file() and path.name != "config.txt"
    )
    for key in (API_KEY, "other-key-0123456789"):
        assert key not in shown
        assert key.encode() not in written
    assert b"TV 1" in written  # the refused download is told of
