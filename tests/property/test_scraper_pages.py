"""Hostile bytes from an indexer: pages never raise, bodies never lie."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scraper.body import BodyRefused, BoundedBody
from scraper.definition_file import load_definition, read_definition, shipped_names
from scraper.filters import FILTER_NAMES, MAX_TEXT, Filter, apply_filters, make_filter
from scraper.pages import is_challenge, read_detail, read_listing
from swarm.errors import DefinitionError

URL = "http://site.example/sort-cat/TV/seeders/desc/1/"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

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
        "<article class=post><h2 class=entry-title>",
        "<span class=posted-on>99999 years ago</span>",
        "<table class=lista><tr><td><strong>Size</strong>1.4 GB",
        "<table id=indexlist><tr><td class=indexcolname>",
        "<a href='magnet:?xt=urn:btih:0'>",
        f"<a href='/details/{'0' * 40}'>",
        "<table class=torrent-list><tbody><tr><td><a href='http://[?c=1'>",
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


@given(st.sampled_from(shipped_names()), pages, st.none() | st.text(max_size=20))
def test_no_page_raises(name: str, body: bytes, charset: str | None) -> None:
    """Any bytes read as a page of any site; every link that comes out is absolute, of the web."""
    site = load_definition(name)
    listing = read_listing(body, URL, site, now=NOW, following=URL, charset=charset)
    detail = read_detail(body, URL, site, now=NOW, charset=charset)
    links = [link for row in listing.rows for link in (row.details, row.download) if link]
    links += [listing.next_url] if listing.next_url else []
    for link in (*links, *detail.torrent_links):
        assert urlsplit(link).scheme in ("http", "https")
        assert urlsplit(link).hostname
    assert all(row.title for row in listing.rows)
    assert all(row.details or row.download or row.magnet or row.infohash for row in listing.rows)


ARGS = {
    "regexp": [r"(\d+)", "^(a|a)*$", ""],
    "replace": [["a", "aaaa"]],
    "re_replace": [["(.)", "$1$1"], ["", "x"]],
    "append": ["x" * 500],
    "prepend": ["\0"],
    "querystring": ["id", ""],
    "split": [["/", "-1"], [" ", "9999"]],
    "trim": [None, "ab"],
    "dateparse": ["2006-01-02 15:04:05 -0700", ["06", "Jan 2006"]],
    "timeago": [None],
}
steps = st.sampled_from(
    [make_filter({"name": name, "args": args}) for name in FILTER_NAMES for args in ARGS[name]]
)
texts = st.text(max_size=200) | st.sampled_from(
    ["a" * 20_000, "http://[", "?id=%ff", "1e9 years ago", "9999-12-31 23:59:59 -2359", "\ud800"]
)


@given(st.lists(steps, max_size=12), texts)
def test_no_text_makes_a_filter_raise(filters: list[Filter], text: str) -> None:
    """Whatever stands on a page, filters end in a text of bounded length."""
    made = apply_filters(filters, text, NOW)
    assert len(made) <= max(MAX_TEXT, len(text) if not filters else 0)


@given(st.binary(max_size=300) | st.text(alphabet=" \n:-[]{}&*!'\"ab0#|>?,", max_size=200))
def test_no_file_makes_the_loader_raise_anything_else(raw: bytes | str) -> None:
    """Any bytes are a definition or one kind of error that names the file."""
    try:
        read_definition(raw if isinstance(raw, bytes) else raw.encode(), file="x.yaml")
    except DefinitionError as error:
        assert all(str(problem).startswith("x.yaml") for problem in error.args)


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
