"""Tables and figures of a run as files. Reads runs, changes none, so it runs beside any job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from analysis.geojson import geometries
from analysis.suppression import SuppressedTable, suppress
from observatory.export_tables import TABLES, Subject
from observatory.run_view import open_view
from observatory.snapshots import snapshot_of
from storage.manifest import Manifest
from storage.runs import RunReader, list_runs, open_run
from storage.table_files import write_geojson, write_table
from storage.workspace import Workspace
from swarm.errors import JobRefused

MIN_CELL = 10  # peers; a count below is not told unless the user asks for it


@dataclass(frozen=True, slots=True)
class ExportedTable:
    """What was written, and what was kept back."""

    path: Path
    rows: int
    small: int
    complementary: int

    @property
    def sentence(self) -> str:
        """The same for a person."""
        return f"{self.rows:,} rows written to {self.path}.{hidden_sentence(self)}"


def hidden_sentence(hidden: ExportedTable | SuppressedTable) -> str:
    """What was hidden, in words; empty where nothing was."""
    if not hidden.small:
        return ""
    said = f" {hidden.small:,} with few peers are hidden"
    if hidden.complementary:
        said += f", and {hidden.complementary:,} more, or totals would tell them"
    return f"{said}."


def chosen_run(workspace: Workspace, run_id: str | None) -> RunReader:
    """The run of that name; None or `latest` is the one that was started last.

    Raises:
        JobRefused: there is no run yet.
        StorageError: there is no run of that name.
    """
    if run_id not in (None, "latest"):
        return open_run(workspace.runs_dir, str(run_id))
    runs = list(list_runs(workspace.runs_dir))
    if not runs:
        raise JobRefused("There is no run to export yet: fetch or import one first.")
    return runs[-1]


def subject_of(workspace: Workspace, run: RunReader, *, against: str | None = None) -> Subject:
    """What tables are made of. Cheap: frames are lazy.

    Raises:
        StorageError: there is no such run, or a part of one does not read.
    """
    earlier = [one for one in list_runs(workspace.runs_dir) if one.run_id <= run.run_id]
    return Subject(
        view=open_view(run),
        snapshot=snapshot_of(run),
        before=None if against is None else snapshot_of(open_run(workspace.runs_dir, against)),
        history=tuple(snapshot_of(one) for one in earlier),
    )


def build_table(subject: Subject, name: str, *, min_cell: int) -> SuppressedTable:
    """One of TABLES with its small cells hidden.

    Raises:
        JobRefused: there is no table of that name, or it needs a second run.
    """
    if name not in TABLES:
        raise JobRefused(f"There is no table {name!r}; there are: {', '.join(TABLES)}.")
    table = TABLES[name].build(subject)
    # 0 / 0 is no number, and JSON has no word for it.
    shares = [column for column, kind in table.schema.items() if kind.is_float()]
    return suppress(
        table.with_columns(pl.col(shares).fill_nan(None)), TABLES[name].disclosure, min_cell
    )


def export_table(
    workspace: Workspace,
    run: RunReader,
    name: str,
    path: Path,
    *,
    min_cell: int = MIN_CELL,
    against: str | None = None,
) -> ExportedTable:
    """Write one table as `path` ends: .csv, .parquet or .geojson.

    Raises:
        JobRefused: no such table, or it has no places and cannot be GeoJSON.
        StorageError: another ending, or the disk refuses.
    """
    shape = TABLES[name].shape if name in TABLES else None
    if path.suffix == ".geojson" and name in TABLES and shape is None:
        placed = ", ".join(other for other, table in TABLES.items() if table.shape)
        raise JobRefused(f"Table {name!r} has no places: as GeoJSON there are {placed}.")
    made = build_table(subject_of(workspace, run, against=against), name, min_cell=min_cell)
    notes = file_notes(run.manifest) | {"table": name, "suppressed_below": str(min_cell)}
    if shape is not None and path.suffix == ".geojson":
        write_geojson(path, made.table, list(geometries(made.table, shape)), notes=notes)
    else:
        write_table(path, made.table, notes=notes)
    return ExportedTable(path, len(made.table), made.small, made.complementary)


def file_notes(manifest: Manifest) -> dict[str, str]:
    """What a file has to say of itself wherever it goes: run, time, databases and their licence."""
    notes = {"run": manifest.run_id, "taken_at": manifest.started_at.isoformat()}
    said = [database_note(manifest)]
    if manifest.database is not None and manifest.database.attribution_url:
        said.append(manifest.database.attribution_url)
    return notes | {"attribution": ", ".join(said)}


def database_note(manifest: Manifest) -> str:
    """Who placed the peers, in one line for a figure's foot."""
    database = manifest.database
    if database is None:
        return f"places as recorded in {manifest.origin}"
    built = "of unknown date" if database.built_on is None else f"build {database.built_on}"
    said = f"{database.name}, {built}"
    return f"{database.attribution} ({said})" if database.attribution else said
