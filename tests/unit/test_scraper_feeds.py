"""scraper.feeds: what RSS, Atom and Torznab say, and what becomes of feeds that are none."""

from __future__ import annotations

import codecs
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scraper.feeds import MAX_ENTRIES, Feed, FeedEntry, read_feed
from scraper.torznab import search_address

SAMPLES = Path(__file__).parents[1] / "samples" / "feeds"
URL = "https://films.example/feed?passkey=0123456789abcdef"


def sample(name: str) -> Feed:
    return read_feed((SAMPLES / name).read_bytes(), URL)


def entries(name: str) -> tuple[FeedEntry, ...]:
    feed = sample(name)
    assert feed.problem is None
    return feed.entries


def rss(items: str, head: str = "") -> bytes:
    return f"{head}<rss><channel>{items}</channel></rss>".encode()


def test_rss_with_enclosures_links_and_magnets() -> None:
    """Each way in which RSS names a torrent is read; an enclosure of sound is no torrent."""
    file, link, enclosed, podcast = entries("rss.xml")
    assert file.title == "Sintel (2010) 2048x872 CC BY & subtitles"
    assert file.torrent_url == "https://films.example/download/1/sintel.torrent"
    assert file.link == "https://films.example/torrent/1/sintel/"
    assert file.published == datetime(2010, 9, 30, 10, 0, tzinfo=UTC)
    assert (file.category, file.magnet, file.infohash) == ("Movies", None, None)
    assert link.magnet is not None
    assert link.magnet.endswith("&tr=udp%3A%2F%2Ftracker.example%3A6969")
    assert link.infohash is not None
    assert link.infohash.hex == "209c8226b299b308beaf2b9cd3fb49212dbd13ec"
    assert (link.torrent_url, link.size_bytes) == (None, 571_346_576)
    assert enclosed.infohash is not None
    assert enclosed.infohash.hex.startswith("dd8255ec")
    assert (enclosed.torrent_url, enclosed.size_bytes) == (None, None)
    assert (podcast.torrent_url, podcast.magnet, podcast.infohash) == (None, None, None)


def test_atom() -> None:
    """Enclosures and plain links to a .torrent, relative ones too; the first date counts."""
    debian, trisquel = entries("atom.xml")
    assert debian.torrent_url is not None
    assert debian.torrent_url.endswith("/debian-13.2.0-amd64-netinst.iso.torrent")
    assert (debian.link, debian.category) == ("https://images.example/debian", "Software")
    assert debian.published == datetime(2026, 11, 15, 7, 0, tzinfo=UTC)
    assert debian.size_bytes == 790_000_000
    assert trisquel.torrent_url == "https://films.example/trisquel-12.0.torrent"
    assert trisquel.title == "Trisquel 12.0 <b>netinst</b>"


def test_jackett_keeps_every_attribute() -> None:
    """Repeated torznab:attr are all there, in order; the infohash and our category are read."""
    film, music = entries("jackett.xml")
    assert film.attributes == (
        ("category", "2040"),
        ("category", "100010"),
        ("genre", "horror"),
        ("genre", "public domain"),
        ("seeders", "12"),
        ("peers", "15"),
        ("infohash", "11A2AC68A11634E980F265CB1433C599D017A759"),
        ("downloadvolumefactor", "0"),
        ("uploadvolumefactor", "1"),
    )
    assert film.infohash is not None
    assert film.infohash.hex == "11a2ac68a11634e980f265cb1433c599d017a759"
    assert (film.category, film.size_bytes) == ("Movies", 4_294_967_296)
    assert film.link == "https://archive.example/details/night"
    assert film.torrent_url is not None
    assert film.torrent_url.endswith("&path=Q2ZESjhQ&file=night")
    assert music.magnet == "magnet:?xt=urn:btih:cf7da7ab4d4e6125567bd979994f13bb1f23dddd&dn=Chopin"
    assert (music.category, music.torrent_url) == ("Music", None)


def test_prowlarr() -> None:
    """The download is the enclosure, the page stands in the comments, PC games are games."""
    (game,) = entries("prowlarr.xml")
    assert game.torrent_url is not None
    assert game.torrent_url.endswith("&link=a1b2c3&file=Freedoom")
    assert (game.category, game.size_bytes) == ("Games", 52_428_800)
    assert game.link == "https://games.example/view/7#comments"
    tags = [value for name, value in game.attributes if name == "tag"]
    assert tags == ["freeleech", "internal"]


def test_a_torznab_error_is_said_in_its_words() -> None:
    """A refusal of the indexer is a problem with code and reason, not an empty feed."""
    assert sample("torznab-error.xml") == Feed((), "answers with error 100: Invalid API Key")
    assert "t=search" in (read_feed(b"<caps><server/></caps>", URL).problem or "")


def test_a_messy_feed_is_read_as_it_was_meant() -> None:
    """Wrong encoding, bare ampersands, HTML entities, unclosed tags, no namespace, cut off."""
    german, english, cut = entries("messy.xml")
    assert german.title == "Die Verwandlung \u2013 gekürzt & frei"
    assert german.torrent_url == "https://books.example/get.php?id=7&name=verwandlung.torrent"
    assert german.attributes == (("size", "700000"),)
    assert english.title == "Austen & Co."
    assert english.torrent_url == "https://books.example/get.php?id=8&name=austen.torrent"
    assert english.published is None
    assert cut.title == "Cut off in the mid"


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-8-sig", "latin-1"),
        ("latin-1", "iso-8859-1"),
        ("cp1252", "utf-8"),
        ("utf-8", "no-such-charset"),
        ("utf-8", "punycode"),
        ("utf-8", "base64"),
    ],
)
def test_encodings_said_rightly_and_wrongly(encoding: str, declared: str) -> None:
    """Umlauts arrive whole whatever the declaration says, as long as bytes tell."""
    head = f'<?xml version="1.0" encoding="{declared}"?>'
    body = f"{head}<rss><item><title>Märchen für Büchermäuse</title></item></rss>".encode(encoding)
    assert [entry.title for entry in read_feed(body, URL).entries] == ["Märchen für Büchermäuse"]


def test_the_servers_charset_counts() -> None:
    """Where the document itself says nothing, the server's word is taken."""
    body = "<rss><item><title>Дом</title></item></rss>".encode("koi8-r")
    assert read_feed(body, URL, charset="koi8-r").entries[0].title == "Дом"


BOMB = '<!DOCTYPE rss [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>'
SECRET = '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("head", [BOMB, SECRET, BOMB.replace("ENTITY", "entity")])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(head: str, encoding: str) -> None:
    """A document that declares entities is not read at all, in whichever encoding."""
    body = rss("<item><title>&c;&x;</title></item>", head).decode().encode(encoding)
    feed = read_feed(body, URL)
    assert feed.entries == ()
    assert "declares entities" in (feed.problem or "")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (codecs.BOM_UTF8, "is empty"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "is a web page, not a feed"),
        (b"<html><rss></rss></html>", "is a web page, not a feed"),
        (b"d8:announce3:abce", "is no XML document"),
        (b'{"error": "no"}', "is no XML document"),
        (b"\x1f\x8b\x08\x00\x00\x00", "is no XML document"),
        (b"<opml><body/></opml>", "is no RSS, Atom or Torznab feed, but <opml>"),
    ],
)
def test_what_is_no_feed_is_named(body: bytes, problem: str) -> None:
    """Each is a problem in words, none an exception."""
    assert read_feed(body, URL) == Feed((), problem)


def test_a_feed_without_entries_is_no_problem() -> None:
    """Nothing new is a plain answer."""
    assert read_feed(rss(""), URL) == Feed((), None)


def test_a_hundred_thousand_entries_are_cut_and_said() -> None:
    """The first MAX_ENTRIES are read, and the problem says that there were more."""
    feed = read_feed(rss("<item><title>a</title></item>" * 100_000), URL)
    assert len(feed.entries) == MAX_ENTRIES
    assert "more than 10,000 entries" in (feed.problem or "")


@pytest.mark.parametrize(
    "items",
    [
        "<item>" * 5_000,
        "<item><title>" + "x" * 3_000_000 + "</title></item>",
        "<item><enclosure url='" + "x" * 3_000_000 + "'/></item>",
        "<item><link>http://[::1</link><enclosure url='http://a:99999999/x.torrent'/></item>",
        "<item><pubDate>Thu, 99 Foo 99999999999 99:99:99 +9999</pubDate></item>",
        "<item><enclosure url='file:///etc/passwd' type='application/x-bittorrent'/></item>",
        "<item><link>javascript:alert(1)</link></item>",
        "<item>" + "<torznab:attr name='a' value='b'/>" * 50_000 + "</item>",
        "<item><size>99999999999999999999</size><guid>17</guid></item>",
        "<item><link>magnet:?xt=urn:btih:" + "a" * 40 + "&amp;tr=" + "x" * 9_000 + "</link></item>",
    ],
    ids=range(10),
)
def test_hostile_entries_say_little(items: str) -> None:
    """Depth, length and nonsense give bounded entries without any address to ask."""
    for entry in read_feed(rss(items), URL).entries:
        assert (entry.torrent_url, entry.magnet, entry.size_bytes) == (None, None, None)
        assert entry.published is None
        assert len(entry.title or "") <= 500
        assert len(entry.attributes) <= 200


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://h:9117/x/torznab/api?apikey=k", "http://h:9117/x/torznab/api?t=search&apikey=k"),
        ("http://h:9696/1/api", "http://h:9696/1/api?t=search"),
        ("http://h/1/api?t=movie&q=a+b", "http://h/1/api?t=movie&q=a+b"),
        ("http://h/rss?api=1", "http://h/rss?api=1"),
    ],
)
def test_a_torznab_address_is_asked_to_search(given: str, asked: str) -> None:
    """An /api address without a task gets `t=search`; every other address stays as it is."""
    assert search_address(given) == asked
