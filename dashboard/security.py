"""Who may talk to the page: no foreign site through the reader's browser, no foreign name.

The page can delete data, on loopback it has no password (elsewhere: `dashboard/access.py`), and any
site that the reader visits can send requests to 127.0.0.1. So: the Host header must name this
server (else a foreign name that resolves to 127.0.0.1 passes the browser's same-origin rule: DNS
rebinding), what is not a plain read must come from the page itself, and no foreign site may frame
it. Werkzeug's TRUSTED_HOSTS cannot name an IPv6 address, therefore the check is here.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Collection, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from dashboard.problems import PROBLEM_TYPE, problem

_log = logging.getLogger(__name__)

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
ADDRESS_KEY = "SWARM_ATLAS_ADDRESS"
NAMES_KEY = "SWARM_ATLAS_NAMES"
MOST_REQUEST_BYTES = 96_000_000  # of a callback, which may bring files; see dashboard/intake.py
_MOST_OTHER_BYTES = 64_000
_CALLBACKS = "/_dash-update-component"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: under that, browsers send `Origin: null` with forms of our own.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def guard(server: Flask, script_hashes: Sequence[str]) -> None:
    """Refuse foreign hosts (400), foreign writes (403) and bodies too large (413).

    Every answer has headers that keep the browser at home; no error shows more than a sentence.
    The address that is served, once known, goes into `server.config[ADDRESS_KEY]`, further names
    of this server into `server.config[NAMES_KEY]`.
    """
    policy = content_policy(script_hashes)

    @server.before_request
    def refuse_foreigners() -> None:
        served = server.config.get(ADDRESS_KEY, "127.0.0.1")
        if not is_trusted_host(request.host, served, server.config.get(NAMES_KEY, ())):
            abort(400, "This name does not belong to this server. See trusted_hosts in config.txt.")
        if request.method not in _READS and not is_own_request(
            request.host, request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
        ):
            abort(403, "Requests from other sites are refused.")
        most = MOST_REQUEST_BYTES if request.path == _CALLBACKS else _MOST_OTHER_BYTES
        request.max_content_length = most
        if (request.content_length or 0) > most:
            abort(413, f"No more than {most:,} bytes are taken here.")

    @server.after_request
    def add_headers(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response

    @server.errorhandler(HTTPException)
    def say_http_error(error: HTTPException) -> AnyResponse:
        answer = error.get_response()
        return _sentence(answer, error.code or 500, error.description or "")

    @server.errorhandler(Exception)
    def say_fault(error: Exception) -> AnyResponse:
        _log.error("request failed path=%s", request.path, exc_info=error)
        return _sentence(Response(), 500, "A fault in Swarm Atlas; its terminal says what.")


def _sentence(answer: AnyResponse, status: int, sentence: str) -> AnyResponse:
    """Say it without a stack trace: as JSON below /api, else as plain text. Headers stay."""
    answer.status_code = status
    if request.path.startswith("/api/"):
        answer.set_data(problem(status, sentence).get_data())
        answer.content_type = PROBLEM_TYPE
    else:
        answer.set_data(f"{sentence}\n")
        answer.content_type = "text/plain; charset=utf-8"
    return answer


def is_trusted_host(host: str, served: str, names: Collection[str] = ()) -> bool:
    """Whether a Host header may name a server that listens on the address `served`.

    Loopback names and those of `names` always may. A server on all interfaces (0.0.0.0, ::) is also
    reached by whatever address the machine has, and by its own name: an address cannot be rebound,
    a name of its own is not a stranger's to give.
    """
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name in _LOOPBACK_NAMES or name == served or name in names:
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
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
