"""Places addresses by a MaxMind-format database (.mmdb) of the user's own.

Reads what GeoIP2/GeoLite2 City and Country, DB-IP Lite and the flat files of ip-location-db
hold. The database's word is passed on as it is, with its radius: what to believe is decided later.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import polars as pl

from analysis.addresses import AddressColumns, split_addresses
from analysis.mmdb_file import MmdbFile, open_mmdb
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.place import UNKNOWN_COUNTRY, DatabaseBuild

_PLACE_SCHEMA = polars_schema(PLACE_COLUMNS)
# country, city, latitude, longitude, radius_km, time_zone: a row of PLACE_COLUMNS
_Place = tuple[str, str | None, float | None, float | None, int | None, str | None]
_UNKNOWN: _Place = (UNKNOWN_COUNTRY, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class MmdbLocator:
    """Places addresses by one .mmdb file."""

    file: MmdbFile[_Place]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database at `path`.

        Raises:
            GeolocationError: there is no such file, it is no MaxMind database, it is cut off,
                or it holds no places.
        """
        return cls(
            open_mmdb(
                path,
                read_record=_read_place,
                absent=_UNKNOWN,
                is_wanted=_names_a_place,
                wanted="countries or cities",
            )
        )

    @property
    def database(self) -> DatabaseBuild:
        """What the file says it is."""
        return self.file.database

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """One row of `PLACE_COLUMNS` per packed 16-byte address, in the order given.

        Raises:
            GeolocationError: a record of the database is damaged.
        """
        return self.place(split_addresses(addresses))

    def place(self, addresses: AddressColumns) -> pl.DataFrame:
        """The same, of addresses that are split already."""
        places, rows = self.file.find(addresses)
        frame = pl.DataFrame(places, schema=_PLACE_SCHEMA, orient="row")
        return frame.select(pl.all().gather(pl.Series(rows)))


def _names_a_place(record: Any) -> bool:
    keys = ("country", "registered_country", "country_code", "continent", "city", "location")
    return isinstance(record, dict) and any(key in record for key in keys)


def _read_place(record: Any) -> _Place:
    """One record as a row; what is absent, or is not of the kind it should be, is null."""
    if not isinstance(record, dict):
        return _UNKNOWN
    location = record.get("location")
    where = location if isinstance(location, dict) else record
    latitude, longitude = _read_point(where.get("latitude"), where.get("longitude"))
    return (
        _read_country(record),
        _read_city(record.get("city")),
        latitude,
        longitude,
        _read_radius(where.get("accuracy_radius")),
        _read_text(where.get("time_zone") or where.get("timezone")),
    )


def _read_country(record: dict[str, Any]) -> str:
    country = record.get("country")
    code = country.get("iso_code") if isinstance(country, dict) else record.get("country_code")
    if isinstance(code, str) and len(code) == 2 and code.isascii() and code.isupper():
        return code
    return UNKNOWN_COUNTRY


def _read_city(city: Any) -> str | None:
    if isinstance(city, dict):
        names = city.get("names")
        return _read_text(names.get("en")) if isinstance(names, dict) else None
    return _read_text(city)


def _read_text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _read_point(latitude: Any, longitude: Any) -> tuple[float | None, float | None]:
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        return None, None
    # (0, 0) is how careless databases write "unknown"; NaN fails the comparison.
    on_earth = -90 <= latitude <= 90 and -180 <= longitude <= 180
    if not on_earth or (latitude == 0 and longitude == 0):
        return None, None
    return float(latitude), float(longitude)


def _read_radius(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 < value < 65536 else None
