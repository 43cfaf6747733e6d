"""Arriving at a page: the address bar's path becomes the content of <main>, a title, a status.

What a page shows of a run it reads itself, from the query string; a change of that alone does not
build the page anew.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, dcc, html
from flask import Flask, Response, request

from dashboard import ids, words
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.page import Page, Visit
from dashboard.routing import find_page
from swarm.errors import SwarmError

_DASH_CATCH_ALL = "/<path:path>"


def register(app: Dash, live: LiveView, pages: tuple[Page, ...]) -> None:
    """Add the arrival to the app, and the status 404 to paths where nothing is."""

    @app.callback(
        Output(ids.MAIN, "children"),
        Output(ids.TITLE, "data"),
        Input(ids.ADDRESS, "pathname"),
        State(ids.ADDRESS, "search"),
    )
    def arrive(path: str | None, query: str | None) -> tuple[list[Any], str]:
        return arrive_at(pages, live, path, query)

    server: Flask = app.server

    @server.after_request
    def say_not_found(response: Response) -> Response:
        rule = request.url_rule
        if rule is not None and rule.rule == _DASH_CATCH_ALL and response.status_code == 200:
            response.status_code = 200 if find_page(pages, request.path) else 404
        return response


def arrive_at(
    pages: tuple[Page, ...], live: LiveView, path: str | None, query: str | None
) -> tuple[list[Any], str]:
    """The content and the title of the page at `path`; a sentence where there is none."""
    found = find_page(pages, path)
    if found is None:
        return _nothing_here(), document_title(words.NOT_FOUND)
    page, variables = found
    try:
        return page.layout(live, Visit(variables, query or "")), document_title(page.title)
    except SwarmError as error:
        return [page_head(page.title, str(error))], document_title(page.title)


def document_title(title: str) -> str:
    """What the tab says: `Swarms - Swarm Atlas`."""
    return f"{title} - {words.TITLE}"


def _nothing_here() -> list[Any]:
    back = html.P(dcc.Link(words.TO_OVERVIEW, href="/"))
    return [page_head(words.NOT_FOUND, words.NOT_FOUND_LEAD), back]
