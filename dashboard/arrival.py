"""Arriving at a page: the address bar's path becomes the content of <main>, a title, a status.

What a page shows of a run it reads itself, from the query string; a change of that alone does not
build the page anew. The first page comes whole, with the frame, in one answer:
assets/first.js asks for it by the time that the browser reads the scripts (ADR 0020).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html
from flask import Flask, Response, has_request_context, request

from analysis.palette import Scheme
from dashboard import ids, words
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.page import Look, Page, Visit
from dashboard.pulse import first_state
from dashboard.routing import find_page
from dashboard.shell import Start, frame
from swarm.errors import SwarmError

_DASH_CATCH_ALL = "/<path:path>"
_LAYOUT = "/_dash-layout"
_WIDEST_PX = 20_000
_SCHEMES = frozenset(scheme.value for scheme in Scheme)


def register(app: Dash, live: LiveView, pages: tuple[Page, ...]) -> None:
    """Add the arrival to the app, and the status 404 to paths where nothing is."""

    @app.callback(
        Output(ids.MAIN, "children"),
        Output(ids.TITLE, "data"),
        Input(ids.ADDRESS, "pathname"),
        State(ids.ADDRESS, "search"),
        State(ids.SCHEME, "data"),
        State(ids.WINDOW_WIDTH, "data"),
        prevent_initial_call=True,  # the first page comes with the frame
    )
    def arrive(
        path: str | None, query: str | None, scheme: str | None, width: int | None
    ) -> tuple[list[Any], str]:
        look = read_look({"scheme": scheme or "", "width": str(width or "")})
        return arrive_at(pages, live, path, query, look)

    server: Flask = app.server

    @server.after_request
    def say_not_found(response: Response) -> Response:
        rule = request.url_rule
        if rule is not None and rule.rule == _DASH_CATCH_ALL and response.status_code == 200:
            response.status_code = 200 if find_page(pages, request.path) else 404
        return response


def first_layout(pages: tuple[Page, ...], live: LiveView) -> dmc.MantineProvider:
    """The frame with the page in it that this request names; the frame alone where it names none.

    Then the page is arrived at as any other is: when the browser has told its address.
    """
    asked = request.args if has_request_context() and request.path == _LAYOUT else {}
    path = asked.get("path")
    if path is None:
        return frame(pages)
    query = asked.get("query", "")
    content, title = arrive_at(pages, live, path, query, look := read_look(asked))
    return frame(pages, Start(path, query, title, content, look, first_state(live, query)))


def read_look(said: Mapping[str, str]) -> Look:
    """How a window looks, in its browser's words; what does not read is as in any other."""
    known = Look()
    scheme, width, top = (said.get(key, "") for key in ("scheme", "width", "top"))
    return Look(
        Scheme(scheme) if scheme in _SCHEMES else known.scheme,
        min(int(width), _WIDEST_PX) if _is_number(width) else known.width_px,
        min(max(int(top), 1), known.top) if _is_number(top) else known.top,
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6


def arrive_at(
    pages: tuple[Page, ...],
    live: LiveView,
    path: str | None,
    query: str | None,
    look: Look = Look(),  # noqa: B008 - frozen
) -> tuple[list[Any], str]:
    """The content and the title of the page at `path`; a sentence where there is none."""
    found = find_page(pages, path)
    if found is None:
        return _nothing_here(), document_title(words.NOT_FOUND)
    page, variables = found
    try:
        return page.layout(live, Visit(variables, query or "", look)), document_title(page.title)
    except SwarmError as error:
        return [page_head(page.title, str(error))], document_title(page.title)


def document_title(title: str) -> str:
    """What the tab says: `Swarms - Swarm Atlas`."""
    return f"{title} - {words.TITLE}"


def _nothing_here() -> list[Any]:
    back = html.P(dcc.Link(words.TO_OVERVIEW, href="/"))
    return [page_head(words.NOT_FOUND, words.NOT_FOUND_LEAD), back]
