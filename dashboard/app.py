"""Build the Dash app over the worlds of a Host, and serve it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dash import Dash
from flask import request
from waitress.server import create_server

from dashboard import arrival, intake, pulse, security, words
from dashboard.access import Access, guard_access
from dashboard.api import routes
from dashboard.compression import compress_answers
from dashboard.live import LiveView
from dashboard.orders import say
from dashboard.pages import PAGES
from dashboard.routing import find_page
from dashboard.shell import frame
from observatory.host import Host
from swarm.errors import SwarmError

_log = logging.getLogger(__name__)
_THREADS = 8
_BUFFERED_BYTES = 16_000_000  # plotly.js has 5 MB: no detour through a temporary file
_ASSETS = Path(__file__).with_name("assets")
_FRAME = """<!doctype html>
<html lang="en">
  <head>
    {%metas%}
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="/assets/icons/atlas.svg">
    {%css%}
  </head>
  <body>
    {%app_entry%}
    <noscript>This page needs JavaScript, from this computer alone.</noscript>
    <footer>{%config%}{%scripts%}{%renderer%}</footer>
  </body>
</html>
"""


def build_app(host: Host, access: Access | None = None) -> Dash:
    """The page over the worlds of `host`; all state is there, so any number of tabs may be open.

    Without `access`, everybody on this machine may look, and no program may start a job.
    """
    access = access or Access(None, demanded=False)
    app = Dash(
        __name__,
        title=words.TITLE,
        update_title="",  # the tab's title would flicker at every beat
        index_string=_FRAME,
        assets_folder=str(_ASSETS),
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        serve_locally=True,
        suppress_callback_exceptions=True,  # the parts of a page are there only while it is shown
        on_error=_say_error,
    )
    app.interpolate_index = _titled(app.interpolate_index)  # type: ignore[method-assign]
    live = LiveView(host)
    app.layout = frame(PAGES)
    arrival.register(app, live, PAGES)
    pulse.register(app, live, PAGES)
    for page in PAGES:
        page.register(app, live)
    intake.register(app, host)
    routes.register(app.server, live, access)
    security.guard(app.server, app.csp_hashes())
    guard_access(app.server, access)
    compress_answers(app.server)
    return app


def _titled(interpolate: Callable[..., str]) -> Callable[..., str]:
    """Have the title of the page that was asked for in the HTML already."""

    def with_title(**parts: str) -> str:
        found = find_page(PAGES, request.path)
        name = words.NOT_FOUND if found is None else found[0].title
        return interpolate(**parts | {"title": arrival.document_title(name)})

    return with_title


def serve(app: Dash, listener: socket.socket) -> None:
    """Answer on a bound and listening socket until the process is interrupted."""
    server = make_server(app, listener)
    try:
        server.run()
    finally:
        server.close()


def make_server(app: Dash, listener: socket.socket) -> Any:
    """A waitress server on a bound and listening socket; the caller runs and closes it."""
    app.server.config[security.ADDRESS_KEY] = listener.getsockname()[0]
    return create_server(
        app.server,
        sockets=[listener],
        threads=_THREADS,
        ident=None,
        outbuf_overflow=_BUFFERED_BYTES,
        max_request_body_size=security.MOST_REQUEST_BYTES,
    )


def _say_error(error: Exception) -> None:
    """The edge of every callback: a reason of ours is shown, a fault is logged and admitted."""
    sentence = str(error)
    if not isinstance(error, SwarmError):
        _log.error("callback failed", exc_info=error)
        sentence = words.UNEXPECTED
    say(sentence)
