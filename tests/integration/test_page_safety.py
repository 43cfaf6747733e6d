"""The page's own server against strangers: foreign names and origins, guessers, large bodies."""

from __future__ import annotations

import csv
import io
import re
import socket
import zipfile
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from dashboard.access import COOKIE
from dashboard.attempts import MOST_FAILURES
from tests.integration.page_world import HOSTILE_NAME, RUN, PageWorld, page_world


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    """As `python main.py` serves it: on 127.0.0.1, open to this machine."""
    with page_world(tmp_path_factory.mktemp("home")) as world:
        yield world


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageWorld]:
    """As `--host 0.0.0.0` serves it: everything asks for the token."""
    root = tmp_path_factory.mktemp("abroad")
    with page_world(root, demanded=True, address="0.0.0.0") as world:
        yield world


def client(world: PageWorld) -> httpx.Client:
    return httpx.Client(base_url=world.url, trust_env=False, timeout=60)


def test_a_foreign_name_is_refused_everywhere(home: PageWorld, abroad: PageWorld) -> None:
    """DNS rebinding: the page, its data and the API answer 400 to a Host that is not ours."""
    for world in (home, abroad):
        with client(world) as asking:
            for path in ("/", "/_dash-layout", "/api/v1/runs", "/login", "/nope"):
                answer = asking.get(path, headers={"Host": "evil.example"})
                assert answer.status_code == 400, path
                assert RUN not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_write_is_refused(home: PageWorld, headers: dict[str, str]) -> None:
    """No other site's page can order a job through the reader's browser, even with the token."""
    bearer = {"Authorization": f"Bearer {home.token}"}
    with client(home) as asking:
        for path in ("/_dash-update-component", "/api/v1/jobs", "/login"):
            assert asking.post(path, json={}, headers=headers | bearer).status_code == 403
    assert home.desk.active_job() is None


def test_abroad_nothing_is_shown_without_the_token(abroad: PageWorld) -> None:
    """Neither page nor data nor files of it; with the cookie of a login, all of it."""
    paths = (
        "/",
        "/runs",
        "/_dash-layout",
        "/_dash-dependencies",
        "/api/v1/runs",
        "/assets/page.js",
    )
    with client(abroad) as asking:
        for path in paths:
            answer = asking.get(path)
            assert (answer.status_code, RUN in answer.text) == (401, False), path
        seen = asking.get("/runs?run=1", headers={"Accept": "text/html"})
        assert (seen.status_code, seen.headers["Location"]) == (
            303,
            "/login?next=%2Fruns%3Frun%3D1",
        )
        asking.post("/login", data={"token": abroad.token})
        assert COOKIE in asking.cookies
        assert [asking.get(path).status_code for path in paths] == [200] * len(paths)


def test_guessers_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After a few wrong tokens the login is closed to that address, for the right one too."""
    root = tmp_path_factory.mktemp("guessed")
    with page_world(root, demanded=True) as world, client(world) as asking:
        for _ in range(MOST_FAILURES):
            assert asking.post("/login", data={"token": "guess"}).status_code == 403
        held = asking.post("/login", data={"token": world.token})
        assert (held.status_code, COOKIE in asking.cookies) == (429, False)
        assert int(held.headers["Retry-After"]) > 0


def test_headers_keep_the_browser_at_home(home: PageWorld) -> None:
    """On pages, data, files and errors alike: no eval, no inline script, no other host."""
    with client(home) as asking:
        for path in ("/", "/_dash-layout", "/assets/page.js", "/api/v1/health", "/api/nope"):
            headers = asking.get(path).headers
            policy = headers["Content-Security-Policy"]
            scripts = re.search(r"script-src ([^;]*)", policy)
            assert scripts is not None
            assert "unsafe" not in scripts[1]
            assert re.fullmatch(r"'self'( 'sha256-[A-Za-z0-9+/=]+')*", scripts[1])
            assert "http" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "same-origin"
            assert "Server" not in headers


def test_nonsense_shows_no_stack_trace(home: PageWorld) -> None:
    """Bodies that Dash does not understand are answered in one sentence."""
    with client(home) as asking:
        for body in (b"", b"{", b"[]", b'{"output": "x"}', b"\xff" * 100):
            answer = asking.post(
                "/_dash-update-component",
                content=body,
                headers={"Content-Type": "application/json"},
            )
            assert answer.status_code >= 400
            assert "Traceback" not in answer.text
            assert "File " not in answer.text
            assert len(answer.text) < 300


def test_a_body_that_is_too_large_is_refused_unread(home: PageWorld) -> None:
    """The announced length is enough to refuse it."""
    address = urlsplit(home.url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = f"POST /_dash-update-component HTTP/1.1\r\nHost: {address.netloc}\r\n"
        connection.sendall(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert b" 413 " in connection.recv(100)
    with client(home) as asking:
        assert asking.post("/api/v1/jobs", content=b"x" * 70_000).status_code == 413


def test_pages_say_whether_they_are_there(home: PageWorld) -> None:
    """Status and title come with the HTML, before any script runs."""
    with client(home) as asking:
        for path, status, title in (
            ("/", 200, "Overview"),
            ("/swarms", 200, "Swarms"),
            (f"/swarms/{'0' * 40}", 200, "A swarm"),
            ("/runs/compare", 200, "Two runs compared"),
            ("/nope", 404, "Nothing here"),
        ):
            answer = asking.get(path)
            assert answer.status_code == status, path
            assert f"<title>{title} - Swarm Atlas</title>" in answer.text


def test_files_of_the_page_are_compressed(home: PageWorld) -> None:
    """The browser is sent a fraction of a script's length."""
    with client(home) as asking:
        plain = asking.get("/assets/style.css", headers={"Accept-Encoding": "identity"})
        squeezed = asking.get("/assets/style.css", headers={"Accept-Encoding": "gzip"})
        assert squeezed.headers["Content-Encoding"] == "gzip"
        assert squeezed.text == plain.text
        assert int(squeezed.headers["Content-Length"]) < len(plain.content) / 2
        again = asking.get(
            "/assets/style.css",
            headers={"Accept-Encoding": "gzip", "If-None-Match": squeezed.headers["ETag"]},
        )
        assert again.status_code == 304


def test_a_run_is_taken_along(home: PageWorld) -> None:
    """One table, or all of them in a zip with methods.md; the name stays text; never cross-site."""
    with client(home) as asking:
        answer = asking.get(f"/runs/{RUN}/take/swarms.csv")
        assert answer.status_code == 200
        disposition = f"attachment; filename=swarm-atlas-{RUN}-swarms.csv"
        assert answer.headers["Content-Disposition"] == disposition
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert HOSTILE_NAME in [row["name"] for row in rows]
        whole = asking.get(f"/runs/{RUN}/take/everything.zip")
        with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
            assert {"swarms.csv", "countries.csv", "methods.md"} <= set(archive.namelist())
            assert archive.read("swarms.csv").decode() == answer.text
        for name in ("nope.csv", "churn.csv", "..%2f..%2faccess.token", "swarms.exe"):
            assert asking.get(f"/runs/{RUN}/take/{name}").status_code == 404, name
        assert asking.get("/runs/20200101-000000-abcd/take/swarms.csv").status_code == 404
        foreign = asking.get(
            f"/runs/{RUN}/take/swarms.csv", headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert foreign.status_code == 403
