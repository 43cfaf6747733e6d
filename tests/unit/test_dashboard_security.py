"""Who may talk to the page."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dashboard.security import ADDRESS_KEY, guard, is_own_request, is_trusted_host


@pytest.fixture
def client() -> FlaskClient:
    server = Flask(__name__)
    guard(server, ["'sha256-abc='"])
    server.add_url_rule("/", view_func=lambda: "page", methods=["GET", "POST"])
    return server.test_client()


@pytest.mark.parametrize(
    ("host", "served", "trusted"),
    [
        ("127.0.0.1:8050", "127.0.0.1", True),
        ("localhost:8050", "127.0.0.1", True),
        ("LOCALHOST", "127.0.0.1", True),
        ("[::1]:8050", "::1", True),
        ("192.0.2.7:8050", "192.0.2.7", True),
        ("evil.example:8050", "127.0.0.1", False),
        ("127.0.0.1.evil.example", "127.0.0.1", False),
        ("192.0.2.7", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("[bad", "127.0.0.1", False),
        ("192.0.2.7:8050", "0.0.0.0", True),
        ("[2001:db8::7]:8050", "::", True),
        ("evil.example", "0.0.0.0", False),
    ],
)
def test_a_host_header_must_name_this_server(host: str, served: str, trusted: bool) -> None:
    """Loopback names and the served address; any address, but no stranger's name, on all."""
    assert is_trusted_host(host, served) is trusted


@pytest.mark.parametrize(
    ("origin", "fetch_site", "own"),
    [
        (None, None, True),
        ("http://localhost:8050", "same-origin", True),
        ("http://localhost:8050", None, True),
        ("http://evil.example", None, False),
        ("http://localhost:9999", None, False),
        ("null", None, False),
        (None, "cross-site", False),
        (None, "same-site", False),
    ],
)
def test_a_write_must_come_from_the_page(
    origin: str | None, fetch_site: str | None, own: bool
) -> None:
    """Browsers tell where a request comes from; what is no browser tells nothing."""
    assert is_own_request("localhost:8050", origin, fetch_site) is own


def test_foreign_names_and_foreign_writes_are_refused(client: FlaskClient) -> None:
    """400 for a rebound name, 403 for another site's request, 200 for the page itself."""
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.post("/", headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.post("/", headers={"Origin": "http://localhost"}).status_code == 200
    client.application.config[ADDRESS_KEY] = "192.0.2.7"
    assert client.get("/", headers={"Host": "192.0.2.7"}).status_code == 200


def test_every_answer_keeps_the_browser_at_home(client: FlaskClient) -> None:
    """No other server may be reached from the page, and no other page may frame it."""
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'sha256-abc='" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
