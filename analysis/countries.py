"""Countries: names in any language, ISO codes, continents, and a point to label each by."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from babel import Locale

from swarm.place import UNKNOWN_COUNTRY, GeoPoint

COUNTRIES_FILE = Path(__file__).with_name("countries.csv")


@dataclass(frozen=True, slots=True)
class Country:
    """A country or territory of ISO 3166-1; Kosovo too, by its user-assigned code XK."""

    iso2: str
    iso3: str
    continent: str  # Africa, Antarctica, Asia, Europe, North America, Oceania, South America
    centroid: GeoPoint  # the point the country is labelled at


@cache
def countries() -> Mapping[str, Country]:
    """All countries by their ISO 3166-1 alpha-2 code. ZZ (unknown) is none of them."""
    with COUNTRIES_FILE.open(encoding="utf-8", newline="") as file:
        return MappingProxyType(
            {
                row["iso2"]: Country(
                    row["iso2"],
                    row["iso3"],
                    row["continent"],
                    GeoPoint(float(row["latitude"]), float(row["longitude"])),
                )
                for row in csv.DictReader(file)
            }
        )


def is_country(text: str) -> bool:
    """Whether `text` is the alpha-2 code of a country, in capitals; ZZ is not."""
    return text in countries()


@cache
def country_name(iso2: str, locale: str = "en") -> str:
    """The country's name in `locale` (as babel writes locales: `en`, `pt_BR`).

    ZZ is "Unknown"; a code that CLDR does not know is its own name.

    Raises:
        babel.UnknownLocaleError: babel has no such locale.
    """
    if iso2 == UNKNOWN_COUNTRY and locale == "en":
        return "Unknown"
    return str(Locale.parse(locale).territories.get(iso2, iso2))
