"""A file that is made for whoever asks, under a name of ours; a sentence where there is none.

It may keep a thread or a Chromium busy for seconds: so one at a time where that is said, and never
for a foreign site's page. It is made in a folder of its own, which goes when it has been read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from flask import Response, request

from dashboard.security import is_own_request
from swarm.errors import JobRefused, StorageError, SwarmError

_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".geojson": "application/geo+json",
    ".html": "text/html; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".zip": "application/zip",
    ".md": "text/markdown; charset=utf-8",
}
_PATIENCE_S = 60.0


def answer_with_file(
    name: str,
    make: Callable[[Path], str],
    *,
    known: bool,
    nothing: str,
    turn: threading.Lock | None,
    busy: str,
) -> Response:
    """The file `name`, which `make` writes to the path it is given; it returns the run's id.

    Args:
        known: whether there is such a file; `nothing` says that there is none.
        turn: held while it is made, waited for 60 s; `busy` says that this was too short.
    """
    if not is_own_request(
        request.host, request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    ):
        return _said(403, "Requests from other sites are refused.")
    if not known:
        return _said(404, nothing)
    with ExitStack() as held:
        if turn is not None:
            if not turn.acquire(timeout=_PATIENCE_S):
                return _said(503, busy)
            held.callback(turn.release)
        try:
            run_id, content = _made(name, make)
        except JobRefused as error:
            return _said(404, str(error))
        except SwarmError as error:
            return _said(503, str(error))
    answer = Response(content, content_type=_TYPES[Path(name).suffix])
    # Parts of ours alone, no name from a torrent: nothing in it needs to be quoted.
    answer.headers["Content-Disposition"] = f"attachment; filename=swarm-atlas-{run_id}-{name}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _made(name: str, make: Callable[[Path], str]) -> tuple[str, bytes]:
    with TemporaryDirectory(prefix="swarm-atlas-take-") as folder:
        path = Path(folder) / name
        run_id = make(path)
        try:
            return run_id, path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot read {name} again: {error.strerror}") from None


def _said(status: int, sentence: str) -> Response:
    return Response(f"{sentence}\n", status, content_type="text/plain; charset=utf-8")
