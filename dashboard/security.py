"""Who may talk to the page: no foreign site through the reader's browser, no foreign name.

The page can delete data, has no password, and any site that the reader visits can send requests to
127.0.0.1. So: the Host header must name this server (else a foreign name that resolves to 127.0.0.1
passes the browser's same-origin rule: DNS rebinding), what is not a plain read must come from the
page itself, and no foreign site may frame it. Werkzeug's TRUSTED_HOSTS cannot name an IPv6 address,
therefore the check is here.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
ADDRESS_KEY = "SWARM_ATLAS_ADDRESS"


def guard(server: Flask, script_hashes: Sequence[str]) -> None:
    """Refuse foreign hosts (400) and foreign writes (403); send headers that keep all local.

    The address that is served, once known, goes into `server.config[ADDRESS_KEY]`.
    """
    policy = content_policy(script_hashes)

    @server.before_request
    def refuse_foreigners() -> None:
        if not is_trusted_host(request.host, server.config.get(ADDRESS_KEY, "127.0.0.1")):
            abort(400, "This name does not belong to this server.")
        if request.method not in _READS and not is_own_request(
            request.host, request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        ):
            abort(403, "Requests from other sites are refused.")

    @server.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


def is_trusted_host(host: str, served: str) -> bool:
    """Whether a Host header may name a server that listens on the address `served`.

    Loopback names always may. A server on all interfaces (0.0.0.0, ::) is also reached by whatever
    address the machine has, and by its own name: an address cannot be rebound, a name of its own
    is not a stranger's to give.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in _LOOPBACK_NAMES or name == served:
        return True
    if served not in ("0.0.0.0", "::"):  # noqa: S104 (compared, not bound)
        return False
    return _is_address(name) or name == socket.gethostname().lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_own_request(host: str, origin: str | None, fetch_site: str | None) -> bool:
    """Whether a write comes from the page itself, or from no browser at all."""
    if fetch_site not in (None, "same-origin", "none"):
        return False
    return origin is None or urlsplit(origin).netloc == host


def content_policy(script_hashes: Sequence[str]) -> str:
    """A Content-Security-Policy under which the page cannot reach any other server."""
    scripts = " ".join(script_hashes)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {scripts}",
            "style-src 'self' 'unsafe-inline'",  # plotly and mantine write style elements
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "worker-src blob:",  # MapLibre's worker
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
