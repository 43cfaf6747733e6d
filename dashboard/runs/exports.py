"""A whole run to take along: `/runs/RUN/take/countries.csv`, or all of it as `everything.zip`.

Reads, and starts no job. A table of a large run takes a thread for seconds: so one at a time.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from flask import Flask, Response

from dashboard import words
from dashboard.file_answers import answer_with_file
from dashboard.live import LiveView
from observatory.export_archive import NEEDS_TWO_RUNS, export_archive
from observatory.export_tables import TABLES
from observatory.exporting import export_methods, export_table
from swarm.errors import JobRefused

EVERYTHING, METHODS = "everything.zip", "methods.md"


def choices() -> list[dict[str, str]]:
    """All that a run can be asked for, by name and meaning; what is placed has GeoJSON too."""
    whole = [
        {"value": EVERYTHING, "label": words.TAKE_EVERYTHING},
        {"value": METHODS, "label": words.TAKE_METHODS},
    ]
    tables = [
        {"value": f"{name}{suffix}", "label": f"{name}{suffix}: {table.meaning}"}
        for name, table in TABLES.items()
        if name not in NEEDS_TWO_RUNS
        for suffix in (".csv", ".parquet", *([".geojson"] if table.shape else []))
    ]
    return whole + tables


def address_of(run_id: str, name: str) -> str:
    """Where the file of a run is."""
    return f"/runs/{run_id}/take/{name}"


def register(server: Flask, live: LiveView) -> None:
    """Add the route of the files."""
    making = threading.Lock()
    known = frozenset(choice["value"] for choice in choices())

    @server.get("/runs/<run_id>/take/<name>")
    def take_of_run(run_id: str, name: str) -> Response:
        return answer_with_file(
            name,
            partial(_make, live, run_id),
            known=name in known,
            nothing=words.NOTHING_OF_THAT_NAME,
            turn=making,
            busy=words.ANOTHER_EXPORT,
        )


def _make(live: LiveView, run_id: str, path: Path) -> str:
    """Write the file; the id of the run, which it is then.

    Raises:
        JobRefused: there is no such run.
        StorageError: the run does not read.
    """
    desk = live.host.current
    if not any(run.id == run_id for run in desk.runs()):
        raise JobRefused(words.no_such_run(run_id[:40]))
    run = desk.open_run(run_id)
    if path.name == EVERYTHING:
        export_archive(desk.workspace, run, path)
    elif path.name == METHODS:
        export_methods(run, path)
    else:
        export_table(desk.workspace, run, path.stem, path)
    return run_id
