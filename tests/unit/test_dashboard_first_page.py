"""The first answer: frame, page and figures at once; which scripts come with it, and stay."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from analysis.palette import SLOTS, Scheme
from dashboard.app import build_app
from dashboard.arrival import read_look
from dashboard.page import Look
from observatory.host import Host
from observatory.job import JobKind
from tests.browser.fake_host import FakeHost


@pytest.fixture
def client() -> FlaskClient:
    """A browser's requests to a world whose fetch is done."""
    host = FakeHost(torrents=24)
    host.home.start(JobKind.FETCH, {})
    host.home.work(24)
    client: FlaskClient = build_app(cast(Host, host)).server.test_client()
    return client


def parts(tree: Any) -> dict[str, dict[str, Any]]:
    """The properties of all components of a layout, by their ids."""
    found: dict[str, dict[str, Any]] = {}
    rest = [tree]
    while rest:
        node = rest.pop()
        if isinstance(node, list):
            rest += node
        elif isinstance(node, dict) and "props" in node:
            found[node["props"].get("id", "")] = node["props"]
            rest.append(node["props"].get("children"))
    return found


def first(client: FlaskClient, query: str) -> dict[str, dict[str, Any]]:
    return parts(json.loads(client.get(f"/_dash-layout{query}").data))


def test_the_first_answer_has_the_figures(client: FlaskClient) -> None:
    """Both charts, the table, the numbers and the theme are there before any callback."""
    page = first(client, "?path=/&query=%3Fcountry%3DFR&scheme=dark&width=1440&top=8")
    names = [trace["name"] for trace in page["histogram"]["figure"]["data"]]
    assert names == ["France"]
    assert page["map"]["figure"]["data"][0]["lat"]
    assert any(row.get("code") == "FR" for row in page["country-rows"]["data"])
    assert page["numbers"]["children"]
    assert page["provider"]["forceColorScheme"] == page["scheme"]["data"] == "dark"
    assert page["address"]["search"] == "?country=FR"
    assert page["seen"]["data"]


def test_a_request_that_names_no_page_gets_the_frame_alone(client: FlaskClient) -> None:
    """Then the page is arrived at when the browser has told its address."""
    page = first(client, "")
    assert "histogram" not in page
    assert "pathname" not in page["address"]


@pytest.mark.parametrize(
    ("said", "look"),
    [
        ({"scheme": "dark", "width": "1440", "top": "5"}, Look(Scheme.DARK, 1440, 5)),
        ({}, Look()),
        ({"scheme": "<b>", "width": "-1", "top": "1e9"}, Look()),
        ({"width": "99999", "top": "999"}, Look(width_px=20_000, top=SLOTS)),
    ],
)
def test_a_window_is_read_from_hostile_input(said: dict[str, str], look: Look) -> None:
    """What does not read is as in any other window; what is too much is cut."""
    assert read_look(said) == look


def test_grids_come_after_a_page_without_them(client: FlaskClient) -> None:
    """The Overview loads the grids' script later; other pages have it at once; charts all do."""
    overview, swarms = client.get("/").text, client.get("/swarms").text
    assert '<link rel="next-script" href="/_dash-component-suites/dash_ag_grid/' in overview
    assert '<script src="/_dash-component-suites/dash_ag_grid/' not in overview
    assert '<script src="/_dash-component-suites/dash_ag_grid/' in swarms
    for page in (overview, swarms):
        assert '<script async id="charts" src="/assets/charts-library.js?m=' in page


def test_what_draws_charts_comes_with_a_page_that_has_them(client: FlaskClient) -> None:
    """Dash's part for charts is a script of the Overview, and is served; others ask for it late."""
    overview, swarms = client.get("/").text, client.get("/swarms").text
    named = re.findall(r'<script id="graph-part" src="([^"]+)">', overview)
    assert len(named) == 1
    assert client.get(named[0]).status_code == 200
    assert "graph-part" not in swarms


@pytest.mark.parametrize("path", ["/", "/swarms"])
def test_no_script_comes_that_nothing_calls(client: FlaskClient, path: str) -> None:
    """No polyfill but the one part that Dash calls, and no tables of Dash's own."""
    page = client.get(path).text
    assert "polyfill" not in page
    assert "dash_table/" not in page
    (runtime,) = re.findall(r'<script src="(/assets/regenerator-runtime.js[^"]+)">', page)
    with client.get(runtime) as answer:
        assert b"regeneratorRuntime" in answer.data
        assert b"MIT licence" in answer.data[:200]


def test_a_file_named_with_its_time_is_kept(client: FlaskClient) -> None:
    """The browser need not ask again for what changes its name when it changes."""
    with client.get("/assets/first.js?m=1") as named, client.get("/assets/first.js") as plain:
        assert "immutable" in named.headers["Cache-Control"]
        assert "immutable" not in plain.headers["Cache-Control"]
