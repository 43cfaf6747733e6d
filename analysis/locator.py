"""Locator: where addresses are, asked in batches; and which database answers.

Order: the file that geoip_city names, else the bundled DB-IP City Lite (docs/adr/0006).
A file that is named but does not read is an error, never a silent step down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import polars as pl
import polars.exceptions

from analysis.mmdb import MmdbLocator
from analysis.pack import open_pack, read_build
from swarm.errors import GeolocationError
from swarm.place import DatabaseBuild


class Locator(Protocol):
    """Answers where addresses are, on the word of one `database`."""

    @property
    def database(self) -> DatabaseBuild:
        """The database that answers, with its build date and the attribution it demands."""
        ...

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """Place packed 16-byte addresses (`swarm.endpoint.address_to_packed16`).

        Returns `swarm.columns.PLACE_COLUMNS`, one row per address, in the order given.
        An address that the database does not know has country ZZ and nulls.

        Raises:
            GeolocationError: the database turns out to be damaged.
            ValueError: the length is no multiple of 16.
        """
        ...


def open_locator(geoip_city: Path | None) -> Locator:
    """Open the .mmdb file at `geoip_city`, or the bundled database if that is None.

    Raises:
        GeolocationError: the database is missing, broken, or holds no places.
    """
    if geoip_city is None:
        return open_pack()
    try:
        return MmdbLocator.open(geoip_city)
    except GeolocationError as error:
        raise GeolocationError(
            f"geoip_city = {error}: give the path of a City or Country .mmdb file, "
            f"or leave geoip_city empty to use the bundled {_bundled_name()}."
        ) from error


def _bundled_name() -> str:
    try:
        build = read_build()
    except (OSError, KeyError, ValueError, polars.exceptions.PolarsError):
        return "database"
    return f"{build.name} of {build.built_on}"
