"""Locator: where addresses are and whose network they are in; and which databases answer.

Order, for places as for networks: the file that config.txt names, else what `geoip update` got,
else the bundled database (docs/adr/0006). A file that is there but does not read is an error,
never a silent step down.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import polars as pl

from analysis.addresses import AddressColumns, split_addresses
from analysis.mmdb import MmdbLocator
from analysis.networks import NetworkLocator, open_networks
from analysis.pack import open_pack
from swarm.errors import GeolocationError
from swarm.place import DatabaseBuild, Databases

# What `geoip update` calls the files that it gets, in the order in which they are looked for.
CITY_FILES = ("GeoLite2-City.mmdb", "dbip-city-lite.mmdb")
ASN_FILES = ("GeoLite2-ASN.mmdb", "dbip-asn-lite.mmdb")


class Locator(Protocol):
    """Answers where addresses are, on the word of its `databases`."""

    @property
    def databases(self) -> Databases:
        """Who answers, with build dates and the attributions that they demand."""
        ...

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """Place packed 16-byte addresses (`swarm.endpoint.address_to_packed16`).

        Returns `swarm.columns.PLACE_COLUMNS`, and NETWORK_COLUMNS where networks are known, one
        row per address, in the order given. An address that the database does not know has country
        ZZ and nulls.

        Raises:
            GeolocationError: the database turns out to be damaged.
            ValueError: the length is no multiple of 16.
        """
        ...


class _Places(Protocol):
    @property
    def database(self) -> DatabaseBuild: ...

    def place(self, addresses: AddressColumns) -> pl.DataFrame: ...


@dataclass(frozen=True, slots=True)
class FullLocator:
    """A `Locator` of one database of places and one of networks."""

    places: _Places
    networks: NetworkLocator

    @property
    def databases(self) -> Databases:
        """See `Locator`."""
        return Databases(
            self.places.database, self.networks.source.database, self.networks.hosting.source
        )

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """See `Locator`; PLACE_COLUMNS, then NETWORK_COLUMNS."""
        columns = split_addresses(addresses)
        return self.places.place(columns).hstack(self.networks.place(columns))


def open_locator(
    geoip_city: Path | None, geoip_asn: Path | None = None, *, folder: Path | None = None
) -> FullLocator:
    """Open the databases that are to answer; None for a path of config.txt that is not set.

    `folder` is where `geoip update` puts what it gets; it may be missing.

    Raises:
        GeolocationError: one of them is missing, broken, or holds no places or no networks.
    """
    return FullLocator(
        open_places(geoip_city or first_of(CITY_FILES, folder), named=geoip_city is not None),
        open_networks(geoip_asn or first_of(ASN_FILES, folder), named=geoip_asn is not None),
    )


def open_places(path: Path | None, *, named: bool = False) -> _Places:
    """Open the .mmdb file at `path`, or the bundled database if that is None.

    Raises:
        GeolocationError: the database is missing, broken, or holds no places. The sentence is
            about config.txt where it `named` the file.
    """
    if path is None:
        return open_pack()
    try:
        return MmdbLocator.open(path)
    except GeolocationError as error:
        raise GeolocationError(
            f"geoip_city = {error}: give the path of a City or Country .mmdb file, or leave "
            "geoip_city empty to use what `geoip update` got or the bundled database."
            if named
            else f"{error}: get it again by `python main.py geoip update`, or delete it."
        ) from error


def first_of(names: tuple[str, ...], folder: Path | None) -> Path | None:
    """The first of these files that is in the folder."""
    paths = (folder / name for name in names) if folder else ()
    return next((path for path in paths if path.exists()), None)
