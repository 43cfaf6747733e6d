"""storage.table_files: what other programs find in our files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import polars as pl
import pytest

from storage.table_files import write_geojson, write_table
from swarm.errors import StorageError

NAMES = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\uff1d1",
    'Ünï, "quoted"\nline',
    "a=b",
]


def test_csv_is_plain_and_harmless(tmp_path: Path) -> None:
    """One header row, UTF-8, quotes and line breaks kept; no cell of text begins a formula."""
    table = pl.DataFrame({"name": NAMES, "peers": range(len(NAMES)), "share": [-0.5] * len(NAMES)})
    write_table(tmp_path / "t.csv", table, notes={})
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["name", "peers", "share"]
    assert [row[0] for row in rows] == [f"'{name}" for name in NAMES[:6]] + NAMES[6:]
    assert {row[2] for row in rows} == {"-0.5"}


def test_parquet_keeps_names_and_notes(tmp_path: Path) -> None:
    """Nothing is changed in a file that no spreadsheet runs; the licence travels with it."""
    table = pl.DataFrame({"name": NAMES})
    write_table(tmp_path / "t.parquet", table, notes={"attribution": "IP Geolocation by DB-IP"})
    assert pl.read_parquet(tmp_path / "t.parquet").equals(table)
    noted = pl.read_parquet_metadata(tmp_path / "t.parquet")
    assert noted["attribution"] == "IP Geolocation by DB-IP"


def test_geojson(tmp_path: Path) -> None:
    """A FeatureCollection with a feature per row; a row at no place has a null geometry."""
    table = pl.DataFrame({"country": ["FR", "ZZ"], "peers": [5, None]})
    point = {"type": "Point", "coordinates": [2.0, 47.0]}
    write_geojson(tmp_path / "t.geojson", table, [point, None], notes={"attribution": "x"})
    found = json.loads((tmp_path / "t.geojson").read_text(encoding="utf-8"))
    assert found == {
        "type": "FeatureCollection",
        "attribution": "x",
        "features": [
            {
                "type": "Feature",
                "geometry": point,
                "properties": {"country": "FR", "peers": 5},
            },
            {
                "type": "Feature",
                "geometry": None,
                "properties": {"country": "ZZ", "peers": None},
            },
        ],
    }


def test_another_ending_is_refused(tmp_path: Path) -> None:
    """The error names the file and what it may be."""
    with pytest.raises(StorageError, match=r"t\.xlsx: a table's name ends in"):
        write_table(tmp_path / "t.xlsx", pl.DataFrame(), notes={})
    assert list(tmp_path.iterdir()) == []
