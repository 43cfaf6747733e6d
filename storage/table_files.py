"""One table as a file for others: CSV, Parquet or GeoJSON, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from storage.durable import replace_durably, write_durably
from storage.polars_files import write_csv, write_parquet
from swarm.errors import StorageError

TABLE_SUFFIXES = (".csv", ".parquet", ".geojson")

# A spreadsheet takes text that begins so for a formula, and runs it (OWASP, "CSV Injection"); the
# last four are how East Asian keyboards write the first four.
_FORMULA_STARTS = r"^[=+\-@\t\r\n＝＋－＠]"  # noqa: RUF001 - meant
_NEUTRAL = "'"

Geometry = Mapping[str, object] | None


def write_table(path: Path, table: pl.DataFrame, *, notes: Mapping[str, str]) -> None:
    """Write a table as its name's ending says, `.csv` or `.parquet`.

    CSV is UTF-8 with one header row; an apostrophe stands before text that a spreadsheet would take
    for a formula. Parquet keeps every text as it is, and `notes` as metadata of the file.

    Raises:
        StorageError: another ending, or the disk refuses; names the file.
    """
    if path.suffix == ".csv":
        harmless = _harmless(table)
        replace_durably(path, lambda aside: write_csv(aside, harmless))
    elif path.suffix == ".parquet":
        replace_durably(path, lambda aside: write_parquet(aside, table, notes=notes))
    else:
        raise StorageError(f"cannot write {path}: a table's name ends in .csv or .parquet")


def write_geojson(
    path: Path,
    table: pl.DataFrame,
    geometries: Sequence[Geometry],
    *,
    notes: Mapping[str, str],
) -> None:
    """Write a FeatureCollection (RFC 7946): a feature per row, its columns as properties.

    Args:
        path: where to.
        table: the rows.
        geometries: one per row; None for a row that is at no place.
        notes: foreign members of the collection (6.1): licence, source, what was hidden.

    Raises:
        StorageError: the disk refuses; names the file.
    """
    features = [
        {"type": "Feature", "geometry": geometry, "properties": properties}
        for geometry, properties in zip(geometries, table.iter_rows(named=True), strict=True)
    ]
    collection: dict[str, Any] = {"type": "FeatureCollection", **notes, "features": features}
    text = json.dumps(collection, ensure_ascii=False, allow_nan=False, default=str)
    write_durably(path, text.encode())


def _harmless(table: pl.DataFrame) -> pl.DataFrame:
    texts = [name for name, kind in table.schema.items() if kind == pl.String]
    return table.with_columns(
        pl.when(pl.col(name).str.contains(_FORMULA_STARTS))
        .then(pl.lit(_NEUTRAL) + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )
