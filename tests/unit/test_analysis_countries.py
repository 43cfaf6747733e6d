"""analysis.countries: each country has a name, a continent and a point; unknown is none."""

from __future__ import annotations

import pytest
from babel import UnknownLocaleError

from analysis.countries import COUNTRIES_FILE, countries, country_name, is_country
from analysis.pack import open_pack

CONTINENTS = {
    "Africa",
    "Antarctica",
    "Asia",
    "Europe",
    "North America",
    "Oceania",
    "South America",
}


def test_names_follow_the_locale() -> None:
    """English by default, any locale of CLDR by its name."""
    assert country_name("FR") == "France"
    assert country_name("DE", "fr") == "Allemagne"
    assert country_name("BR", "pt_BR") == "Brasil"


def test_unknown_has_a_name() -> None:
    """ZZ is shown as a country of its own."""
    assert country_name("ZZ") == "Unknown"
    assert country_name("ZZ", "de") == "Unbekannte Region"


def test_a_code_without_a_name_is_its_own() -> None:
    """Nothing that a database says can break a label."""
    assert country_name("QX") == "QX"
    assert country_name("Error 429") == "Error 429"


def test_a_locale_that_is_not_there_is_an_error() -> None:
    """A misspelt locale does not silently fall back."""
    with pytest.raises(UnknownLocaleError):
        country_name("FR", "tlh")


@pytest.mark.parametrize("text", ["FR", "US", "XK", "AQ"])
def test_iso_codes_are_countries(text: str) -> None:
    """Codes of ISO 3166-1 are known; so is Kosovo's user-assigned one."""
    assert is_country(text)


@pytest.mark.parametrize("text", ["", "E", "fr", "FRA", "ZZ", "EU", "UK", "Error 429", "France"])
def test_other_texts_are_none(text: str) -> None:
    """Labels of failed lookups, lower case and unknown are no countries."""
    assert not is_country(text)


def test_the_table_is_whole() -> None:
    """249 codes of ISO 3166-1 and Kosovo, each named by CLDR, on a continent, with its own ISO3."""
    table = countries()
    assert len(table) == 250
    assert {country.continent for country in table.values()} == CONTINENTS
    assert len({country.iso3 for country in table.values()}) == 250
    assert all(country_name(code) != code for code in table)
    assert table["DE"].iso3 == "DEU"


def test_the_licence_stands_beside_the_table() -> None:
    """The table may be shipped only with its licence named."""
    assert "ODbL" in COUNTRIES_FILE.with_suffix(".LICENSE.txt").read_text(encoding="utf-8")


def test_the_table_knows_every_country_of_the_bundled_database() -> None:
    """No peer is placed in a country that the page cannot name."""
    placed = set(open_pack().places["country"])
    assert {code for code in placed if not is_country(code)} == {"ZZ"}
