"""What the page shows, to take along: tables and figures as files, narrowed as the page is.

`/take/countries.csv?country=FR` is a table or a figure of `observatory.exporting` for what an
address of the page shows; few people are hidden as there. Reads, and starts no job, but an image
keeps a Chromium busy for seconds: so one at a time, and never for a foreign site's page.
"""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Flask, Response, request

from dashboard import words
from dashboard.address_state import AddressState, read_address
from dashboard.document import ASSETS
from dashboard.live import LiveView
from dashboard.security import is_own_request
from observatory.export_figures import FIGURES
from observatory.export_tables import TABLES
from observatory.exporting import Narrowing, export_figure, export_table
from observatory.rendering import IMAGE_SUFFIXES
from swarm.errors import JobRefused, StorageError, SwarmError

FIGURE_SUFFIXES = (*IMAGE_SUFFIXES, ".html")
_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".geojson": "application/geo+json",
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
_TAKEN = frozenset({"countries", "histogram", "histogram-log2", "cells", "places", "country-level"})
_PATIENCE_S = 60.0


def register(server: Flask, live: LiveView) -> None:
    """Add the route of the files."""
    drawing = threading.Lock()

    @server.get("/take/<name>")
    def take(name: str) -> Response:
        if not is_own_request(
            request.host, request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        ):
            return _said(403, "Requests from other sites are refused.")
        suffix = Path(name).suffix
        if suffix not in _TYPES:
            return _said(404, words.NOTHING_TO_TAKE)
        images = suffix in IMAGE_SUFFIXES
        if images and not drawing.acquire(timeout=_PATIENCE_S):
            return _said(503, words.ANOTHER_IMAGE)
        try:
            run_id, content = _made(live, name, read_address(request.query_string.decode()))
        except JobRefused as error:
            return _said(404, str(error))
        except SwarmError as error:
            return _said(503, str(error))
        finally:
            if images:
                drawing.release()
        answer = Response(content, content_type=_TYPES[suffix])
        # Parts of ours alone, no name from a torrent: nothing in it needs to be quoted.
        answer.headers["Content-Disposition"] = f"attachment; filename=swarm-atlas-{run_id}-{name}"
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _made(live: LiveView, name: str, address: AddressState) -> tuple[str, bytes]:
    """The run that the address names, and the file.

    Raises:
        JobRefused: there is no such file, or no run.
        StorageError: the run does not read.
    """
    stem, suffix = Path(name).stem, Path(name).suffix
    figure = suffix in FIGURE_SUFFIXES
    if stem not in (FIGURES if figure else _TAKEN & TABLES.keys()):
        raise JobRefused(words.NOTHING_TO_TAKE)
    desk = live.host.current
    key = live.key(desk, live.shown_run(desk, address.run))
    shown = live.shown(key)
    if shown is None:
        raise JobRefused(words.NO_RUN_TO_TAKE)
    run, narrowing = desk.open_run(key.run_id), Narrowing(address.selection, address.binning)
    with TemporaryDirectory(prefix="swarm-atlas-take-") as folder:
        path = Path(folder) / name
        if figure:
            export_figure(
                desk.workspace,
                run,
                stem,
                path,
                settings=desk.settings(),
                outlines=ASSETS,
                view=shown.view,
                narrowing=narrowing,
            )
        else:
            export_table(desk.workspace, run, stem, path, view=shown.view, narrowing=narrowing)
        try:
            return key.run_id, path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot read {name} again: {error.strerror}") from None


def _said(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, content_type="text/plain; charset=utf-8")
