"""Who may come in: the token, the session it gives, and how often a wrong one may be shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.access import COOKIE, SESSION_S, Access, guard_access, local_path, refuse_token
from dashboard.attempts import MOST_FAILURES, MOST_FAILURES_OF_ALL, WINDOW_S, Attempts, origin
from dashboard.compression import compress_answers
from dashboard.security import guard
from storage.access_token import load_or_make_token
from swarm.errors import StorageError

TOKEN = "t" * 43


class Clock:
    """Seconds, as the test sets them."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock()


def server(access: Access) -> Flask:
    app = Flask(__name__)
    guard(app, [])
    guard_access(app, access)
    compress_answers(app)
    app.add_url_rule("/", "page", view_func=lambda: "the page")
    app.add_url_rule("/api/v1/fault", "fault", view_func=lambda: 1 / 0)
    app.add_url_rule("/long", "long", view_func=lambda: "long " * 1000)

    @app.post("/api/v1/jobs")
    def start() -> object:
        return refuse_token(access) or "started"

    return app


@pytest.fixture
def stranger(clock: Clock) -> FlaskClient:
    return server(Access(TOKEN, demanded=True, now=clock, clock=clock)).test_client()


PAGE = {"Accept": "text/html"}


def test_a_stranger_is_sent_to_the_login_and_back(stranger: FlaskClient) -> None:
    """A page redirects, a program gets 401; the token opens both, and nothing else does."""
    away = stranger.get("/?country=FR", headers=PAGE)
    assert (away.status_code, away.headers["Location"]) == (303, "/login?next=%2F%3Fcountry%3DFR")
    assert stranger.get("/api/v1/runs").status_code == 401
    assert "Log in" in stranger.get("/login").get_data(as_text=True)
    wrong = stranger.post("/login", data={"token": "x" * 43})
    assert (wrong.status_code, "not the token" in wrong.get_data(as_text=True)) == (403, True)
    right = stranger.post("/login?next=%2F%3Fcountry%3DFR", data={"token": TOKEN})
    assert (right.status_code, right.headers["Location"]) == (303, "/?country=FR")
    assert stranger.get("/", headers=PAGE).get_data(as_text=True) == "the page"


def test_the_cookie_is_for_the_browser_alone(stranger: FlaskClient) -> None:
    """HttpOnly, SameSite=Strict, an end; it does not hold the token, and no body does either."""
    answer = stranger.post("/login", data={"token": TOKEN})
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "SameSite=Strict", "Path=/", f"Max-Age={SESSION_S}"):
        assert part in cookie
    assert TOKEN not in cookie + answer.get_data(as_text=True)


def test_sessions_end(clock: Clock) -> None:
    """By time, by a new token, and by being changed."""
    access = Access(TOKEN, demanded=True, now=clock, clock=clock)
    session = access.new_session()
    assert access.is_session(session)
    later = str(int(session.partition(".")[0]) + 1) + "." + session.partition(".")[2]
    for forged in (later, session[:-1], "", ".", "9" * 40 + ".", "٣.x", TOKEN):
        assert not access.is_session(forged)
    assert not Access("u" * 43, demanded=True, now=clock, clock=clock).is_session(session)
    clock.at += SESSION_S
    assert not access.is_session(session)


def test_a_program_shows_the_token_with_each_request(stranger: FlaskClient) -> None:
    """As a bearer; a wrong one is refused on reads too, and told how to do it."""
    good, bad = {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "Bearer no"}
    assert stranger.get("/", headers=good).status_code == 200
    refused = stranger.get("/", headers=bad)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Bearer")
    assert stranger.get("/", headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401


def test_a_job_takes_the_token_even_on_loopback(clock: Clock) -> None:
    """Looking is free there; starting by the API is not, nor by the cookie alone."""
    client = server(Access(TOKEN, demanded=False, now=clock, clock=clock)).test_client()
    assert client.get("/").status_code == 200
    assert client.post("/api/v1/jobs").status_code == 401
    client.post("/login", data={"token": TOKEN})
    assert client.post("/api/v1/jobs").status_code == 401
    good = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/api/v1/jobs", headers=good).get_data(as_text=True) == "started"
    nobody = server(Access(None, demanded=False)).test_client()
    assert nobody.post("/api/v1/jobs", headers={"Authorization": "Bearer "}).status_code == 401


def test_guessing_is_slowed_down(stranger: FlaskClient, clock: Clock) -> None:
    """After some wrong tokens even the right one waits; then it is taken again."""
    for _ in range(MOST_FAILURES):
        assert stranger.post("/login", data={"token": "wrong"}).status_code == 403
    held = stranger.post("/login", data={"token": TOKEN})
    assert held.status_code == 429
    assert 0 < int(held.headers["Retry-After"]) <= WINDOW_S + 1
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert stranger.get("/", headers=bearer).status_code == 429
    other = {"REMOTE_ADDR": "192.0.2.9"}
    assert stranger.get("/", headers=bearer, environ_base=other).status_code == 200
    clock.at += WINDOW_S
    assert stranger.post("/login", data={"token": TOKEN}).status_code == 303


def test_many_addresses_together_are_slowed_down_too(clock: Clock) -> None:
    """A botnet has no more tries than a hundred, and one household's IPv6 counts as one."""
    attempts = Attempts(clock)
    for n in range(MOST_FAILURES_OF_ALL):
        assert attempts.wait_s(f"198.51.{n}.1") == 0
        attempts.count_failure(f"198.51.{n}.1")
    assert attempts.wait_s("203.0.113.1") == WINDOW_S
    assert origin("2001:db8::1") == origin("2001:db8::ffff") != origin("2001:db8:0:1::1")
    assert origin("::ffff:192.0.2.1") == "192.0.2.1"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "evil",
        "",
        None,
        "/\n/x",
    ],
)
def test_the_login_leads_nowhere_else(wanted: str | None) -> None:
    """Where to go afterwards is a path of this server, or the Overview."""
    assert local_path(wanted) == "/"
    assert local_path("/runs?run=1") == "/runs?run=1"


def test_the_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 600, the same at the next start; refused where others may read it or it is none."""
    path = tmp_path / "runs" / "access.token"
    token, made = load_or_make_token(path)
    assert (made, path.stat().st_mode & 0o777) == (True, 0o600)
    assert load_or_make_token(path) == (token, False)
    path.chmod(0o640)
    with pytest.raises(StorageError, match="may be read by others"):
        load_or_make_token(path)
    path.chmod(0o600)
    path.write_text("short")
    with pytest.raises(StorageError, match="holds no token"):
        load_or_make_token(path)


def test_a_fault_shows_no_stack_trace(caplog: pytest.LogCaptureFixture) -> None:
    """The answer is a problem in one sentence; the log has the rest."""
    answer = server(Access(None, demanded=False)).test_client().get("/api/v1/fault")
    assert answer.content_type == "application/problem+json"
    assert json.loads(answer.data) == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "A fault in Swarm Atlas; its terminal says what.",
    }
    assert "ZeroDivisionError" in caplog.text


def test_bodies_that_are_too_large_are_refused() -> None:
    """Unread, with a sentence."""
    client = server(Access(TOKEN, demanded=False)).test_client()
    answer = client.post("/login", data=b"x" * 64_001)
    assert (answer.status_code, b"64,000 bytes" in answer.data) == (413, True)


def test_answers_are_compressed_where_the_browser_takes_it() -> None:
    """Long text as gzip for who accepts it; short or without that header as it is."""
    client = server(Access(None, demanded=False)).test_client()
    squeezed = client.get("/long", headers={"Accept-Encoding": "br, gzip"})
    assert squeezed.headers["Content-Encoding"] == "gzip"
    assert len(squeezed.data) < 200
    plain = client.get("/long")
    assert ("Content-Encoding" in plain.headers, plain.headers["Vary"]) == (
        False,
        "Accept-Encoding",
    )
    short = client.get("/", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in short.headers
