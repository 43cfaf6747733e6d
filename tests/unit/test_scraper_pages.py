"""Reading an indexer's pages: rows, links, facts, challenges, from small saved pages."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from scraper import pages
from scraper.definition_file import load_definition
from scraper.pages import (
    DetailPage,
    ListingPage,
    ListingRow,
    is_challenge,
    listing_url,
    magnet_infohash,
)

CLASSIC = load_definition("classic")
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
URL = "http://site.example/sort-cat/Movies/seeders/desc/1/"

LISTING = """<!doctype html><html><head><meta charset="utf-8"><title>Movies</title></head><body>
<table class="table-list table table-striped"><thead><tr><th>name</th><th>se</th></tr></thead>
<tbody>
<tr><td class="coll-1 name"><a href="/sub/42/0/" class="icon"><i></i></a>
 <a href="/torrent/7/big-buck-bunny/">Big <b>Buck</b> Bunny</a></td>
 <td class="coll-2 seeds">1,204</td><td class="coll-3 leeches">17</td>
 <td class="coll-4 size mob-uploader">1.4 GB<span class="seeds">1204</span></td></tr>
<tr><td class="name"><a href="../../../../../torrent/8/sintel/">Sintel — снег</a></td>
 <td class="seeds">n/a</td></tr>
<tr><td class="name"><a href="/torrent/7/big-buck-bunny/#comments">again</a></td></tr>
<tr><td class="name"><a href="javascript:alert('/torrent/9/')">script</a></td></tr>
<tr><td class="name"><a href="http://[/torrent/">broken</a></td></tr>
<tr><td class="name">no link</td></tr>
</tbody></table>
<div class="pagination"><ul><li class="active"><a href="/sort-cat/Movies/seeders/desc/1/">1</a>
<li><a href="/sort-cat/Movies/seeders/desc/2/">2</a></ul></div></body></html>"""

DETAIL = """<html><body><h1>Big Buck Bunny</h1>
<a href="magnet:?xt=urn:btih:aa&amp;dn=b">Magnet</a>
<a href="/download/7/Big%20Buck%20%5B2008%5D.torrent">Torrent</a>
<a href="//mirror.example/7.TORRENT?key=1">Mirror</a>
<a href="/download/7/Big%20Buck%20%5B2008%5D.torrent#x">Twice</a>
<a href="ftp://mirror.example/7.torrent">Not the web</a><a href="/about">About</a>
<ul class="list"><li><strong>Category</strong> <span>Movies</span></li>
<li><strong>Type:</strong> <span> HD </span></li>
<li><strong>Language</strong><span>Français</span></li>
<li><strong>Total size</strong> <span>1.4 GB</span></li><li>odd</li></ul></body></html>"""


def read_listing(body: bytes, url: str, following: str | None = None) -> ListingPage:
    return pages.read_listing(body, url, CLASSIC, now=NOW, following=following)


def read_detail(body: bytes, url: str, charset: str | None = None) -> DetailPage:
    return pages.read_detail(body, url, CLASSIC, now=NOW, charset=charset)


def classic_url(root_url: str, category: str, page: int) -> str:
    listing = next(one for one in CLASSIC.listings if one.label == category)
    return listing_url(root_url, listing, page)


def test_a_listing_gives_each_torrent_once_in_its_order() -> None:
    """Rows come in page order, links absolute and unique, with what is absent as None."""
    page = read_listing(LISTING.encode(), URL)
    assert page.rows == (
        ListingRow(
            title="Big Buck Bunny",
            details="http://site.example/torrent/7/big-buck-bunny/",
            seeders=1204,
            leechers=17,
            size_bytes=1_400_000_000,
        ),
        ListingRow(title="Sintel — снег", details="http://site.example/torrent/8/sintel/"),
    )


def test_the_next_page_is_seen_by_its_address() -> None:
    """A link to the address that page 2 would have says that there is a page 2."""
    second = classic_url("http://site.example", "Movies", 2)
    third = classic_url("http://site.example", "Movies", 3)
    assert read_listing(LISTING.encode(), URL, second).next_url == second
    assert read_listing(LISTING.encode(), URL, third).next_url is None


def test_the_next_page_is_seen_by_rel() -> None:
    """A link with rel=next is one wherever it leads."""
    body = b'<a rel="nofollow next" href="?p=2">more</a>'
    assert read_listing(body, URL).next_url == f"{URL}?p=2"


def test_a_category_is_escaped_in_its_address() -> None:
    """A category cannot climb out of its place in the path."""
    expected = "http://s.example/x/sort-cat/a%2F..%3Fb/seeders/desc/1/"
    listing = replace(CLASSIC.listings[0], category_id="a/..?b")
    assert listing_url("http://s.example/x/", listing, 1) == expected


def test_a_detail_page_gives_links_and_facts() -> None:
    """All .torrent links of the web, absolute, each once; facts by their names."""
    assert read_detail(DETAIL.encode(), "http://site.example/torrent/7/x/") == DetailPage(
        torrent_links=(
            "http://site.example/download/7/Big%20Buck%20%5B2008%5D.torrent",
            "http://mirror.example/7.TORRENT?key=1",
        ),
        magnet="magnet:?xt=urn:btih:aa&dn=b",
        category="Movies",
        subcategory="HD",
        language="Français",
        size_bytes=1_400_000_000,
    )


def test_the_declared_charset_is_used() -> None:
    """A page in another code page reads right when the server says which."""
    body = '<ul class="list"><li><strong>Language</strong><span>Русский</span></li></ul>'
    page = read_detail(body.encode("cp1251"), URL, charset="windows-1251")
    assert page.language == "Русский"


def test_an_unknown_charset_is_passed_over() -> None:
    """A charset that does not exist changes nothing."""
    assert read_detail(DETAIL.encode(), URL, charset="no-such\0code").category == "Movies"


def test_a_declared_base_counts() -> None:
    """Relative links follow the page's <base>."""
    page = read_detail(b'<base href="http://cdn.example/d/"><a href="x.torrent">t</a>', URL)
    assert page.torrent_links == ("http://cdn.example/d/x.torrent",)


@pytest.mark.parametrize(
    "body",
    [b"", b"\0" * 100, b"<", b"<!-- ", b"\xff\xfe<", b"<table class=table-list><tr>", b"%PDF-1.7"],
)
def test_what_is_no_page_lists_nothing(body: bytes) -> None:
    """Empty, binary and broken bodies are pages without rows, not errors."""
    assert read_listing(body, URL) == ListingPage(matched=read_listing(body, URL).matched)
    assert read_detail(body, URL).torrent_links == ()


def test_deep_nesting_is_survived() -> None:
    """Two hundred thousand nested elements neither raise nor overflow the stack."""
    body = b"<div>" * 200_000 + b'<a href="/a.torrent">x</a>'
    assert read_listing(body, URL).rows == ()
    assert len(read_detail(body, URL).torrent_links) <= 1


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        (503, {}, b"<title>Just a moment...</title>", True),
        (403, {}, b'<form id="challenge-form">', True),
        (403, {"cf-mitigated": "challenge"}, b"", True),
        (503, {}, b"<title>Maintenance</title>", False),
        (200, {}, b"<title>Just a moment...</title>", False),
        (404, {}, b'<form id="challenge-form">', False),
    ],
)
def test_a_challenge_is_told_from_an_error(
    status: int, headers: dict[str, str], body: bytes, expected: bool
) -> None:
    """Only a refusing status with a known mark is a challenge; a film may be called that."""
    assert is_challenge(status, headers, body) is expected


def test_a_magnet_names_its_infohash() -> None:
    """Hexadecimal and base32 forms of BEP 9 read alike; anything else is None."""
    digest = bytes(range(20))
    base32 = base64.b32encode(digest).decode()
    for form in (digest.hex(), digest.hex().upper(), base32, base32.lower()):
        found = magnet_infohash(f"magnet:?dn=x&xt=urn:btih:{form}&tr=y")
        assert found is not None
        assert found.digest == digest
    for other in ("magnet:?xt=urn:btih:00", "magnet:?xt=urn:btmh:1220" + "0" * 64, "", "0" * 40):
        assert magnet_infohash(other) is None
