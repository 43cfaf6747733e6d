"""The shipped definitions upon saved pages of the layouts that they are for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from scraper.definition_file import load_definition, read_definition, shipped_names
from scraper.pages import DetailPage, ListingPage, ListingRow, read_detail, read_listing
from swarm.infohash import InfoHash

SAMPLES = Path(__file__).parents[1] / "samples" / "sites"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def saved_listing(name: str) -> ListingPage:
    """What the definition reads from its saved listing, taken for the first page of the first."""
    site = load_definition(name)
    listing, root = site.listings[0], site.root_url or "http://site.example"
    return read_listing(
        (SAMPLES / f"{name}.html").read_bytes(),
        listing.url(root, 1),
        site,
        now=NOW,
        following=listing.url(root, 2) if listing.is_numbered else None,
    )


def saved_detail(name: str) -> DetailPage:
    """What the definition reads from its saved page of a torrent."""
    site = load_definition(name)
    url = f"{site.root_url or 'http://site.example'}/x/y"
    return read_detail((SAMPLES / f"{name}-detail.html").read_bytes(), url, site, now=NOW)


@pytest.mark.parametrize("name", shipped_names())
def test_each_shipped_definition_has_a_saved_page_that_it_reads(name: str) -> None:
    """No definition ships without a saved page; every field it defines is found there."""
    site, page = load_definition(name), saved_listing(name)
    assert len(page.rows) >= 2
    for field in site.search.fields.given:
        attribute = "size_bytes" if field == "size" else field
        assert any(getattr(row, attribute) is not None for row in page.rows), field


def test_a_table_with_addresses_made_of_infohashes() -> None:
    """Academic Torrents: the .torrent's address is made of the infohash in the row's link."""
    page = saved_listing("academictorrents")
    digest = "0123456789abcdef0123456789abcdef01234567"
    assert page.rows[0] == ListingRow(
        title="A catalogue of variable stars, 2015 to 2025 (CC BY 4.0)",
        details=f"https://academictorrents.com/details/{digest}",
        download=f"https://academictorrents.com/download/{digest}.torrent",
        infohash=InfoHash.from_hex(digest),
        category="Other > Dataset",
        size_bytes=1_440_000_000,
        seeders=14,
        leechers=2,
        date=datetime(2026, 3, 14, tzinfo=UTC),
    )
    assert [row.seeders for row in page.rows] == [14, 7, None]
    assert [row.title for row in page.rows][2] == "Rainfall of the Alps, hourly <NetCDF>"
    assert page.next_url is not None
    assert page.next_url.endswith("page=1")


def test_tables_within_tables() -> None:
    """LinuxTracker: values after a label in bold; the frame around the table is no row."""
    page = saved_listing("linuxtracker")
    assert [(row.title, row.size_bytes, row.seeders, row.leechers) for row in page.rows] == [
        ("debian-13.2.0-amd64-netinst.iso", 784_000_000, 412, 9),
        ("ubuntu-26.04.1-desktop-amd64.iso", 5_900_000_000, 1390, 31),
    ]
    assert page.rows[0].date == datetime(2026, 11, 15, tzinfo=UTC)
    assert page.rows[0].infohash == InfoHash.from_hex("1" * 40)
    detail = saved_detail("linuxtracker")
    assert detail.torrent_links == (
        "https://linuxtracker.org/x/download.php?id=1111111111111111111111111111111111111111"
        "&f=debian-13.2.0-amd64-netinst.iso.torrent",
    )
    assert (detail.subcategory, detail.size_bytes) == ("Debian", 784_000_000)


def test_cards_with_ages_in_words() -> None:
    """FOSS Torrents: cards instead of a table, dates as ages, a link to the older ones."""
    page = saved_listing("fosstorrents")
    assert [(row.title, row.size_bytes, row.language) for row in page.rows] == [
        ("Trisquel 12", 3_435_973_837, "Multilingual"),
        ("Void Linux Live", 1_104_500_000, "English"),
        ("Guix System 1.6", None, None),
    ]
    assert [row.date and row.date.day for row in page.rows] == [18, 6, 20]
    assert page.matched == 4  # one card is no torrent
    assert page.next_url == "https://fosstorrents.com/category/distributions/page/2/"
    detail = saved_detail("fosstorrents")
    assert detail.torrent_links == (
        "https://fosstorrents.com/files/trisquel_12_amd64.iso.torrent",
        "https://fosstorrents.com/files/trisquel_12_i686.iso.torrent",
    )
    assert (detail.language, detail.size_bytes) == ("Multilingual", 3_435_973_837)


def test_a_folder_of_torrents() -> None:
    """Debian: rows link the .torrent itself; what is no .torrent is no row."""
    page = saved_listing("debian-images")
    folder = "https://cdimage.debian.org/debian-cd/current/amd64/bt-cd"
    names = ["debian-13.2.0-amd64-netinst.iso", "debian-edu-13.2.0-amd64-netinst.iso"]
    assert [row.title for row in page.rows] == names
    assert [row.download for row in page.rows] == [f"{folder}/{name}.torrent" for name in names]
    assert {row.details for row in page.rows} == {None}
    assert page.rows[0].date == datetime(2026, 11, 15, 14, 35, tzinfo=UTC)
    assert page.next_url is None


def test_bare_tables_in_an_old_code_page() -> None:
    """Public Domain Torrents: no classes, several films in a row, and no charset declared."""
    page = saved_listing("publicdomaintorrents")
    titles = ["A Trip to the Moon", "Metropolis", "Le voyage à travers l’impossible"]  # noqa: RUF001
    assert [row.title for row in page.rows] == titles
    assert len(saved_detail("publicdomaintorrents").torrent_links) == 2


def test_rows_of_magnets() -> None:
    """A table of magnets: infohashes in both writings; a row without one is left out."""
    page = saved_listing("magnet-table")
    assert [row.title for row in page.rows] == [
        "Big Buck Bunny (2008) [CC BY]",
        "Open Goldberg Variations [CC0]",
    ]
    assert page.matched == 3
    assert [row.infohash and row.infohash.hex for row in page.rows] == [
        "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c",
        "dd8255ecdc7ca55fb0bbf81323d87062db1f6d1c",
    ]
    assert [row.category for row in page.rows] == ["Movies > Documentary", "Audio > Lossless"]
    assert page.next_url == "http://site.example/?s=seeders&o=desc&p=2"


def test_a_page_that_says_it_is_empty_is_told_apart() -> None:
    """`empty` tells a category without torrents from a layout that has changed."""
    site = load_definition("classic")

    def read(body: bytes) -> ListingPage:
        return read_listing(body, "http://site.example/", site, now=NOW)

    assert read(b'<p class="empty">No torrents here yet.</p>').is_empty
    assert not read(b"<p>New design!</p>").is_empty
    unusable = read(b"<table class=table-list><tr><td>x<tr><td>y</table>")
    assert (unusable.matched, unusable.rows, unusable.is_empty) == (2, (), False)


def test_a_page_made_to_be_slow_is_no_page() -> None:
    """Tables nested in tables around thousands of rows, on which selectors take minutes."""
    site = load_definition("linuxtracker")
    row = b"<tr><td><a href='?page=torrent-details&id=1'>x</a><strong>Added</strong>"
    body = b"<table class=lista>" * 120 + row * 60_000
    assert read_listing(body, "http://site.example/", site, now=NOW) == ListingPage()
    assert read_detail(body, "http://site.example/", site, now=NOW) == DetailPage()
    plain = b"<table class=lista><tr><td><table class=lista>" + row * 3_000
    assert read_listing(plain, "http://site.example/", site, now=NOW).matched == 3_000


def test_the_frame_of_a_page_is_no_row() -> None:
    """An element of more than 2,000 others is passed over, however the selector finds it."""
    site = read_definition(
        b"id: a\nname: A\nbrowse: [{path: /}]\nsearch:\n  rows: {selector: div}\n  fields:\n"
        b"    title: {selector: a}\n    details: {selector: a, attribute: href}\n",
        file="a.yaml",
    )
    inner = b"<div><a href=/1>one</a></div>"
    body = b"<div><a href=/0>frame</a>" + b"<p></p>" * 2_000 + inner + b"</div>"
    page = read_listing(body, "http://site.example/", site, now=NOW)
    assert [row.title for row in page.rows] == ["one"]
    assert page.matched == 2
