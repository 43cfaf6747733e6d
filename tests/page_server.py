"""The page served for a test, as in life: by waitress, on a free port of loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from waitress import wasyncore

from dashboard.access import Access
from dashboard.app import build_app, make_server
from observatory.host import Host


@contextmanager
def served(
    host: object, access: Access | None = None, address: str = "127.0.0.1", port: int = 0
) -> Iterator[str]:
    """Serve the page over `host`; yields the URL by which this machine reaches it."""
    listener = socket.create_server((address, port))
    server = make_server(build_app(cast(Host, host), access), listener)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # Sockets are closed in the loop's own thread, which ends when none is left.
        server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
        thread.join()
        server.task_dispatcher.shutdown()
