"""Feeds: any bytes give a value, and every value keeps what its type promises."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit
from xml.sax.saxutils import escape, quoteattr

from hypothesis import example, given
from hypothesis import strategies as st

from scraper.feeds import Feed, read_feed
from scraper.feeds_addresses import shown_address, without_keys
from swarm.magnet import parse_magnet

URL = "https://films.example/feed"
PIECES = st.sampled_from(
    [
        "<rss>", "</rss>", "<channel>", "<item>", "</item>", "<entry>", "</entry>", "<title>",
        "</title>", "<link>", "</link>", "<link href='", "'/>", "<enclosure url='", "magnet:?xt=",
        "urn:btih:", "a" * 40, "http://", "[", "]", ":99999", "<![CDATA[", "]]>", "&", "&amp;",
        "&nbsp;", "&#0;", "&#xD800;", "<!--", "-->", "<?xml encoding='utf-16'?>", "<!DOCTYPE x>",
        "<torznab:attr name='size' value='", "<pubDate>", "2026-11-21", "\x00", "é", "\ud7ff",
        " type='application/x-bittorrent'", " length='9'", "<size>", "<error code='", ".torrent",
    ]
)  # fmt: skip
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


def check(feed: Feed) -> None:
    for entry in feed.entries:
        for address in filter(None, (entry.link, entry.torrent_url)):
            assert urlsplit(address).scheme in ("http", "https")
            assert urlsplit(address).hostname
        if entry.magnet is not None:
            assert parse_magnet(entry.magnet).infohash == entry.infohash
        if entry.published is not None:
            assert entry.published.utcoffset() == timedelta(0)
        assert entry.size_bytes is None or entry.size_bytes > 0


@given(st.binary(max_size=400))
@example(b"\xff\xfe<\x00")
def test_any_bytes_give_a_feed(body: bytes) -> None:
    """Nothing raises, whatever the bytes."""
    check(read_feed(body, URL))


@given(st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join))
def test_any_mixture_of_markup_gives_a_feed(text: str) -> None:
    """Nothing raises for what is nearly a feed, and all that is read keeps its promises."""
    check(read_feed(text.encode("utf-8", "replace"), URL))


@given(st.lists(st.tuples(WORDS, WORDS), max_size=20), WORDS)
def test_attributes_come_back_as_they_were_sent(pairs: list[tuple[str, str]], title: str) -> None:
    """Every torznab:attr is there, in order, whatever its name and value."""
    attributes = "".join(
        f"<torznab:attr name={quoteattr(name)} value={quoteattr(value)}/>" for name, value in pairs
    )
    body = (
        '<rss xmlns:torznab="http://torznab.com/schemas/2015/feed">'
        f"<item><title>{escape(title)}</title>{attributes}</item></rss>"
    )
    (entry,) = read_feed(body.encode(), URL).entries
    assert entry.attributes == tuple(pairs)
    assert (entry.title or "") == " ".join(title.split())[:500]


@given(
    st.text("0123456789abcdef", min_size=16, max_size=40).filter(
        lambda t: any(map(str.isdigit, t))
    ),
    st.sampled_from(
        ["http://h/api?apikey={}", "http://{}@h/", "http://h/rss/{}/x", "http://h/?k={}&t=a"]
    ),
)
def test_no_key_is_left(key: str, shape: str) -> None:
    """Wherever the key stands in the address, it is in nothing that is shown."""
    url = shape.format(key)
    assert key not in shown_address(url)
    assert key not in without_keys(f"{url} said: bad key {key}, see <{url}>", url)
