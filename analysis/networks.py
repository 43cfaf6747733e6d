"""Whose network an address is in: number and name of the autonomous system, and likely hosting.

By the bundled table (Parquet in the form of `analysis.ranges`; `scripts/build_network_pack.py`
makes it), or by an ASN database of the user's own: GeoLite2-ASN, GeoIP2-ISP, DB-IP ASN.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import polars as pl
import polars.exceptions

from analysis.addresses import AddressColumns, split_addresses
from analysis.hosting import CloudRanges, is_hosting_name
from analysis.mmdb_file import MmdbFile, open_mmdb
from analysis.pack import PACK_DIR
from analysis.ranges import AddressRanges, read_build_of
from swarm.columns import NETWORK_COLUMNS, polars_schema
from swarm.errors import GeolocationError
from swarm.place import DatabaseBuild

NETWORK_FILES = ("networks.parquet", "networks-v4.parquet", "networks-v6.parquet")
CLOUD_FILES = ("clouds-v4.parquet", "clouds-v6.parquet")
_SCHEMA = polars_schema(NETWORK_COLUMNS)
_NAMED = polars_schema(NETWORK_COLUMNS[:2])
_PACK_ERRORS = (OSError, KeyError, ValueError, polars.exceptions.PolarsError)
_Network = tuple[int | None, str | None]
_NO_NETWORK: _Network = (None, None)


class NetworkSource(Protocol):
    """Says who announces an address, on the word of one `database`."""

    @property
    def database(self) -> DatabaseBuild:
        """The database that answers."""
        ...

    def find(self, addresses: AddressColumns) -> pl.DataFrame:
        """`asn`, `as_name` and `hosting`, as far as the name tells, row by row."""
        ...


@dataclass(frozen=True, slots=True)
class NetworkLocator:
    """The networks of addresses by one source, and likely hosting by that and the cloud ranges."""

    source: NetworkSource
    hosting: CloudRanges

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """One row of `NETWORK_COLUMNS` per packed 16-byte address, in the order given.

        `hosting` is null where the network is unknown and no cloud claims the address.

        Raises:
            GeolocationError: a record of the database is damaged.
        """
        return self.place(split_addresses(addresses))

    def place(self, addresses: AddressColumns) -> pl.DataFrame:
        """The same, of addresses that are split already."""
        in_cloud = pl.Series("hosting", self.hosting.hold(addresses))
        return self.source.find(addresses).with_columns(
            pl.when(in_cloud).then(True).otherwise(pl.col("hosting")).alias("hosting")
        )


@dataclass(frozen=True, slots=True)
class BundledNetworks:
    """The bundled table, in memory."""

    database: DatabaseBuild
    networks: pl.DataFrame  # NETWORK_COLUMNS; row 0 is "unknown"
    ranges: AddressRanges

    def find(self, addresses: AddressColumns) -> pl.DataFrame:
        """See `NetworkSource`."""
        rows = self.ranges.find(addresses)
        return self.networks.select(pl.all().gather(pl.Series(rows)))


@dataclass(frozen=True, slots=True)
class MmdbNetworks:
    """An ASN database in MaxMind's format."""

    file: MmdbFile[_Network]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the database at `path`.

        Raises:
            GeolocationError: there is no such file, it is no MaxMind database, it is cut off,
                or it holds no networks.
        """
        return cls(
            open_mmdb(
                path,
                read_record=_read_network,
                absent=_NO_NETWORK,
                is_wanted=lambda record: _read_network(record) != _NO_NETWORK,
                wanted="networks",
            )
        )

    @property
    def database(self) -> DatabaseBuild:
        """What the file says it is."""
        return self.file.database

    def find(self, addresses: AddressColumns) -> pl.DataFrame:
        """See `NetworkSource`."""
        networks, rows = self.file.find(addresses)
        frame = pl.DataFrame(networks, schema=_NAMED, orient="row")
        return _with_hosting(frame).select(pl.all().gather(pl.Series(rows)))


def open_networks(path: Path | None, *, named: bool = False) -> NetworkLocator:
    """Open the .mmdb file at `path`, or the bundled table if that is None.

    Raises:
        GeolocationError: a database is missing, broken, or holds no networks. The sentence is
            about config.txt where it `named` the file.
    """
    if path is None:
        return open_bundled()
    try:
        source = MmdbNetworks.open(path)
    except GeolocationError as error:
        raise GeolocationError(
            f"geoip_asn = {error}: give the path of an ASN .mmdb file, or leave geoip_asn empty to "
            "use what `geoip update` got or the bundled table."
            if named
            else f"{error}: get it again by `python main.py geoip update`, or delete it."
        ) from error
    return NetworkLocator(source, read_clouds())


def open_bundled(directory: Path = PACK_DIR) -> NetworkLocator:
    """Load the bundled table in `directory`, and the ranges of clouds.

    Raises:
        GeolocationError: a file is missing, broken, or of another build than the others.
    """
    paths = [directory / name for name in NETWORK_FILES]
    try:
        build = read_build_of(paths)
        networks = _with_hosting(pl.read_parquet(paths[0]))
        ranges = AddressRanges.read(paths[1], paths[2], rows=len(networks))
    except _PACK_ERRORS as error:
        raise _damaged("table of networks", directory, error) from error
    return NetworkLocator(BundledNetworks(build, networks, ranges), read_clouds(directory))


def read_clouds(directory: Path = PACK_DIR) -> CloudRanges:
    """Load the bundled ranges of clouds in `directory`.

    Raises:
        GeolocationError: a file is missing, broken, or of another build than the other.
    """
    try:
        return CloudRanges.read(*(directory / name for name in CLOUD_FILES))
    except _PACK_ERRORS as error:
        raise _damaged("list of cloud ranges", directory, error) from error


def _damaged(what: str, directory: Path, error: Exception) -> GeolocationError:
    return GeolocationError(
        f"The bundled {what} in {directory} does not read ({error}): check the folder out again."
    )


def _with_hosting(networks: pl.DataFrame) -> pl.DataFrame:
    """NETWORK_COLUMNS: likely hosting as far as the name tells, null where there is none."""
    return networks.with_columns(is_hosting_name(pl.col("as_name")).alias("hosting")).cast(_SCHEMA)


def _read_network(record: Any) -> _Network:
    """Number and name; null where absent or not of the kind that it should be."""
    if not isinstance(record, dict):
        return _NO_NETWORK
    number = record.get("autonomous_system_number")
    name = record.get("autonomous_system_organization")
    return (
        number if isinstance(number, int) and 0 < number < 2**32 else None,
        name if isinstance(name, str) and name else None,
    )
