"""Places addresses by a MaxMind-format database (.mmdb) of the user's own.

Reads what GeoIP2/GeoLite2 City and Country, DB-IP Lite and the flat files of ip-location-db
hold. The database's word is passed on as it is, with its radius: what to believe is decided later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any, Self

import maxminddb
import numpy as np
import polars as pl

from analysis.addresses import split_addresses
from analysis.mmdb_tree import SearchTree
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.endpoint import packed16_to_address
from swarm.errors import GeolocationError
from swarm.place import UNKNOWN_COUNTRY, DatabaseBuild

_PLACE_SCHEMA = polars_schema(PLACE_COLUMNS)
# country, city, latitude, longitude, radius_km, time_zone: a row of PLACE_COLUMNS
_Place = tuple[str, str | None, float | None, float | None, int | None, str | None]
_UNKNOWN: _Place = (UNKNOWN_COUNTRY, None, None, None, None, None)
_RECORDS_LOOKED_AT = 1000  # how far to look for a place before saying that there are none
_READ_ERRORS = (maxminddb.InvalidDatabaseError, OSError, ValueError)
# What the licences of the free databases demand, by the beginning of the database's type.
_ATTRIBUTIONS = {
    "GeoLite2": (
        "This product includes GeoLite2 Data created by MaxMind, "
        "available from https://www.maxmind.com",
        "https://www.maxmind.com",
    ),
    "DBIP": ("IP Geolocation by DB-IP", "https://db-ip.com"),
}


@dataclass(frozen=True, slots=True)
class MmdbLocator:
    """Places addresses by one .mmdb file; each record of it is decoded once."""

    database: DatabaseBuild
    path: Path
    reader: maxminddb.Reader
    tree: SearchTree
    _decoded: dict[int, _Place] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database at `path`; its search tree is held in memory (8 bytes a node).

        Raises:
            GeolocationError: there is no such file, it is no MaxMind database, it is cut off,
                or it holds no places.
        """
        try:
            reader = maxminddb.open_database(path)
            header = reader.metadata()
            tree = SearchTree.read(path, header.node_count, header.record_size, header.ip_version)
            to_address = IPv6Address if header.ip_version == 6 else IPv4Address
            sample = tree.first_addresses(_RECORDS_LOOKED_AT)
            records = [reader.get(to_address(number)) for number in sample]
        except FileNotFoundError as error:
            raise GeolocationError(f"{path}: there is no such file") from error
        except _READ_ERRORS as error:
            raise GeolocationError(f"{path}: not a readable MaxMind database ({error})") from error
        if not any(_names_a_place(record) for record in records):
            raise GeolocationError(
                f"{path}: a {header.database_type} database, which holds no countries or cities"
            )
        return cls(_build_of(header), path, reader, tree)

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """One row of `PLACE_COLUMNS` per packed 16-byte address, in the order given.

        Raises:
            GeolocationError: a record of the database is damaged.
        """
        found = self.tree.find(split_addresses(addresses))
        records, first, rows = np.unique(found, return_index=True, return_inverse=True)
        places = [
            self._place(record, addresses[16 * at : 16 * at + 16])
            for record, at in zip(records.tolist(), first.tolist(), strict=True)
        ]
        frame = pl.DataFrame(places, schema=_PLACE_SCHEMA, orient="row")
        return frame.select(pl.all().gather(pl.Series(rows)))

    def _place(self, record: int, address: bytes) -> _Place:
        """What the tree's `record` holds, read through one `address` that leads to it."""
        if record == self.tree.node_count:
            return _UNKNOWN
        place = self._decoded.get(record)
        if place is None:
            try:
                place = _read_place(self.reader.get(packed16_to_address(address)))
            except _READ_ERRORS as error:
                raise GeolocationError(
                    f"{self.path}: a record is damaged ({error}); get the file anew"
                ) from error
            self._decoded[record] = place
        return place


def _build_of(header: Any) -> DatabaseBuild:
    name = str(header.database_type) or "MaxMind-format database"
    attribution, url = next(
        (words for start, words in _ATTRIBUTIONS.items() if name.startswith(start)), (None, None)
    )
    return DatabaseBuild(name, _day_of(header.build_epoch), attribution, url)


def _day_of(epoch_s: int) -> date | None:
    try:
        return datetime.fromtimestamp(epoch_s, UTC).date() if epoch_s > 0 else None
    except (OverflowError, OSError, ValueError):
        return None


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
