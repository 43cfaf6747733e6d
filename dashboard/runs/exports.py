"""A whole run to take along: `/runs/RUN/take/countries.csv`, or all of it as `everything.zip`.

Reads, and starts no job. A table of a large run takes a thread for seconds: so one at a time, and
never for a foreign site's page.
"""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask, Response, request

from dashboard import words
from dashboard.live import LiveView
from dashboard.security import is_own_request
from observatory.export_archive import NEEDS_TWO_RUNS, export_archive
from observatory.export_tables import TABLES
from observatory.exporting import export_methods, export_table
from swarm.errors import JobRefused, StorageError, SwarmError

EVERYTHING, METHODS = "everything.zip", "methods.md"
_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".geojson": "application/geo+json",
    ".zip": "application/zip",
    ".md": "text/markdown; charset=utf-8",
}
_PATIENCE_S = 60.0


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
        if not is_own_request(
            request.host, request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        ):
            return _said(403, "Requests from other sites are refused.")
        if name not in known:
            return _said(404, words.NOTHING_OF_THAT_NAME)
        if not making.acquire(timeout=_PATIENCE_S):
            return _said(503, words.ANOTHER_EXPORT)
        try:
            content = _made(live, run_id, name)
        except JobRefused as error:
            return _said(404, str(error))
        except SwarmError as error:
            return _said(503, str(error))
        finally:
            making.release()
        # The run was found, so its id is one: nothing in the name needs to be quoted.
        answer = Response(content, content_type=_TYPES[Path(name).suffix])
        answer.headers["Content-Disposition"] = f"attachment; filename=swarm-atlas-{run_id}-{name}"
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _made(live: LiveView, run_id: str, name: str) -> bytes:
    """The file.

    Raises:
        JobRefused: there is no such run.
        StorageError: the run does not read.
    """
    desk = live.host.current
    if not any(run.id == run_id for run in desk.runs()):
        raise JobRefused(words.no_such_run(run_id[:40]))
    run = desk.open_run(run_id)
    with TemporaryDirectory(prefix="swarm-atlas-take-") as folder:
        path = Path(folder) / name
        if name == EVERYTHING:
            export_archive(desk.workspace, run, path)
        elif name == METHODS:
            export_methods(run, path)
        else:
            export_table(desk.workspace, run, path.stem, path)
        try:
            return path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot read {name} again: {error.strerror}") from None


def _said(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, content_type="text/plain; charset=utf-8")
