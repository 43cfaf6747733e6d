"""What the page shows, to take along: tables and figures as files, narrowed as the page is.

`/take/countries.csv?country=FR` is a table or a figure of `observatory.exporting` for what an
address of the page shows; few people are hidden as there. Reads, and starts no job, but an image
keeps a Chromium busy for seconds: so one at a time.
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from flask import Flask, Response, request

from dashboard import words
from dashboard.address_state import AddressState, read_address
from dashboard.document import ASSETS
from dashboard.file_answers import answer_with_file
from dashboard.live import LiveView
from observatory.export_figures import FIGURES
from observatory.export_tables import TABLES
from observatory.exporting import Narrowing, export_figure, export_table
from observatory.rendering import IMAGE_SUFFIXES
from swarm.errors import JobRefused

FIGURE_SUFFIXES = (*IMAGE_SUFFIXES, ".html")
_TABLE_SUFFIXES = (".csv", ".parquet", ".geojson")
_TAKEN = frozenset({"countries", "histogram", "histogram-log2", "cells", "places", "country-level"})


def register(server: Flask, live: LiveView) -> None:
    """Add the route of the files."""
    drawing = threading.Lock()

    @server.get("/take/<name>")
    def take(name: str) -> Response:
        return answer_with_file(
            name,
            partial(_make, live, read_address(request.query_string.decode())),
            known=_is_known(Path(name)),
            nothing=words.NOTHING_TO_TAKE,
            turn=drawing if Path(name).suffix in IMAGE_SUFFIXES else None,
            busy=words.ANOTHER_IMAGE,
        )


def _is_known(file: Path) -> bool:
    if file.suffix in FIGURE_SUFFIXES:
        return file.stem in FIGURES
    return file.suffix in _TABLE_SUFFIXES and file.stem in _TAKEN & TABLES.keys()


def _make(live: LiveView, address: AddressState, path: Path) -> str:
    """Write the file; the run that the address names.

    Raises:
        JobRefused: there is no such file, or no run.
        StorageError: the run does not read.
    """
    desk = live.host.current
    key = live.key(desk, live.shown_run(desk, address.run))
    shown = live.shown(key)
    if shown is None:
        raise JobRefused(words.NO_RUN_TO_TAKE)
    run, narrowing = desk.open_run(key.run_id), Narrowing(address.selection, address.binning)
    if path.suffix in FIGURE_SUFFIXES:
        export_figure(
            desk.workspace,
            run,
            path.stem,
            path,
            settings=desk.settings(),
            outlines=ASSETS,
            view=shown.view,
            narrowing=narrowing,
        )
    else:
        export_table(desk.workspace, run, path.stem, path, view=shown.view, narrowing=narrowing)
    return key.run_id
