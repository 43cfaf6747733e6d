"""The bundled geolocation database: three Parquet files, read into one in-memory range table.

`places.parquet` has one row per place, row 0 being "unknown"; `ranges-v4.parquet` and
`ranges-v6.parquet` say which range is which place (`analysis.ranges`). docs/adr/0006 says why this
form; `scripts/build_geo_pack.py` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import polars.exceptions

from analysis.addresses import AddressColumns, split_addresses
from analysis.ranges import AddressRanges, read_build_of
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.errors import GeolocationError
from swarm.place import DatabaseBuild

PACK_DIR = Path(__file__).parent / "geodata"
PLACES_FILE = "places.parquet"
RANGES_V4_FILE = "ranges-v4.parquet"
RANGES_V6_FILE = "ranges-v6.parquet"
PACK_FILES = (PLACES_FILE, RANGES_V4_FILE, RANGES_V6_FILE)
_PLACE_SCHEMA = polars_schema(PLACE_COLUMNS)


@dataclass(frozen=True, slots=True)
class PackLocator:
    """Places addresses by the bundled database; IPv6 by the first 64 bits."""

    database: DatabaseBuild
    places: pl.DataFrame
    ranges: AddressRanges

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """One row of `PLACE_COLUMNS` per packed 16-byte address, in the order given."""
        return self.place(split_addresses(addresses))

    def place(self, addresses: AddressColumns) -> pl.DataFrame:
        """The same, of addresses that are split already."""
        rows = self.ranges.find(addresses)
        return self.places.select(pl.all().gather(pl.Series(rows)))


def open_pack(directory: Path = PACK_DIR) -> PackLocator:
    """Load the pack in `directory` (about one second, about 150 MB of memory).

    Raises:
        GeolocationError: a file is missing, broken, or of another build than the others.
    """
    try:
        build = read_build(directory)
        places = pl.read_parquet(directory / PLACES_FILE)
        located = places.select(
            pl.col(name).cast(dtype) if name in places.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in _PLACE_SCHEMA.items()
        )
        ranges = AddressRanges.read(
            directory / RANGES_V4_FILE, directory / RANGES_V6_FILE, rows=len(located)
        )
    except (OSError, KeyError, ValueError, polars.exceptions.PolarsError) as error:
        raise GeolocationError(
            f"The bundled geolocation database in {directory} does not read "
            f"({error}): check the folder out again, or set geoip_city to a .mmdb of your own."
        ) from error
    return PackLocator(build, located, ranges)


def read_build(directory: Path = PACK_DIR) -> DatabaseBuild:
    """Name, build date and attribution of the pack.

    Raises:
        OSError, KeyError, ValueError, polars.exceptions.PolarsError: the files are missing,
            broken, or not of one build.
    """
    return read_build_of([directory / name for name in PACK_FILES])
