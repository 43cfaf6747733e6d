"""Hostile bytes from an indexer: pages never raise, bodies never lie."""

from __future__ import annotations

import gzip
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.body import BodyRefused, BoundedBody
from scraper.pages import is_challenge, read_detail, read_listing

URL = "http://site.example/sort-cat/TV/seeders/desc/1/"

_piece = st.sampled_from(
    [
        "<table class=table-list>",
        "<tr><td class=name>",
        '<a href="/torrent/1/x/">',
        "<a href='",
        "</a>",
        "<td class=seeds>12",
        "<td class=size>1 GB<span>",
        "<ul class=list><li><strong>Category</strong><span>",
        "<base href='http://[bad'>",
        "<base href='javascript:x'>",
        '<a rel=next href="//:0">',
        "<a href=x.torrent>",
        "\0",
        "&#xD800;",
        "<!--",
        "<![CDATA[",
        "</",
    ]
)
pages = st.lists(_piece | st.text(max_size=20), max_size=30).map(
    lambda pieces: "".join(pieces).encode("utf-8", "surrogatepass")
) | st.binary(max_size=300)


@given(pages, st.none() | st.text(max_size=20))
def test_no_page_raises(body: bytes, charset: str | None) -> None:
    """Any bytes read as a page; every link that comes out is absolute and of the web."""
    listing = read_listing(body, URL, charset=charset)
    detail = read_detail(body, URL, charset=charset)
    for link in (*(row.url for row in listing.rows), *detail.torrent_links):
        assert urlsplit(link).scheme in ("http", "https")
        assert urlsplit(link).hostname
    assert all(row.title for row in listing.rows)


@given(st.integers(100, 599), pages)
def test_no_page_confuses_the_challenge_check(status: int, body: bytes) -> None:
    """A success is never a challenge, whatever it says."""
    assert not (is_challenge(status, {}, body) and status < 400)


@given(st.binary(max_size=3000), st.lists(st.integers(1, 500), min_size=1), st.integers(0, 3000))
def test_a_gzip_body_is_whole_or_refused(raw: bytes, cuts: list[int], cap: int) -> None:
    """However the body is cut: exactly the original, and never more than the cap."""
    packed = gzip.compress(raw)
    body = BoundedBody("gzip", cap)
    position = 0
    try:
        for i in range(10_000):
            if position >= len(packed):
                break
            cut = cuts[i % len(cuts)]
            body.feed(packed[position : position + cut])
            position += cut
        assert body.finish() == raw
    except BodyRefused:
        assert max(len(raw), len(packed)) > cap
    else:
        assert len(raw) <= cap


@given(st.binary(min_size=1, max_size=300))
def test_garbage_compression_is_refused(raw: bytes) -> None:
    """Bytes that are no gzip raise the one error."""
    with pytest.raises(BodyRefused):
        _inflate(raw)


def _inflate(raw: bytes) -> bytes:
    body = BoundedBody("gzip", 1000)
    body.feed(raw)
    return body.finish()
