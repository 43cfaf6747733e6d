"""All tables of a run in one zip file, with methods.md: what goes along with a paper."""

from __future__ import annotations

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from observatory.export_tables import TABLES
from observatory.exporting import MIN_CELL, export_methods, export_table
from storage.durable import replace_durably
from storage.runs import RunReader
from storage.workspace import Workspace
from swarm.errors import JobRefused

NEEDS_TWO_RUNS = frozenset({"churn"})


def export_archive(
    workspace: Workspace, run: RunReader, path: Path, *, min_cell: int = MIN_CELL
) -> list[str]:
    """Write every table of one run as CSV, and methods.md, into the zip file at `path`.

    Returns:
        The names of the files in it.

    Raises:
        JobRefused: the run has nothing that can be told.
        StorageError: a part of the run does not read, or the disk refuses.
    """
    with TemporaryDirectory(prefix="swarm-atlas-zip-") as folder:
        made = Path(folder)
        for name in TABLES:
            if name not in NEEDS_TWO_RUNS:
                export_table(workspace, run, name, made / f"{name}.csv", min_cell=min_cell)
        export_methods(run, made / "methods.md")
        files = sorted(made.iterdir())
        if not files:
            raise JobRefused(f"Run {run.run_id} has nothing to export.")
        replace_durably(path, lambda aside: _zip(files, aside))
        return [file.name for file in files]


def _zip(files: list[Path], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
