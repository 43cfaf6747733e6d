"""The bundled geolocation database: three Parquet files, read into one in-memory range table.

`places.parquet` has one row per place, row 0 being "unknown". `ranges-v4.parquet` and
`ranges-v6.parquet` cut the whole address space into consecutive ranges, each with its length
(in addresses, and in /64 networks) and the row of its place. docs/adr/0006 says why this form;
`scripts/build_geo_pack.py` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import polars.exceptions

from analysis.addresses import split_addresses
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.errors import GeolocationError
from swarm.place import DatabaseBuild

PACK_DIR = Path(__file__).parent / "geodata"
PLACES_FILE = "places.parquet"
RANGES_V4_FILE = "ranges-v4.parquet"
RANGES_V6_FILE = "ranges-v6.parquet"
_PLACE_SCHEMA = polars_schema(PLACE_COLUMNS)
_Unsigned = npt.NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True, slots=True)
class RangeTable:
    """Consecutive ranges from 0 on: where each begins, and the row of its place."""

    starts: _Unsigned
    places: npt.NDArray[np.uint32]

    def find(self, keys: _Unsigned) -> npt.NDArray[np.uint32]:
        """The place row of each key, in the order given."""
        # Sorted keys walk the table in one direction, which is what the caches like.
        order = np.argsort(keys)
        positions = np.searchsorted(self.starts, keys[order], side="right") - 1
        found = np.empty(len(keys), dtype=np.uint32)
        found[order] = self.places[positions]
        return found


@dataclass(frozen=True, slots=True)
class PackLocator:
    """Places addresses by the bundled database; IPv6 by the first 64 bits."""

    database: DatabaseBuild
    places: pl.DataFrame
    v4: RangeTable
    v6: RangeTable

    def locate(self, addresses: bytes) -> pl.DataFrame:
        """One row of `PLACE_COLUMNS` per packed 16-byte address, in the order given."""
        columns = split_addresses(addresses)
        rows = np.empty(len(columns), dtype=np.uint32)
        rows[columns.is_v4] = self.v4.find(columns.v4)
        rows[~columns.is_v4] = self.v6.find(columns.high[~columns.is_v4])
        return self.places.select(pl.all().gather(pl.Series(rows)))


def open_pack(directory: Path = PACK_DIR) -> PackLocator:
    """Load the pack in `directory` (about one second, about 150 MB of memory).

    Raises:
        GeolocationError: a file is missing, broken, or of another build than the others.
    """
    try:
        build = read_build(directory)
        places = pl.read_parquet(directory / PLACES_FILE)
        v4 = _read_ranges(directory / RANGES_V4_FILE, "addresses", np.dtype(np.uint32))
        v6 = _read_ranges(directory / RANGES_V6_FILE, "slash64s", np.dtype(np.uint64))
        located = places.select(
            pl.col(name).cast(dtype) if name in places.columns else pl.lit(None, dtype).alias(name)
            for name, dtype in _PLACE_SCHEMA.items()
        )
        if max(v4.places.max(), v6.places.max()) >= len(located):
            raise ValueError("a range names a place that is not there")
    except (OSError, KeyError, ValueError, polars.exceptions.PolarsError) as error:
        raise GeolocationError(
            f"The bundled geolocation database in {directory} does not read "
            f"({error}): check the folder out again, or set geoip_city to a .mmdb of your own."
        ) from error
    return PackLocator(build, located, v4, v6)


def read_build(directory: Path = PACK_DIR) -> DatabaseBuild:
    """Name, build date and attribution as the three files of the pack carry them.

    Raises:
        OSError, KeyError, ValueError, polars.exceptions.PolarsError: the files are missing,
            broken, or not of one build.
    """
    written = [
        pl.read_parquet_metadata(directory / name)
        for name in (PLACES_FILE, RANGES_V4_FILE, RANGES_V6_FILE)
    ]
    said = [{key: tags[key] for key in ("name", "built_on", "attribution")} for tags in written]
    if said[0] != said[1] or said[0] != said[2]:
        raise ValueError("its files are of different builds")
    return DatabaseBuild(
        name=written[0]["name"],
        built_on=date.fromisoformat(written[0]["built_on"]),
        attribution=written[0]["attribution"],
        attribution_url=written[0]["attribution_url"],
    )


def _read_ranges(path: Path, length_column: str, dtype: np.dtype[Any]) -> RangeTable:
    frame = pl.read_parquet(path)
    lengths = frame[length_column].to_numpy().astype(dtype, copy=False)
    places = frame["place"].to_numpy().astype(np.uint32, copy=False)
    ends = np.cumsum(lengths, dtype=dtype)
    # Unsigned sums wrap: the ranges fill the address space exactly when they come back to 0.
    if not len(ends) or ends[-1] != 0:
        raise ValueError(f"{path.name} does not cover the whole address space")
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 0, ends[:-1]
    return RangeTable(starts, places)
