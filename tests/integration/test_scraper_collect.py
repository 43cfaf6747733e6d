"""Whole scrapes over plain HTTP: everything obtainable once, everything else with its reason."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lab.site import CATEGORIES, IndexerSite, Listing
from lab.site_faults import (
    Fault,
    body_fault,
    dribble_fault,
    endless_fault,
    gzip_bomb_fault,
    redirect_fault,
    status_fault,
)
from scraper.collect import (
    DuplicateSkipped,
    ListingRead,
    ScrapeEvent,
    StillWaiting,
    TorrentCollected,
    TorrentRefused,
    collect,
)
from scraper.fetcher import Fetcher
from swarm.errors import SiteError
from swarm.metainfo import parse_torrent
from tests.integration.scraper_world import (
    TEST_LIMITS,
    listing,
    listings,
    next_said,
    plan,
    tiny_torrent,
)


def _scrape(
    entries: list[Listing],
    cache_dir: Path,
    *,
    per_category: int = 3,
    faults: Mapping[str, Fault] | None = None,
    categories: tuple[str, ...] = CATEGORIES,
    page_size: int = 20,
) -> list[ScrapeEvent]:
    site = IndexerSite(entries, challenge=False, faults=faults, page_size=page_size)
    with site:
        scrape_plan = plan(site.url, cache_dir, per_category=per_category, categories=categories)
        return list(collect(scrape_plan, (), limits=TEST_LIMITS))


def _collected(events: list[ScrapeEvent]) -> list[TorrentCollected]:
    return [event for event in events if isinstance(event, TorrentCollected)]


def test_the_best_seeded_of_each_category_are_collected(tmp_path: Path) -> None:
    """N of each category, those with most seeders, byte for byte, with category and language."""
    entries = listings(5)
    events = _scrape(entries, tmp_path, per_category=2)
    wanted = {entry.torrent for entry in entries if entry.seeders >= 3}
    assert wanted == {event.raw for event in _collected(events)}
    assert len(_collected(events)) == 16
    assert all(event.torrent == parse_torrent(event.raw) for event in _collected(events))
    categories = Counter(event.category for event in _collected(events))
    assert categories == {name: 2 for name in CATEGORIES if name != "Movies"} | {"Movies > HD": 2}
    assert {event.language for event in _collected(events)} == {"English"}


def test_pages_are_walked_until_there_are_enough(tmp_path: Path) -> None:
    """Listing pages are read as far as needed, and not beyond the last."""
    events = _scrape(listings(5), tmp_path, per_category=4, page_size=2, categories=("TV",))
    assert [event.page for event in events if isinstance(event, ListingRead)] == [1, 2]
    assert len(_collected(events)) == 4
    events = _scrape(listings(5), tmp_path, per_category=99, page_size=2, categories=("TV",))
    assert [event.rows for event in events if isinstance(event, ListingRead)] == [2, 2, 1]
    assert len(_collected(events)) == 5


def test_a_site_that_repeats_its_last_page_is_left(tmp_path: Path) -> None:
    """A next link that leads to the same rows again does not go on for ever."""
    page = (
        b'<table class="table-list"><tr><td class="name"><a href="/torrent/0/x/">x</a></td></tr>'
        b'</table><a rel="next" href="?">next</a>'
    )
    events = _scrape(
        listings(1),
        tmp_path,
        per_category=50,
        categories=("TV",),
        faults={"/sort-cat/*": body_fault(page)},
    )
    assert [event.page for event in events if isinstance(event, ListingRead)] == [1, 2]
    assert len(_collected(events)) == 1


def test_duplicates_are_skipped(tmp_path: Path) -> None:
    """What is known already, and what came earlier in the same scrape, is not collected again."""
    raw = tiny_torrent("the same")
    entries = [
        listing("first", "TV", raw=raw),
        listing("second", "Movies", raw=raw),
        listing("known", "Music"),
        listing("new", "Games"),
    ]
    known = parse_torrent(tiny_torrent("known")).infohash
    with IndexerSite(entries, challenge=False) as site:
        events = list(collect(plan(site.url, tmp_path), {known}, limits=TEST_LIMITS))
    assert sorted(event.torrent.name for event in _collected(events)) == ["new", "the same"]
    skipped = {event.infohash for event in events if isinstance(event, DuplicateSkipped)}
    assert skipped == {known, parse_torrent(raw).infohash}


def test_a_known_torrent_is_not_downloaded_again(tmp_path: Path) -> None:
    """Where the page's magnet names an infohash that is known, its .torrent is left alone."""
    known = parse_torrent(tiny_torrent("known")).infohash
    with IndexerSite([listing("known", "TV")], challenge=False) as site:
        events = list(collect(plan(site.url, tmp_path), {known}, limits=TEST_LIMITS))
    assert [e.infohash for e in events if isinstance(e, DuplicateSkipped)] == [known]
    assert not any(entry.path.startswith("/download/") for entry in site.requests)


def test_a_page_without_a_torrent_is_counted(tmp_path: Path) -> None:
    """An entry that offers only a magnet is refused with that reason; the rest goes on."""
    entries = [replace(listing("magnet", "TV"), torrent=None), listing("file", "TV")]
    events = _scrape(entries, tmp_path)
    refused = [event for event in events if isinstance(event, TorrentRefused)]
    assert [event.reason for event in refused] == ["its page has no .torrent link, only a magnet"]
    assert refused[0].category == "TV"
    assert [event.torrent.name for event in _collected(events)] == ["file"]


def test_an_empty_category_is_only_reported(tmp_path: Path) -> None:
    """A category that lists nothing, or is missing, does not harm the others."""
    events = _scrape(
        listings(1, ("TV",)),
        tmp_path,
        faults={"/sort-cat/Anime/*": status_fault(404), "/sort-cat/Books/*": status_fault(500)},
    )
    rows = {event.category: event.rows for event in events if isinstance(event, ListingRead)}
    assert rows == dict.fromkeys(CATEGORIES, 0) | {"TV": 1}
    problems = {e.category: e.problem for e in events if isinstance(e, ListingRead) and e.problem}
    assert problems == {
        "Anime": "is not there (status 404)",
        "Books": "is out of order (status 500)",
    }


HOSTILE: dict[str, tuple[Fault, str]] = {
    "a gzip bomb": (gzip_bomb_fault(inflated_bytes=50_000_000), "larger than 0.5 MB"),
    "an endless body": (endless_fault(), "larger than 0.5 MB"),
    "a dribble": (dribble_fault(), "in time"),
    "html": (body_fault(b"<html>", content_type="application/x-bittorrent"), "not bencoded"),
    "a redirect to a file": (redirect_fault("file:///etc/passwd"), "file:///etc/passwd"),
    "a redirect to another port": (redirect_fault("http://127.0.0.1:1/x"), "not followed"),
    "a redirect loop": (redirect_fault("?again"), "more than 5 times"),
    "a redirect to nonsense": (redirect_fault("http://["), "not followed"),
    "deep nesting": (body_fault(b"d4:info" + b"l" * 200_000), "nested deeper"),
    "a cut torrent": (body_fault(tiny_torrent("x")[:-9]), "refused"),
    "traversal": (
        body_fault(tiny_torrent("y").replace(b"4:name1:y", b"4:name4:../y")),
        "'../y'",
    ),
    "a huge declared length": (
        Fault(headers=(("Content-Length", "99999999999"),)),
        "larger than 0.5 MB",
    ),
    "a broken encoding": (
        Fault(headers=(("Content-Encoding", "gzip"),), body=lambda: iter([b"plain"])),
        "compression is broken",
    ),
    "an error": (status_fault(500), "status 500"),
    "nothing": (status_fault(404), "status 404"),
    "a wait of an hour": (status_fault(429, retry_after_s=3600), "status 429"),
}


def test_hostile_downloads_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    """Each hostile .torrent is refused with its own reason; a good one beside them is kept."""
    entries = [listing(title, "TV", seeders=9) for title in HOSTILE] + [listing("good", "TV")]
    faults = {f"/download/{i}/*": fault for i, (fault, _) in enumerate(HOSTILE.values())}
    events = _scrape(entries, tmp_path, per_category=99, faults=faults, categories=("TV",))
    reasons = {e.url.split("/")[-3]: e.reason for e in events if isinstance(e, TorrentRefused)}
    assert len(reasons) == len(HOSTILE)
    for i, (title, (_, reason)) in enumerate(HOSTILE.items()):
        assert reason in reasons[str(i)], title
    assert [event.torrent.name for event in _collected(events)] == ["good"]


def test_hostile_pages_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    """A detail page may be a bomb, endless, binary, elsewhere or missing: only it is lost."""
    bad = [
        gzip_bomb_fault(),
        endless_fault(),
        body_fault(b"\0\xff<a href='http://[/x.torrent'>" * 99),
        redirect_fault("http://other.example/"),
        status_fault(403),
        body_fault(b'<a href="http://169.254.1.1:1/x.torrent">t</a>'),
    ]
    faults = {f"/torrent/{i}/*": fault for i, fault in enumerate(bad)}
    entries = [listing(f"bad {i}", "TV") for i in range(len(bad))] + [listing("good", "TV")]
    events = _scrape(entries, tmp_path, per_category=99, faults=faults, categories=("TV",))
    assert sum(isinstance(event, TorrentRefused) for event in events) == len(bad)
    assert [event.torrent.name for event in _collected(events)] == ["good"]


def test_passing_troubles_are_retried(tmp_path: Path) -> None:
    """429 and 5xx that pass are waited out; everything is collected in the end."""
    faults = {
        "/sort-cat/TV/*": status_fault(500, times=1),
        "/torrent/0/*": status_fault(429, retry_after_s=0, times=2),
        "/download/1/*": status_fault(503, times=1),
    }
    events = _scrape(listings(2, ("TV",)), tmp_path, faults=faults)
    assert len(_collected(events)) == 2


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (status_fault(404), r"is not there \(status 404\).*root_url in config\.txt"),
        (status_fault(500), r"is out of order \(status 500\).*root_url in config\.txt"),
        (status_fault(429), r"asked too often \(status 429\).*root_url in config\.txt"),
        (body_fault(b"<h1>Parked</h1>"), r"no category page lists a torrent.*root_url in config"),
        (body_fault(b"\x00\xff\xfe" * 999), r"no category page lists a torrent.*classic layout"),
        (redirect_fault("https://new.example/"), r"redirects to https://new\.example/"),
        (endless_fault(), r"larger than 0\.5 MB.*root_url in config\.txt"),
        (dribble_fault(), r"does not answer in time.*root_url in config\.txt"),
    ],
    ids=["404", "500", "429", "nothing", "binary", "moved", "endless", "dribble"],
)
def test_a_site_that_gives_nothing_ends_in_one_sentence(
    fault: Fault, sentence: str, tmp_path: Path
) -> None:
    """What was tried, what came, what to edit: in one line."""
    with IndexerSite([], challenge=False, faults={"/*": fault}) as site:
        events = collect(plan(site.url, tmp_path), (), limits=TEST_LIMITS)
        with pytest.raises(SiteError, match=sentence) as caught:
            list(events)
        assert site.url in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_site_that_is_not_there_ends_in_one_sentence(tmp_path: Path) -> None:
    """A refused connection, an empty and a strange root_url are told apart."""
    with IndexerSite([], challenge=False) as site:
        url = site.url
    with pytest.raises(SiteError, match=r"does not answer.*root_url in config\.txt"):
        list(collect(plan(url, tmp_path), (), limits=TEST_LIMITS))
    with pytest.raises(SiteError, match=r"No site is set.*root_url=https"):
        list(collect(plan("", tmp_path), ()))
    with pytest.raises(SiteError, match=r"root_url in config\.txt.*no address of the web"):
        list(collect(plan("file:///etc", tmp_path), ()))


def test_several_go_at_a_time_without_waiting(tmp_path: Path) -> None:
    """With wait 0 the site sees requests that overlap, never more than nine."""
    with IndexerSite(listings(6), challenge=False, latency_s=0.03) as site:
        events = list(collect(plan(site.url, tmp_path, per_category=6), (), limits=TEST_LIMITS))
    assert len(_collected(events)) == 48
    assert 4 <= _most_at_once(site) <= 9  # eight workers and the reader of listings


def _most_at_once(site: IndexerSite) -> int:
    steps = [(entry.started_s, 1) for entry in site.requests]
    steps += [(entry.ended_s, -1) for entry in site.requests]
    return max(itertools.accumulate(step for _, step in sorted(steps)))


def test_a_wait_makes_requests_strictly_one_by_one(tmp_path: Path) -> None:
    """With a wait the site never sees two requests at once, and each but the first is waited for.

    The wait is asked of an injected clock's sleeper, so that the test itself waits for nothing.
    """
    waits_s: list[float] = []

    async def sleep(seconds: float) -> None:
        waits_s.append(seconds)

    async def ask(url: str) -> None:
        async with (
            Fetcher(url, wait_s=30, limits=TEST_LIMITS, sleep=sleep) as fetcher,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(6):
                group.create_task(fetcher.page(url + "/"))

    with IndexerSite([], challenge=False, latency_s=0.01) as site:
        asyncio.run(ask(site.url))
    assert len(site.requests) == 7  # robots.txt first
    assert _most_at_once(site) == 1
    assert len(waits_s) == 6
    assert all(29 < wait_s <= 30 for wait_s in waits_s)


def test_closing_ends_the_scrape(tmp_path: Path) -> None:
    """A generator that is closed in the middle asks nothing more and leaves no thread."""
    with IndexerSite(listings(20), challenge=False, latency_s=0.02) as site:
        events = collect(plan(site.url, tmp_path, per_category=20), (), limits=TEST_LIMITS)
        assert isinstance(next_said(events), ListingRead)
        events.close()
        assert "scrape" not in {thread.name for thread in threading.enumerate()}
        assert len(site.requests) < 40


def test_a_long_wait_is_no_silence(tmp_path: Path) -> None:
    """A scrape that sits out its politeness says so, so that its taker can stop it meanwhile."""
    with IndexerSite(listings(2), challenge=False) as site:
        events = collect(plan(site.url, tmp_path, wait_s=3600), (), limits=TEST_LIMITS)
        said = [type(event) for event in itertools.islice(events, 3)]
        assert said == [StillWaiting] * 3
        events.close()
        assert "scrape" not in {thread.name for thread in threading.enumerate()}


def test_headers_that_dribble_meet_the_deadline(tmp_path: Path) -> None:
    """A server that sends one byte of its headers at a time holds nobody: the whole request ends.

    No single read ever times out there, so this is the deadline of the whole request.
    """
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        dribbler = threading.Thread(target=_dribble_headers, args=(server, stop))
        dribbler.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            with pytest.raises(SiteError, match="does not answer in time"):
                list(collect(plan(url, tmp_path), (), limits=TEST_LIMITS))
        finally:
            stop.set()
            dribbler.join()


def _dribble_headers(server: socket.socket, stop: threading.Event) -> None:
    server.settimeout(0.05)
    visitors: list[socket.socket] = []
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            visitor, _ = server.accept()
            visitor.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            visitors.append(visitor)
        for visitor in visitors:
            with contextlib.suppress(OSError):
                visitor.sendall(b"x")
    for visitor in visitors:
        visitor.close()
