"""Writing files by polars, whose word for what the disk refuses is turned into an OSError."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

# A part is one row group: each has a dictionary of its own, so eight made a part of a million
# sightings 15 % larger and its columns of places a fifth slower to count (docs/adr/0019).
ROW_GROUP_ROWS: Final = 2_000_000


def write_parquet(
    path: Path,
    table: pl.DataFrame,
    *,
    level: int | None = None,
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write Parquet with zstd, at polars' own level if None, and `notes` as the file's metadata.

    Raises:
        OSError: the disk refuses.
    """
    metadata = None if notes is None else dict(notes)
    with _disk_refuses():
        table.write_parquet(
            path,
            compression="zstd",
            compression_level=level,
            row_group_size=ROW_GROUP_ROWS,
            metadata=metadata,
        )


def write_csv(path: Path, table: pl.DataFrame) -> None:
    """Write CSV: UTF-8, one header row.

    Raises:
        OSError: the disk refuses.
    """
    with _disk_refuses():
        table.write_csv(path)


@contextmanager
def _disk_refuses() -> Iterator[None]:
    try:
        yield
    except PolarsError as error:
        raise OSError(str(error)) from error
