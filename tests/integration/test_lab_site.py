"""The lab's indexer site: what it serves, what its challenge lets in, its log and its faults."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from lab.site import CATEGORIES, IndexerSite
from lab.site_challenge import COOKIE_NAME, VERIFY_PATH, Challenge
from lab.site_faults import body_fault, redirect_fault, status_fault
from tests.integration.scraper_world import listing, listings, tiny_torrent


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=20) as client:
        yield client


def test_the_home_page_links_every_category(client: httpx.Client) -> None:
    """All eight categories are linked, and each link answers."""
    with IndexerSite(listings(1), challenge=False) as site:
        home = client.get(site.url).text
        for category in CATEGORIES:
            path = f"/sort-cat/{category}/seeders/desc/1/"
            assert f'href="{path}"' in home
            assert client.get(site.url + path).status_code == 200


def test_listings_come_by_seeders_in_pages(client: httpx.Client) -> None:
    """Best seeded first, `page_size` a page, a next link on all but the last."""
    with IndexerSite(listings(5), challenge=False, page_size=2) as site:
        pages = [
            client.get(f"{site.url}/sort-cat/Music/seeders/desc/{page}/").text for page in (1, 2, 3)
        ]
    seeders = [re.findall(r'class="coll-2 seeds">(\d+)<', page) for page in pages]
    assert seeders == [["4", "3"], ["2", "1"], ["0"]]
    assert ['rel="next"' in page for page in pages] == [True, True, False]


def test_titles_are_text(client: httpx.Client) -> None:
    """A title that is markup stays text on every page."""
    hostile = replace(
        listing("<img src=x onerror=alert(1)>", "TV"), language='"><script>', description="<i>"
    )
    with IndexerSite([hostile], challenge=False) as site:
        for path in ("/sort-cat/TV/seeders/desc/1/", "/torrent/0/x/"):
            page = client.get(site.url + path).text
            assert "<img" not in page
            assert "<script" not in page
            assert "<i>" not in page


def test_torrents_come_with_their_type(client: httpx.Client) -> None:
    """The file's very bytes, as application/x-bittorrent; nothing where there is none."""
    entries = [listing("a b", "TV"), replace(listing("c", "TV"), torrent=None)]
    with IndexerSite(entries, challenge=False) as site:
        answer = client.get(site.url + "/download/0/a%20b.torrent")
        assert answer.content == tiny_torrent("a b")
        assert answer.headers["content-type"] == "application/x-bittorrent"
        assert ".torrent" not in client.get(site.url + "/torrent/1/c/").text
        assert client.get(site.url + "/download/1/c.torrent").status_code == 404


@pytest.mark.parametrize(
    "path", ["/nope", "/torrent/99/x/", "/torrent/-1/x/", "/sort-cat/Nope/seeders/desc/1/"]
)
def test_what_is_not_there_is_404(client: httpx.Client, path: str) -> None:
    """Unknown addresses, numbers and categories are not found."""
    with IndexerSite(listings(1), challenge=False) as site:
        assert client.get(site.url + path).status_code == 404


def test_the_challenge_stands_before_everything(client: httpx.Client) -> None:
    """Without a cookie every address is the challenge page with status 503."""
    with IndexerSite(listings(1)) as site:
        for path in ("/", "/sort-cat/TV/seeders/desc/1/", "/download/0/x.torrent"):
            answer = client.get(site.url + path)
            assert answer.status_code == 503
            assert "<title>Just a moment...</title>" in answer.text


def test_a_wrong_proof_earns_nothing(client: httpx.Client) -> None:
    """Puzzles that are not ours, and proofs that prove nothing, are refused."""
    with IndexerSite(listings(1)) as site:
        page = client.get(site.url).text
        puzzle = re.findall(r'data-puzzle="([^"]+)"', page)[0]
        for body in (f"{puzzle}:x", "made-up:1", "", f"{puzzle}:-1"):
            answer = client.post(site.url + VERIFY_PATH, content=body)
            assert answer.status_code == 403
            assert "set-cookie" not in answer.headers


def test_a_cookie_belongs_to_its_user_agent(client: httpx.Client) -> None:
    """The cookie admits the user agent that earned it, no other, and none once revoked."""
    with IndexerSite(listings(1)) as site:
        puzzle = re.findall(r'data-puzzle="([^"]+)"', client.get(site.url).text)[0]
        client.headers["User-Agent"] = "one"
        value = _earn(client, site.url, puzzle)
        cookie = {"Cookie": f"{COOKIE_NAME}={value}"}
        assert client.get(site.url, headers=cookie).status_code == 200
        assert client.get(site.url, headers=cookie | {"User-Agent": "two"}).status_code == 503
        site.revoke_clearances()
        assert client.get(site.url, headers=cookie).status_code == 503


def _earn(client: httpx.Client, url: str, puzzle: str) -> str:
    """Do the work that the page's script does."""
    for proof in range(1_000_000):
        state = 0x811C9DC5
        for byte in f"{puzzle}:{proof}".encode():
            state = ((state ^ byte) * 0x01000193) & 0xFFFFFFFF
        if state % (1 << 14) == 0:
            answer = client.post(url + VERIFY_PATH, content=f"{puzzle}:{proof}")
            value = answer.cookies[COOKIE_NAME]
            client.cookies.clear()
            return value
    raise AssertionError("no proof found")


def test_two_sites_do_not_know_each_others_puzzles() -> None:
    """A puzzle is signed: another site's, or one from before a revocation, is worth nothing."""
    one, two = Challenge(), Challenge()
    assert two.clearance(one.puzzle(), "0", "agent") is None


def test_faults_replace_answers(client: httpx.Client) -> None:
    """A fault strikes where it stands, as often as it says, by path or by a path's beginning."""
    faults = {
        "/torrent/*": status_fault(429, retry_after_s=1, times=1),
        "/download/0/*": body_fault(b"<html>", content_type="application/x-bittorrent"),
        "/": redirect_fault("file:///etc/passwd"),
    }
    with IndexerSite(listings(1), challenge=False, faults=faults) as site:
        statuses = [client.get(site.url + "/torrent/0/x/").status_code for _ in range(2)]
        assert statuses == [429, 200]
        assert client.get(site.url + "/download/0/x.torrent").content == b"<html>"
        assert client.get(site.url + "/").headers["location"] == "file:///etc/passwd"


def test_every_request_is_logged(client: httpx.Client) -> None:
    """Method, path, status and order of all that was asked."""
    with IndexerSite(listings(1), challenge=False) as site:
        client.get(site.url + "/")
        client.get(site.url + "/nope?x=1")
        client.post(site.url + "/", content=b"x")
    logged = [(entry.method, entry.path, entry.status) for entry in site.requests]
    assert logged == [("GET", "/", 200), ("GET", "/nope?x=1", 404), ("POST", "/", 405)]
    assert all(entry.started_s <= entry.ended_s for entry in site.requests)


def test_it_stops_and_frees_its_port() -> None:
    """After stop nobody answers, and stopping again is harmless."""
    site = IndexerSite([], challenge=False)
    site.start()
    url = site.url
    site.stop()
    site.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
    with pytest.raises(RuntimeError, match="not running"):
        _ = site.url
