"""Tables and figures of a run as files. Reads runs, changes none, so it runs beside any job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from analysis.attribution import source_text
from analysis.geojson import geometries
from analysis.selection import Selection
from analysis.suppression import SuppressedTable, hidden_sentence, suppress
from analysis.tables import Binning, SizeBins
from observatory.export_figures import FIGURES, HEIGHT_PX, WIDTH_PX, draw, page_of
from observatory.export_tables import EVERYBODY, TABLES, Subject
from observatory.methods import methods_text
from observatory.rendering import IMAGE_SUFFIXES, render
from observatory.run_view import RunView, open_view
from observatory.snapshots import snapshot_of
from storage.durable import write_durably
from storage.manifest import Manifest
from storage.runs import RunReader, list_runs, open_run
from storage.table_files import write_geojson, write_table
from storage.workspace import Workspace
from swarm.errors import JobRefused
from swarm.settings import Settings

_WIDEST_MB = 1_000_000_000  # a petabyte
MIN_CELL = 10  # peers; a count below is not told unless the user asks for it


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and what was kept back."""

    path: Path
    rows: int | None = None  # of a table
    small: int = 0  # rows, bars or markers of few peers that were hidden
    complementary: int = 0  # more of them, that totals would have told

    @property
    def sentence(self) -> str:
        """The same for a person."""
        said = "Written" if self.rows is None else f"{self.rows:,} rows written"
        return f"{said} to {self.path}.{hidden_sentence(self.small, self.complementary)}"

    @property
    def document(self) -> dict[str, object]:
        """The same for a machine."""
        hidden = {"small_hidden": self.small, "complementary_hidden": self.complementary}
        return {"path": str(self.path), "rows": self.rows, **hidden}


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


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Part of a run: whom it is narrowed to, and the bins in which sizes are drawn."""

    selection: Selection = EVERYBODY
    binning: Binning = Binning.LOG2


def subject_of(
    workspace: Workspace,
    run: RunReader,
    *,
    against: str | None = None,
    view: RunView | None = None,
    narrowing: Narrowing = Narrowing(),
) -> Subject:
    """What tables are made of. Cheap: frames are lazy, and a `view` that is there is taken.

    Raises:
        JobRefused: the two runs to compare have pseudonyms of different keys or kinds.
        StorageError: there is no such run, or a part of one does not read.
    """
    before = None if against is None else open_run(workspace.runs_dir, against)
    if before is not None and not before.manifest.shares_pseudonyms_with(run.manifest):
        raise JobRefused(
            f"Runs {before.run_id} and {run.run_id} have pseudonyms by different keys, or made in "
            "different ways by different versions, so nobody can say who is in both. Compare runs "
            "made with one key by one version."
        )
    earlier = [one for one in list_runs(workspace.runs_dir) if one.run_id <= run.run_id]
    return Subject(
        view=open_view(run) if view is None else view,
        snapshot=snapshot_of(run),
        before=None if before is None else snapshot_of(before),
        history=tuple(snapshot_of(one) for one in earlier),
        selection=narrowing.selection,
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
    cell_deg: float | None = None,
    bin_mb: int | None = None,
    view: RunView | None = None,
    narrowing: Narrowing = Narrowing(),
) -> Exported:
    """Write one table as `path` ends: .csv, .parquet or .geojson.

    `cell_deg` is the height of the cells of `cells`, `bin_mb` the width of the bins of `histogram`.

    Raises:
        JobRefused: no such table, or it has no places and cannot be GeoJSON; or it has no cells, or
            no bins, to be of another size, or there are none of that size.
        StorageError: another ending, or the disk refuses.
    """
    shape = TABLES[name].shape if name in TABLES else None
    if path.suffix == ".geojson" and name in TABLES and shape is None:
        placed = ", ".join(other for other, table in TABLES.items() if table.shape)
        raise JobRefused(f"Table {name!r} has no places: as GeoJSON there are {placed}.")
    subject = subject_of(workspace, run, against=against, view=view, narrowing=narrowing)
    made = build_table(_resized(subject, name, cell_deg, bin_mb), name, min_cell=min_cell)
    notes = file_notes(run.manifest) | {"table": name, "suppressed_below": str(min_cell)}
    if shape is not None and path.suffix == ".geojson":
        write_geojson(path, made.table, list(geometries(made.table, shape)), notes=notes)
    else:
        write_table(path, made.table, notes=notes)
    return Exported(path, len(made.table), made.small, made.complementary)


def _resized(subject: Subject, name: str, cell_deg: float | None, bin_mb: int | None) -> Subject:
    for table, option, value in (
        ("cells", "--cell-deg", cell_deg),
        ("histogram", "--bin-mb", bin_mb),
    ):
        if value is not None and name != table:
            raise JobRefused(f"{option} is for table {table!r}; {name!r} has none to resize.")
    if bin_mb is not None and not 1 <= bin_mb <= _WIDEST_MB:
        raise JobRefused(f"--bin-mb: bins are 1 to {_WIDEST_MB:,} MB wide, not {bin_mb}")
    return replace(
        subject,
        cell_deg=subject.cell_deg if cell_deg is None else cell_deg,
        bins=subject.bins if bin_mb is None else SizeBins(bin_mb),
    )


def export_figure(
    workspace: Workspace,
    run: RunReader,
    name: str,
    path: Path,
    *,
    settings: Settings,
    outlines: Path,
    min_cell: int = MIN_CELL,
    view: RunView | None = None,
    narrowing: Narrowing = Narrowing(),
) -> Exported:
    """Write one figure as `path` ends: .html (nothing else is needed to open it), .png or .svg.

    Raises:
        JobRefused: no such figure or ending, or no Chromium for an image.
        StorageError: the drawing failed, or the disk refuses.
    """
    if name not in FIGURES:
        raise JobRefused(f"There is no figure {name!r}; there are: {', '.join(FIGURES)}.")
    if path.suffix not in (".html", *IMAGE_SUFFIXES):
        raise JobRefused(f"A figure's name ends in .html, .png or .svg, not as {path.name} does.")
    subject = subject_of(workspace, run, view=view, narrowing=narrowing)
    drawn = draw(
        name,
        subject,
        run.manifest,
        min_cell=min_cell,
        outlines=outlines,
        binning=narrowing.binning,
    )
    page = page_of(drawn.figure, f"{FIGURES[name]}, run {run.run_id}")
    if path.suffix == ".html":
        write_durably(path, page.encode())
    else:
        render(page, path, settings, width_px=WIDTH_PX, height_px=HEIGHT_PX)
    return Exported(path, None, drawn.hidden.small, drawn.hidden.complementary)


def export_methods(run: RunReader, path: Path) -> Exported:
    """Write how each number of the run came about, in Markdown.

    Raises:
        StorageError: the run does not read, or the disk refuses.
    """
    write_durably(path, methods_text(run).encode())
    return Exported(path)


def file_notes(manifest: Manifest) -> dict[str, str]:
    """What a file has to say of itself wherever it goes: run, time, databases and their licence."""
    said = source_text(manifest.databases, date.today())
    return {
        "run": manifest.run_id,
        "taken_at": manifest.started_at.isoformat(),
        "attribution": said,
    }
