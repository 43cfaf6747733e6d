"""analysis.attribution: under each figure stands who said so, of which day, and what is owed."""

from __future__ import annotations

from datetime import date

from analysis.attribution import is_old, source_lines, source_text
from analysis.locator import open_locator
from swarm.place import DatabaseBuild, Databases

CITY = DatabaseBuild("DB-IP City Lite", date(2026, 6, 5), "By DB-IP", "https://db-ip.com")
ASN = DatabaseBuild("GeoLite2-ASN", date(2026, 8, 1), "Of https://www.maxmind.com", None)
HOSTING = DatabaseBuild("words", None, None, None)


def test_each_source_has_its_line() -> None:
    """Places, networks and likely hosting, each with its name and day, or that it has none."""
    lines = source_lines(Databases(CITY, ASN, HOSTING), date(2026, 8, 2))
    assert [line.sentence for line in lines] == [
        "Placed by DB-IP City Lite, built 5 Jun 2026.",
        "Networks by GeoLite2-ASN, built 1 Aug 2026.",
        "Likely hosting by words, build date unknown.",
    ]
    assert (lines[0].attribution, lines[0].attribution_url) == ("By DB-IP", "https://db-ip.com")


def test_past_90_days_it_warns() -> None:
    """On the 90th day it does not, on the 91st it does, and only of the one that is old."""
    assert not is_old(CITY, date(2026, 9, 3))
    assert is_old(CITY, date(2026, 9, 4))
    assert not is_old(HOSTING, date(2026, 9, 4))
    places, networks = source_lines(Databases(CITY, ASN), date(2026, 9, 4))
    assert places.is_old
    assert "91 days old, some addresses have moved" in places.sentence
    assert not networks.is_old


def test_an_import_names_its_record() -> None:
    """Nobody placed its peers but who wrote the record."""
    (line,) = source_lines(None, date(2026, 9, 4))
    assert "imported record" in line.sentence
    assert line.attribution is None


def test_as_text_each_attribution_stands_once() -> None:
    """With its link, unless the words name that already."""
    twice = Databases(CITY, ASN, CITY)
    text = source_text(twice, date(2026, 8, 2))
    assert text.count("By DB-IP (https://db-ip.com).") == 1
    assert text.endswith("Of https://www.maxmind.com.")


def test_the_bundled_databases_are_given_their_due() -> None:
    """What their licences demand is in what they say of themselves."""
    text = source_text(open_locator(None).databases, date(2026, 6, 20))
    for owed in ("IP Geolocation by DB-IP", "https://db-ip.com", "Route Views", "NRO"):
        assert owed in text
