"""observatory.exporting and methods: every table of a run as a file, and how it came about."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.breakdowns import hosting_table, networks_table, sources_table
from analysis.cells import cells_table, country_level_table
from analysis.geojson import Shape
from observatory.export_tables import TABLES
from observatory.exporting import build_table, chosen_run, export_table, subject_of
from observatory.methods import METHODS_NAME, write_methods
from storage.manifest import RunKind
from storage.runs import RunReader
from storage.workspace import Workspace
from swarm.errors import JobRefused, StorageError
from tests.frames import manifest
from tests.kept_runs import AFTER, BEFORE, SWARMS, keep_two_runs


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kept")
    keep_two_runs(root)
    return root


@pytest.fixture
def run(root: Path) -> RunReader:
    return chosen_run(Workspace(root), "latest")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_a_file_of_every_kind(
    name: str, root: Path, run: RunReader, tmp_path: Path
) -> None:
    """CSV and Parquet of each table, and GeoJSON of those with places; all have the same rows."""
    workspace, table = Workspace(root), TABLES[name]
    paths = [tmp_path / f"{name}{ending}" for ending in (".csv", ".parquet")]
    for path in paths:
        found = export_table(workspace, run, name, path, against=BEFORE)
        assert found.rows > 0
    kept = pl.read_parquet(paths[1])
    with paths[0].open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert (header, len(rows)) == (kept.columns, len(kept))
    path = tmp_path / f"{name}.geojson"
    if table.shape is None:
        with pytest.raises(JobRefused, match="has no places"):
            export_table(workspace, run, name, path, against=BEFORE)
        return
    export_table(workspace, run, name, path)
    collection = json.loads(path.read_text(encoding="utf-8"))
    assert len(collection["features"]) == len(kept)
    assert "https://db-ip.com" in collection["attribution"]


@pytest.mark.parametrize("name", TABLES)
def test_no_table_tells_of_few_people(name: str, root: Path, run: RunReader) -> None:
    """In no table is there a count from 1 to 9 unless that is asked for."""
    subject = subject_of(Workspace(root), run, against=BEFORE)
    shown = build_table(subject, name, min_cell=10).table
    for count in TABLES[name].disclosure.counts:
        assert shown.filter(pl.col(count) > 0, pl.col(count) < 10).is_empty()
    everything = build_table(subject, name, min_cell=1)
    assert (everything.small, everything.complementary) == (0, 0)


def test_something_was_there_to_hide(root: Path, run: RunReader) -> None:
    """The sample has small cells of each kind, so that the promise above is put to the test."""
    subject = subject_of(Workspace(root), run, against=BEFORE)
    for name in ("cells", "countries", "histogram", "churn"):
        assert build_table(subject, name, min_cell=10).small > 0, name


def test_a_cell_on_the_map(root: Path, run: RunReader, tmp_path: Path) -> None:
    """RFC 7946: closed rings, counterclockwise, longitude first, around the mean of the peers."""
    path = tmp_path / "cells.geojson"
    export_table(Workspace(root), run, "cells", path)
    features = json.loads(path.read_text())["features"]
    lyon = next(f for f in features if f["properties"]["label"] == "Lyon")
    (ring,) = lyon["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) / 2
    assert area > 0
    assert min(p[0] for p in ring) <= 4.85 <= max(p[0] for p in ring)
    assert min(p[1] for p in ring) <= 45.75 <= max(p[1] for p in ring)


def test_cells_and_bins_of_another_size(root: Path, run: RunReader, tmp_path: Path) -> None:
    """`cell_deg` and `bin_mb` are those of the table that is written; no peer is lost by either."""
    cells, bins = tmp_path / "cells.parquet", tmp_path / "histogram.parquet"
    export_table(Workspace(root), run, "cells", cells, min_cell=1, cell_deg=10)
    table = pl.read_parquet(cells)
    assert table["key"].str.starts_with("cell:10:").all()
    assert table["peers"].sum() == cells_table(run.sightings(), 10)["peers"].sum()
    export_table(Workspace(root), run, "histogram", bins, min_cell=1, bin_mb=250)
    found = pl.read_parquet(bins)
    assert set(found["label"]) <= {
        *(f"{n * 250} - {n * 250 + 249}" for n in range(100)),
        "unknown size",
    }
    assert found["peers"].sum() == run.sightings().select(pl.len()).collect().item()


@pytest.mark.parametrize(
    ("name", "sizes", "said"),
    [
        ("cells", {"cell_deg": 7.0}, "cells of 7.0 degrees do not fit"),
        ("cells", {"cell_deg": float("nan")}, "--cell-deg"),
        ("histogram", {"bin_mb": 0}, "1 to 1,000,000,000 MB"),
        ("countries", {"cell_deg": 1.0}, "'countries' has none"),
        ("cells", {"bin_mb": 100}, "is for table 'histogram'"),
    ],
)
def test_sizes_that_there_are_not(
    root: Path, run: RunReader, tmp_path: Path, name: str, sizes: dict[str, Any], said: str
) -> None:
    """A size that no grid has, or a table without one, is refused and nothing is written."""
    with pytest.raises(JobRefused, match=said):
        export_table(Workspace(root), run, name, tmp_path / "table.csv", **sizes)
    assert not list(tmp_path.iterdir())


def test_the_unknown_country_is_a_feature_that_is_nowhere(
    root: Path, run: RunReader, tmp_path: Path
) -> None:
    """ZZ is counted and has no geometry; a country lies where it is labelled."""
    assert TABLES["countries"].shape is Shape.COUNTRY
    path = tmp_path / "countries.geojson"
    export_table(Workspace(root), run, "countries", path)
    by_country = {f["properties"]["country"]: f for f in json.loads(path.read_text())["features"]}
    assert by_country["ZZ"]["geometry"] is None
    assert by_country["DE"]["geometry"]["type"] == "Point"


def test_rollups_say_what_the_raw_rows_say(root: Path, run: RunReader) -> None:
    """The tables of the view, which reads roll-ups, and the functions on raw sightings agree."""
    view, raw = subject_of(Workspace(root), run).view, run.sightings()
    as_counted = ["asn", "as_name", "hosting", "peers"]
    assert set(view.networks().rows()) == set(networks_table(raw).select(as_counted).rows())
    assert set(view.hosting().rows()) == set(hosting_table(raw).select("hosting", "peers").rows())
    assert view.sources().rows() == sources_table(raw).rows()
    assert view.country_level().rows() == country_level_table(raw).rows()
    cells = cells_table(raw, 1.0)
    assert view.places(cell_deg=1.0)["peers"].to_list() == cells["peers"].to_list()


def test_a_name_that_is_a_formula(root: Path, run: RunReader, tmp_path: Path) -> None:
    """In CSV it is text; in Parquet it is as the torrent has it."""
    for ending, name in ((".csv", "'=Debian 3"), (".parquet", "=Debian 3")):
        path = tmp_path / f"swarms{ending}"
        export_table(Workspace(root), run, "swarms", path)
        read = pl.read_csv(path) if ending == ".csv" else pl.read_parquet(path)
        assert name in read["name"].to_list()


def test_books_are_read_in_france(root: Path, run: RunReader) -> None:
    """What the sample was made with is found, with its interval."""
    table = build_table(subject_of(Workspace(root), run), "representation", min_cell=10).table
    french = table.filter(category="Books", country="FR").row(0, named=True)
    assert french["q"] < 0.05
    assert 1 < french["ratio_low"] < french["ratio_high"]


def test_what_is_not_there_is_refused(root: Path, run: RunReader, tmp_path: Path) -> None:
    """Each error says what there is instead."""
    workspace = Workspace(root)
    with pytest.raises(JobRefused, match="no table 'x'; there are: countries"):
        export_table(workspace, run, "x", tmp_path / "x.csv")
    with pytest.raises(JobRefused, match="--against"):
        export_table(workspace, run, "churn", tmp_path / "x.csv")
    with pytest.raises(StorageError, match="no run"):
        export_table(workspace, run, "churn", tmp_path / "x.csv", against="x")
    with pytest.raises(StorageError, match=r"\.csv or \.parquet"):
        export_table(workspace, run, "countries", tmp_path / "x.txt")
    with pytest.raises(JobRefused, match="no run to export"):
        chosen_run(Workspace(tmp_path), None)
    assert list(tmp_path.iterdir()) == []


def test_life_spans_all_runs(root: Path, run: RunReader) -> None:
    """Each swarm has a point in each of the two runs."""
    table = build_table(subject_of(Workspace(root), run), "life", min_cell=1).table
    assert len(table) == 2 * SWARMS
    assert set(table["run_id"]) == {BEFORE, AFTER}


def test_methods_name_conditions_and_no_secret(root: Path, run: RunReader) -> None:
    """Version, database with its licence, recall, who was not asked; of settings the harmless."""
    write_methods(run)
    text = (run.folder / METHODS_NAME).read_text()
    for said in (
        f"# Methods of run {AFTER}",
        "Swarm Atlas 0.1.0",
        "DB-IP City Lite, build of 2026-06-05. [IP Geolocation by DB-IP](https://db-ip.com)",
        "45 of 50 peers known beforehand were found (90.0 %)",
        "Peers themselves (PEX): not asked",
        "| processes | 2 |",
        "Chapman (1951)",
    ):
        assert said in text
    assert run.revision == RunReader(run.folder).revision


def test_methods_tell_of_every_column_with_an_interval(root: Path, run: RunReader) -> None:
    """What an export gives as an estimate is explained."""
    write_methods(run)
    text = (run.folder / METHODS_NAME).read_text()
    for name in ("estimate", "between", "seeds", "downloaders", "seed_share", "gini", "jaccard"):
        assert f"{name}" in text.split("## How each number comes about")[1]


def test_methods_keep_secrets_out(tmp_path: Path) -> None:
    """Addresses of feeds and proxies hold keys: no setting that numbers do not need is told."""
    before, _ = keep_two_runs(tmp_path)
    secret = manifest(
        BEFORE,
        kind=RunKind.IMPORT,
        origin="old-folder",
        settings={"feeds": ["https://site.example/?key=s3cret"], "http_proxy": "u:s3cret@h:1"},
    )
    (before.folder / "manifest.json").write_text(secret.model_dump_json())
    write_methods(before)
    text = (before.folder / METHODS_NAME).read_text()
    assert "s3cret" not in text
    assert "old-folder" in text
