"""Who may come in: everybody where the page is on loopback, else whoever shows the token.

A browser shows it once, at /login, and gets a cookie; a program sends it with each request, as
`Authorization: Bearer ...`. Starting a job by the API takes the token in every case.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from urllib.parse import urlencode

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from dashboard.attempts import Attempts
from dashboard.login import LOGIN_PATH, SCRIPT_PATH, login_page, login_script
from dashboard.problems import problem

COOKIE = "swarm_atlas_session"
SESSION_S = 30 * 24 * 3600
_OPEN_PATHS = frozenset({LOGIN_PATH, SCRIPT_PATH})
_BEARER = "bearer "


class Access:
    """The token, whether everything demands it, and who was refused lately."""

    def __init__(
        self,
        token: str | None,
        *,
        demanded: bool,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Without a token, nothing that takes one can be done."""
        assert token or not demanded
        self._token = token
        self.demanded = demanded
        self.attempts = Attempts(clock)
        self._now = now

    def is_token(self, shown: str) -> bool:
        """Whether this is the token; takes as long for a near miss as for a far one."""
        return self._token is not None and hmac.compare_digest(shown.encode(), self._token.encode())

    def new_session(self) -> str:
        """What the cookie says: until when it holds, and a proof that we said so."""
        expires = str(int(self._now()) + SESSION_S)
        return f"{expires}.{self._proof(expires)}"

    def is_session(self, cookie: str) -> bool:
        """Whether a cookie is ours and has not expired; a new token ends all sessions."""
        expires, _, proof = cookie.partition(".")
        if self._token is None or not (expires.isascii() and expires.isdecimal()):
            return False
        known = hmac.compare_digest(proof.encode(), self._proof(expires).encode())
        return known and int(expires[:12]) > self._now()

    def _proof(self, expires: str) -> str:
        assert self._token is not None
        said = f"swarm-atlas session until {expires}".encode()
        return hmac.new(self._token.encode(), said, hashlib.sha256).hexdigest()


def guard_access(server: Flask, access: Access) -> None:
    """Add the login page, and refuse whoever has not shown the token where it is demanded."""

    @server.before_request
    def refuse_strangers() -> AnyResponse | None:
        if not access.demanded or request.path in _OPEN_PATHS or _has_session(access):
            return None
        if "Authorization" in request.headers:
            return refuse_token(access)
        if request.method == "GET" and _wants_page():
            return redirect(f"{LOGIN_PATH}?{_next_query()}", 303)
        return problem(401, "This page demands its token: see docs/api.md.")

    @server.route(LOGIN_PATH, methods=["GET", "POST"])
    def login() -> AnyResponse | tuple[str, int]:
        if request.method == "GET":
            return login_page(""), 200
        wait_s = access.attempts.wait_s(_address())
        if wait_s > 0:
            return _too_many(wait_s)
        if not access.is_token(request.form.get("token", "").strip()):
            access.attempts.count_failure(_address())
            return login_page("This is not the token."), 403
        answer = redirect(local_path(request.args.get("next")), 303)
        answer.set_cookie(
            COOKIE,
            access.new_session(),
            max_age=SESSION_S,
            path="/",
            secure=request.is_secure,
            httponly=True,
            samesite="Strict",
        )
        return answer

    @server.route(SCRIPT_PATH)
    def script() -> Response:
        return Response(login_script(), mimetype="text/javascript")


def refuse_token(access: Access) -> Response | None:
    """Check the token of the Authorization header; None where it is right, else what to answer."""
    wait_s = access.attempts.wait_s(_address())
    if wait_s > 0:
        answer = problem(429, "Too many wrong tokens from this address; wait, then try again.")
        answer.headers["Retry-After"] = str(int(wait_s) + 1)
        return answer
    header = request.headers.get("Authorization", "")
    if not header:
        answer = problem(401, "This needs the token: Authorization: Bearer TOKEN.")
    elif header[: len(_BEARER)].lower() == _BEARER and access.is_token(header[len(_BEARER) :]):
        return None
    else:
        access.attempts.count_failure(_address())
        answer = problem(401, "This is not the token of this server.")
    answer.headers["WWW-Authenticate"] = 'Bearer realm="Swarm Atlas"'
    return answer


def local_path(wanted: str | None) -> str:
    """Where to go after the login: a path of this server, never another site."""
    text = wanted or "/"
    plain = text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if plain and "\\" not in text and len(text) <= 2000 else "/"


def _has_session(access: Access) -> bool:
    return access.is_session(request.cookies.get(COOKIE, ""))


def _wants_page() -> bool:
    return "text/html" in request.headers.get("Accept", "")


def _next_query() -> str:
    return urlencode({"next": request.full_path.rstrip("?")})


def _address() -> str:
    return request.remote_addr or ""


def _too_many(wait_s: float) -> Response:
    answer = Response(login_page("Too many wrong tokens from this address."), 429)
    answer.headers["Retry-After"] = str(int(wait_s) + 1)
    return answer
