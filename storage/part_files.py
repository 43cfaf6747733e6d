"""Parts as Parquet files: what each kind of part holds, how one is written and how it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from storage.polars_files import write_parquet
from swarm.columns import (
    OUTCOME_COLUMNS,
    SIGHTING_COLUMNS,
    TRACKER_COLUMNS,
    VISIT_COLUMNS,
    Column,
    polars_schema,
)
from swarm.errors import StorageError

PART_COLUMNS = {
    "sightings": SIGHTING_COLUMNS,
    "outcomes": OUTCOME_COLUMNS,
    "trackers": TRACKER_COLUMNS,
    "visits": VISIT_COLUMNS,
}
# The order of a part's rows, where it is not that in which they came. Neighbours that are alike
# make a part of a million sightings a quarter smaller, and are counted as one (docs/adr/0021).
PART_ORDER: Final[Mapping[str, Sequence[str]]] = {"sightings": ("place", "swarm")}
# A fifth less time than level 3, for a part that is 4 % larger; compacting writes at level 3.
_LEVEL: Final = 1


def write_part(
    path: Path,
    frame: pl.DataFrame,
    columns: tuple[Column, ...],
    *,
    name: str,
    order: Sequence[str] = (),
) -> None:
    """Write a part of just these columns, sorted by some of them; `name` is what errors call it.

    Raises:
        StorageError: the frame has other columns; nothing is written.
        OSError: the disk refuses.
    """
    expected = polars_schema(columns)
    if frame.schema != expected:
        raise StorageError(f"{name}: columns {frame.schema} instead of {expected}")
    if order:
        frame = frame.sort(order, maintain_order=True)
    write_parquet(path, frame, level=_LEVEL)


def scan_parts(parts: list[Path], columns: tuple[Column, ...]) -> pl.LazyFrame:
    """The rows of parts of one kind; the columns that older ones lack are null.

    Raises:
        StorageError: a part does not read, or has other columns; names it.
    """
    schema = polars_schema(columns)
    if not parts:
        return pl.LazyFrame(schema=schema)
    for part in parts:
        _check_part(part, columns)
    return pl.scan_parquet(parts, schema=schema, missing_columns="insert")


def _check_part(path: Path, columns: tuple[Column, ...]) -> None:
    """Refuse a part of another shape; columns that may be null may be missing, in older runs."""
    schema = polars_schema(columns)
    try:
        found = pl.read_parquet_schema(path)
    except (PolarsError, OSError) as error:
        raise StorageError(
            f"{path} does not read as Parquet ({str(error)[:120]}): restore it or move it away; "
            "the run's other parts are untouched"
        ) from None
    nullable = {column.name for column in columns if column.nullable}
    odd = sorted(set(found.items()) ^ set(schema.items()), key=str)
    if any(name in found or name not in nullable for name, _ in odd):
        raise StorageError(f"{path} has other columns than ours: {[name for name, _ in odd]}")
