"""Range tables: the address space cut into consecutive ranges, each with the row of what it is.

The form of the bundled databases: a Parquet file has one row per range, its length (in IPv4
addresses, or in IPv6 /64 networks) and a row number of another table, where row 0 is "unknown".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.addresses import AddressColumns
from swarm.place import DatabaseBuild

_Unsigned = npt.NDArray[np.unsignedinteger[Any]]
_BUILD_TAGS = ("name", "built_on", "attribution", "attribution_url")


@dataclass(frozen=True, slots=True)
class RangeTable:
    """Consecutive ranges from 0 on: where each begins, and the row of what it is."""

    starts: _Unsigned
    rows: npt.NDArray[np.uint32]

    def find(self, keys: _Unsigned) -> npt.NDArray[np.uint32]:
        """The row of each key, in the order given; rising keys are found fastest."""
        return self.rows[np.searchsorted(self.starts, keys, side="right") - 1]


@dataclass(frozen=True, slots=True)
class AddressRanges:
    """The ranges of both families: IPv4 by address, IPv6 by the first 64 bits."""

    v4: RangeTable
    v6: RangeTable

    @classmethod
    def read(cls, v4: Path, v6: Path, *, rows: int) -> Self:
        """Read the two files; `rows` is how many rows the table has that they name.

        Raises:
            OSError, ValueError, polars.exceptions.PolarsError: a file is missing, broken, does
                not cover the address space, or names a row that is not there.
        """
        tables = cls(
            _read_ranges(v4, "addresses", np.dtype(np.uint32)),
            _read_ranges(v6, "slash64s", np.dtype(np.uint64)),
        )
        if max(tables.v4.rows.max(), tables.v6.rows.max()) >= rows:
            raise ValueError("a range names a row that is not there")
        return tables

    def find(self, addresses: AddressColumns) -> npt.NDArray[np.uint32]:
        """The row of each address, in the order given."""
        rows = np.empty(len(addresses), dtype=np.uint32)
        v4, v6 = addresses.rising_v4, addresses.rising_v6
        rows[v4] = self.v4.find(addresses.low[v4].astype(np.uint32))
        rows[v6] = self.v6.find(addresses.high[v6])
        return rows


def read_build_of(files: list[Path]) -> DatabaseBuild:
    """Name, build date and attribution as each of the files carries them.

    Raises:
        OSError, KeyError, ValueError, polars.exceptions.PolarsError: a file is missing or broken,
            or they are not of one build.
    """
    written = [pl.read_parquet_metadata(file) for file in files]
    said = [{key: tags[key] for key in _BUILD_TAGS} for tags in written]
    if any(tags != said[0] for tags in said):
        raise ValueError("its files are of different builds")
    tags = said[0]
    return DatabaseBuild(
        name=tags["name"],
        built_on=date.fromisoformat(tags["built_on"]),
        attribution=tags["attribution"] or None,
        attribution_url=tags["attribution_url"] or None,
    )


def count_ranges(files: list[Path]) -> int:
    """How many ranges the files hold together, without reading them.

    Raises:
        OSError, polars.exceptions.PolarsError: a file is missing or broken.
    """
    return sum(pl.scan_parquet(file).select(pl.len()).collect().item() for file in files)


def _read_ranges(path: Path, length_column: str, dtype: np.dtype[Any]) -> RangeTable:
    frame = pl.read_parquet(path)
    lengths = frame[length_column].to_numpy().astype(dtype, copy=False)
    rows = frame[frame.columns[1]].to_numpy().astype(np.uint32, copy=False)
    ends = np.cumsum(lengths, dtype=dtype)
    # Unsigned sums wrap: the ranges fill the address space exactly when they come back to 0.
    if not len(ends) or ends[-1] != 0:
        raise ValueError(f"{path.name} does not cover the whole address space")
    starts = np.empty_like(ends)
    starts[0], starts[1:] = 0, ends[:-1]
    return RangeTable(starts, rows)
