"""Build the Dash app over the worlds of a Host, and serve it."""

from __future__ import annotations

import logging
import socket
from functools import partial
from typing import Any

from dash import Dash
from waitress.server import create_server

from dashboard import arrival, document, intake, pulse, security, take_away, words
from dashboard.access import Access, guard_access
from dashboard.api import routes
from dashboard.compression import compress_answers
from dashboard.live import LiveView
from dashboard.orders import say
from dashboard.pages import PAGES
from dashboard.shared_answers import share_answers
from observatory.host import Host
from swarm.errors import SwarmError

_log = logging.getLogger(__name__)
_THREADS = 8
_BUFFERED_BYTES = 16_000_000  # plotly.js has 5 MB: no detour through a temporary file


def build_app(host: Host, access: Access | None = None) -> Dash:
    """The page over the worlds of `host`; all state is there, so any number of tabs may be open.

    Without `access`, everybody on this machine may look, and no program may start a job.
    """
    access = access or Access(None, demanded=False)
    app = Dash(
        __name__,
        title=words.TITLE,
        update_title="",  # the tab's title would flicker at every beat
        index_string=document.frame(),
        assets_folder=str(document.ASSETS),
        assets_ignore=document.IN_HEAD,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
        serve_locally=True,
        suppress_callback_exceptions=True,  # the parts of a page are there only while it is shown
        on_error=_say_error,
    )
    app.interpolate_index = document.written_for(PAGES, app.interpolate_index)  # type: ignore[method-assign]
    live = LiveView(host)
    app.layout = partial(arrival.first_layout, PAGES, live)
    arrival.register(app, live, PAGES)
    pulse.register(app, live, PAGES)
    for page in PAGES:
        page.register(app, live)
    intake.register(app, host)
    routes.register(app.server, live, access)
    take_away.register(app.server, live)
    security.guard(app.server, app.csp_hashes())
    guard_access(app.server, access)
    document.keep_assets(app.server)
    share_answers(app.server, live)
    compress_answers(app.server)
    return app


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
