"""The fetcher against real servers and proxies on loopback: what it sends, and what it does not."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from lab.site import IndexerSite
from lab.site_faults import Fault, body_fault, redirect_fault, status_fault
from scraper.addresses import IPAddress
from scraper.challenge import pass_challenge
from scraper.collect import ListingRead, TorrentCollected, TorrentRefused, collect
from scraper.fetcher import Answer, Fetcher, FetchLimits, NoAnswer
from scraper.page_cache import PageCache
from scraper.robots import FORBIDDEN
from swarm.errors import SiteError
from tests.integration.proxies import proxy
from tests.integration.scraper_world import TEST_LIMITS, listings, plan

LIMITS = FetchLimits(deadline_s=20, backoff_s=0.01, longest_wait_s=20)
NOTHING = "User-agent: *\nDisallow: /"
Asked = Answer | NoAnswer


def _ask(
    root_url: str, do: Callable[[Fetcher], Coroutine[Any, Any, Asked]], **options: Any
) -> Asked:
    async def run() -> Asked:
        async with Fetcher(root_url, **{"wait_s": 0, "limits": LIMITS} | options) as fetcher:
            return await do(fetcher)

    return asyncio.run(run())


def _paths(site: IndexerSite) -> list[str]:
    return [request.path for request in site.requests]


def _busiest_second(site: IndexerSite) -> int:
    """The most requests that began within any second, by the server's own log."""
    starts = sorted(request.started_s for request in site.requests)
    return max(sum(0 <= later - start < 1.0 for later in starts) for start in starts)


def test_with_limits_on_a_host_sees_no_two_requests_within_a_second(tmp_path: Path) -> None:
    """Counted by the server's own log in every window of a second, robots.txt and all included."""
    with IndexerSite(listings(1, ("TV",)), challenge=False) as site:
        scrape_plan = plan(site.url, tmp_path, wait_s=0.001, categories=("TV",))
        events = list(collect(scrape_plan, (), limits=TEST_LIMITS))
    assert sum(isinstance(event, TorrentCollected) for event in events) == 1
    assert [path.split("/")[1] for path in _paths(site)] == [
        "robots.txt", "sort-cat", "torrent", "download",
    ]  # fmt: skip
    assert _busiest_second(site) == 1


def test_no_limits_are_for_ones_own_machine_only() -> None:
    """wait=0 towards a public host still leaves a second between two requests."""
    waits_s: list[float] = []

    async def sleep(seconds: float) -> None:
        waits_s.append(seconds)

    async def resolve(_: str) -> list[IPAddress]:
        return [ipaddress.ip_address("127.0.0.1")]

    async def three(fetcher: Fetcher) -> Asked:
        for _ in range(2):
            await fetcher.page(root_url + "/")
        return await fetcher.page(root_url + "/")

    with IndexerSite([], challenge=False) as site:
        root_url = site.url.replace("127.0.0.1", "indexer.example")
        answer = _ask(root_url, three, resolve=resolve, sleep=sleep, obey_robots=False)
    assert isinstance(answer, Answer)
    assert len(waits_s) == 2
    assert all(0.9 < wait_s <= 1 for wait_s in waits_s)


def test_the_sites_own_slower_wish_counts() -> None:
    """Crawl-delay of robots.txt is waited for where it is slower than `wait`."""
    waits_s: list[float] = []

    async def sleep(seconds: float) -> None:
        waits_s.append(seconds)

    async def two(fetcher: Fetcher) -> Asked:
        await fetcher.page(site.url + "/")
        return await fetcher.page(site.url + "/")

    with IndexerSite([], challenge=False, robots="User-agent: *\nCrawl-delay: 7") as site:
        _ask(site.url, two, wait_s=2, sleep=sleep)
    assert [round(wait_s) for wait_s in waits_s] == [2, 7]


def test_robots_txt_is_obeyed_and_its_refusals_are_rows(tmp_path: Path) -> None:
    """What it forbids is not asked for; each refused page says so; the rest is collected."""
    robots = "User-agent: SwarmAtlas\nDisallow: /sort-cat/Music/\nDisallow: /torrent/0/\n"
    entries = listings(1, ("TV", "Movies", "Music"))
    categories = ("TV", "Movies", "Music")
    with IndexerSite(entries, challenge=False, robots=robots) as site:
        events = list(collect(plan(site.url, tmp_path, categories=categories), ()))
    assert sum(isinstance(event, TorrentCollected) for event in events) == 1
    (refused,) = (event for event in events if isinstance(event, TorrentRefused))
    assert refused.reason == f"its page {FORBIDDEN}"
    problems = {e.category: e.problem for e in events if isinstance(e, ListingRead)}
    assert problems == {"TV": None, "Movies": None, "Music": FORBIDDEN}
    assert not any(path.startswith(("/sort-cat/Music", "/torrent/0")) for path in _paths(site))
    assert _paths(site).count("/robots.txt") == 1


def test_robots_txt_is_left_alone_where_the_user_says_so(tmp_path: Path) -> None:
    """obey_robots=no: it is neither asked for nor obeyed."""
    with IndexerSite([], challenge=False, robots="User-agent: *\nDisallow: /") as site:
        answer = _ask(site.url, lambda f: f.page(site.url + "/"), obey_robots=False)
    assert isinstance(answer, Answer)
    assert _paths(site) == ["/"]


def test_an_unreadable_robots_txt_forbids_all(tmp_path: Path) -> None:
    """RFC 9309: out of order is no leave. The sentence says what and where."""
    faults = {"/robots.txt": status_fault(500)}
    with IndexerSite(listings(1), challenge=False, faults=faults) as site:
        with pytest.raises(SiteError, match=r"its robots\.txt is out of order \(status 500\)"):
            list(collect(plan(site.url, tmp_path), (), limits=TEST_LIMITS))
        assert set(_paths(site)) == {"/robots.txt"}


def test_a_redirect_does_not_lead_past_robots_txt() -> None:
    """Each step of a redirect is held against the rules."""
    faults = {"/a": redirect_fault("/secret")}
    with IndexerSite(
        [], challenge=False, faults=faults, robots="User-agent: *\nDisallow: /secret"
    ) as site:
        answer = _ask(site.url, lambda fetcher: fetcher.page(site.url + "/a"))
        assert answer == NoAnswer(site.url + "/secret", FORBIDDEN, silent=False)
    assert "/secret" not in _paths(site)


def test_retry_after_as_a_date_is_waited_for() -> None:
    """The pause lasts until the date that the server names."""
    until = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    fault = Fault(status=503, headers=(("Retry-After", until),), times=1)
    patient = replace(LIMITS, longest_wait_s=7200)
    waits_s: list[float] = []

    async def sleep(seconds: float) -> None:
        waits_s.append(seconds)

    with IndexerSite([], challenge=False, faults={"/a": fault, "/*": status_fault(404)}) as site:
        answer = _ask(site.url, lambda f: f.page(site.url + "/a"), sleep=sleep, limits=patient)
    assert isinstance(answer, Answer)
    assert answer.status == 404
    assert len(waits_s) == 1
    assert 3000 < waits_s[0] <= 3600


def test_all_tries_together_have_a_deadline() -> None:
    """Redirects and tries share one budget of time; when it is spent there is no other try."""
    limits = FetchLimits(deadline_s=0.3, total_s=0.5, tries=9, backoff_s=0.001)
    silent = Fault(body=lambda: iter([b"x"] * 1000), pause_s=0.05)
    with IndexerSite([], challenge=False, faults={"/a": silent}) as site:
        answer = _ask(
            site.url,
            lambda fetcher: fetcher.page(site.url + "/a"),
            limits=limits,
            obey_robots=False,
        )
        assert answer == NoAnswer(site.url + "/a", "does not answer in time", silent=True)
    assert len(site.requests) == 2


def test_what_was_checked_is_what_is_connected_to() -> None:
    """A name is resolved once for a connection; a second, different answer is never asked for."""
    answers = ["127.0.0.1", "127.0.0.2"]

    async def resolve(_: str) -> list[IPAddress]:
        return [ipaddress.ip_address(answers.pop(0))]

    with IndexerSite([], challenge=False) as site:
        root_url = site.url.replace("127.0.0.1", "site.test")
        answer = _ask(
            root_url,
            lambda fetcher: fetcher.page(root_url + "/"),
            resolve=resolve,
            obey_robots=False,
        )
    assert isinstance(answer, Answer)
    assert answers == ["127.0.0.2"]


@pytest.mark.parametrize("found", [["127.0.0.1"], ["1.1.1.1", "127.0.0.1"]])
def test_a_name_that_leads_home_is_not_connected_to(found: list[str]) -> None:
    """A public name of another host that resolves to this machine (DNS rebinding) gets nothing."""

    async def resolve(_: str) -> list[IPAddress]:
        return [ipaddress.ip_address(address) for address in found]

    with IndexerSite([], challenge=False) as site:
        url = site.url.replace("127.0.0.1", "evil.example") + "/x.torrent"
        answer = _ask("http://site.example", lambda f: f.torrent(url), resolve=resolve)
    assert answer == NoAnswer(
        url, "was not asked for: it leads into a private network", silent=False
    )
    assert site.requests == []


def test_several_own_hosts_may_be_private() -> None:
    """Feeds are the user's own hosts like the site; another port of theirs is not."""
    feed = body_fault(b"<rss/>", content_type="text/xml")
    with (
        IndexerSite([], challenge=False, faults={"/feed": feed}, robots=NOTHING) as site,
        IndexerSite([], challenge=False) as stranger,
    ):
        url = site.url + "/feed"
        got = _ask("http://site.example", lambda fetcher: fetcher.feed(url), feeds=[url])
        refused = _ask("http://site.example", lambda f: f.feed(stranger.url), feeds=[url])
    assert isinstance(got, Answer)
    assert got.body == b"<rss/>"
    assert _paths(site) == ["/feed"]  # robots.txt speaks to crawlers, not to a subscriber
    assert isinstance(refused, NoAnswer)
    assert stranger.requests == []


def test_no_key_in_a_redirect_is_told() -> None:
    """What a redirect leads to is named without user name and query: keys stand there."""
    fault = redirect_fault("http://me:secret@other.example/a?apikey=secret")
    with IndexerSite([], challenge=False, faults={"/a": fault}) as site:
        answer = _ask(site.url, lambda fetcher: fetcher.page(site.url + "/a"))
    assert isinstance(answer, NoAnswer)
    assert answer.reason == "redirects to http://other.example/a, which was not followed"


def test_a_second_scrape_is_sent_only_what_changed(tmp_path: Path) -> None:
    """Listings and pages that did not change come as 304, and give the same result."""
    cache = tmp_path / "pages.sqlite"
    with IndexerSite(listings(2, ("TV", "Movies")), challenge=False) as site:
        scrape_plan = plan(site.url, tmp_path, categories=("TV", "Movies"), cache_path=cache)
        first = list(collect(scrape_plan, ()))
        asked = len(site.requests)
        second = list(collect(scrape_plan, ()))
    collected = {event.raw for event in first if isinstance(event, TorrentCollected)}
    assert collected == {event.raw for event in second if isinstance(event, TorrentCollected)}
    assert len(collected) == 4
    again = {r.path: r.status for r in site.requests[asked:]}
    pages = {path: s for path, s in again.items() if path.startswith(("/sort-cat/", "/torrent/"))}
    assert len(pages) == 6
    assert set(pages.values()) == {304}


def test_a_feed_whose_address_holds_a_key_is_never_kept(tmp_path: Path) -> None:
    """A feed is asked for conditionally; one with a query in its address is always asked whole."""
    rss = Fault(headers=(("ETag", "e"),), body=lambda: iter([b"<rss>secret</rss>"]))
    with (
        PageCache(tmp_path / "pages.sqlite") as cache,
        IndexerSite([], challenge=False, faults={"/*": rss}) as site,
    ):
        for url in (site.url + "/feed", site.url + "/feed?apikey=secret"):
            _ask("", lambda fetcher, url=url: fetcher.feed(url), feeds=[url], cache=cache)
        assert cache.conditions(site.url + "/feed") == {"If-None-Match": "e"}
        assert cache.conditions(site.url + "/feed?apikey=secret") == {}


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_nothing_goes_around_the_proxy(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site whose name only the proxy knows is scraped whole, and no name is resolved here."""
    resolved: list[str] = []
    resolve = socket.getaddrinfo

    def spy(host: str, *rest: Any, **options: Any) -> Any:
        resolved.append(host)
        return resolve(host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", spy)
    with IndexerSite(listings(2, ("TV",)), challenge=False) as site, proxy(scheme) as through:
        root_url = site.url.replace("127.0.0.1", "indexer.test")
        scrape_plan = plan(root_url, tmp_path, categories=("TV",), proxy=through.url)
        events = list(collect(scrape_plan, (), limits=LIMITS))
    assert sum(isinstance(event, TorrentCollected) for event in events) == 2
    assert set(through.asked) == {_host_and_port(root_url)}
    assert set(resolved) <= {"127.0.0.1"}


def _host_and_port(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://localhost/x", "http://0x7f000001/x", "http://nas/x"]
)
def test_a_proxy_is_not_led_into_its_own_network(url: str) -> None:
    """What is private as it is written is refused before the proxy hears of it."""
    with proxy("http") as through:
        answer = _ask("http://site.example", lambda f: f.torrent(url), proxy=through.url)
    assert isinstance(answer, NoAnswer)
    assert "private network" in answer.reason
    assert through.asked == []


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_is_not_there_ends_in_one_sentence(scheme: str, tmp_path: Path) -> None:
    """Nothing is asked directly instead, and the sentence names the proxy."""
    with proxy(scheme) as through:
        gone = through.url
    with IndexerSite(listings(1), challenge=False) as site:
        with pytest.raises(SiteError, match="does not answer through the proxy"):
            list(collect(plan(site.url, tmp_path, proxy=gone), (), limits=TEST_LIMITS))
        assert site.requests == []


def test_a_proxy_that_cannot_be_used_is_said_without_its_password(tmp_path: Path) -> None:
    """Another scheme, no port, nonsense: refused before anything is sent; no secret in the text."""
    for wrong in ("ftp://me:secret@a:1", "http://me:secret@a", "a:1", "http://[", "http://a:99999"):
        with IndexerSite(listings(1), challenge=False) as site:
            with pytest.raises(SiteError, match=r"http_proxy in config\.txt") as caught:
                list(collect(plan(site.url, tmp_path, proxy=wrong), ()))
            assert "secret" not in str(caught.value)
            assert site.requests == []


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_the_browser_goes_through_the_proxy_too(scheme: str, tmp_path: Path) -> None:
    """The challenge is passed by way of the proxy, and the browser asked it for nothing else."""
    with IndexerSite(listings(1)) as site, proxy(scheme) as through:
        root_url = site.url.replace("127.0.0.1", "indexer.test")
        browser = plan(root_url, tmp_path).browser
        clearance = asyncio.run(
            pass_challenge(root_url, wait_s=20, plan=browser, proxy=through.url)
        )
    assert clearance.cookies
    assert set(through.asked) == {_host_and_port(root_url)}


@pytest.mark.browser
def test_the_browser_is_not_sent_around_the_proxy(tmp_path: Path) -> None:
    """Chromium asks this machine directly whatever it is told, so there it is not sent at all."""
    with IndexerSite(listings(1)) as site, proxy("http") as through:
        browser = plan(site.url, tmp_path).browser
        with pytest.raises(SiteError, match=r"only around http_proxy of config\.txt"):
            asyncio.run(pass_challenge(site.url, wait_s=20, plan=browser, proxy=through.url))
        assert site.requests == []


@pytest.mark.browser
def test_a_proxy_with_a_password_is_not_given_to_the_browser(tmp_path: Path) -> None:
    """Chromium cannot hand a password over: the job says so, and nothing goes around the proxy."""
    with IndexerSite(listings(1)) as site, pytest.raises(SiteError, match="user name") as caught:
        browser = plan(site.url, tmp_path).browser
        url = site.url.replace("127.0.0.1", "indexer.test")
        asyncio.run(
            pass_challenge(url, wait_s=20, plan=browser, proxy="http://me:secret@127.0.0.1:9")
        )
    assert "secret" not in str(caught.value)
    assert site.requests == []
