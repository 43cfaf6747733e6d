"""The HTML document around the app: the title of its page, which scripts come when, and caching.

Dash asks for its charts' library (5 MB) when the first chart is there, and loads every component's
script before the first line is shown. Here it is the other way round: a library of the charts that
are drawn (scripts/charts_library, ADR 0020) comes at once, and grids after a page without them.
Of the polyfill (99 kB, for browsers of 2015) the one part that Dash calls by its name is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, request

from dashboard import words
from dashboard.arrival import document_title
from dashboard.page import Page
from dashboard.routing import find_page

ASSETS = Path(__file__).with_name("assets")
# Named in the head; Dash puts all others at the end of the body.
IN_HEAD = r"^(first|regenerator-runtime|charts-library)\.js$"
_SUITES = "/_dash-component-suites"
_GRID = re.compile(rf'<script src="({_SUITES}/dash_ag_grid/[^"]+)"></script>')
# What Dash brings for browsers that could not run the charts' library either, and its own tables.
_UNUSED = re.compile(rf'<script src="{_SUITES}/dash/(?:deps/polyfill@|dash_table/)[^"]+"></script>')
# The part of Dash that draws charts: Dash would ask for it when it meets the first.
_GRAPH = f'<script id="graph-part" src="{_SUITES}/dash/dcc/async-graph.js"></script>'
_YEAR_S = 31_536_000


def frame() -> str:
    """Dash's `index_string`. The library is asynchronous: compiled beside the main thread."""
    return f"""<!doctype html>
<html lang="en">
  <head>
    <script src="{_asset("first.js")}"></script>
    <script src="{_asset("regenerator-runtime.js")}"></script>
    <script async id="charts" src="{_asset("charts-library.js")}"></script>
    {{%metas%}}
    <title>{{%title%}}</title>
    <link rel="icon" type="image/svg+xml" href="/assets/icons/atlas.svg">
    {{%css%}}
  </head>
  <body>
    {{%app_entry%}}
    <noscript>This page needs JavaScript, from this computer alone.</noscript>
    <footer>{{%config%}}{{%scripts%}}{{%renderer%}}</footer>
  </body>
</html>
"""


def _asset(name: str) -> str:
    """Its address, which changes when it does, as Dash names all others."""
    return f"/assets/{name}?m={(ASSETS / name).stat().st_mtime}"


def keep_assets(server: Flask) -> None:
    """Have browsers keep what is named with its time, and not ask again."""

    @server.after_request
    def keep(response: Response) -> Response:
        named = request.path.startswith("/assets/") and "m" in request.args
        if named and response.status_code == 200:
            response.headers["Cache-Control"] = f"private, max-age={_YEAR_S}, immutable"
        return response


def written_for(pages: tuple[Page, ...], interpolate: Callable[..., str]) -> Callable[..., str]:
    """Dash's `interpolate_index`, for the page that is asked for."""

    def interpolate_index(**parts: str) -> str:
        found = find_page(pages, request.path)
        name = words.NOT_FOUND if found is None else found[0].title
        scripts = _UNUSED.sub("", parts["scripts"])
        if found is not None and found[0].draws_at_once:
            scripts = charts_first(scripts)
        parts |= {"title": document_title(name), "scripts": scripts}
        return interpolate(**parts)

    return interpolate_index


def charts_first(scripts: str) -> str:
    """These script elements with what draws charts, and with the grids' for later.

    assets/page.js loads what is for later when all is shown, and lets nobody arrive before.
    """
    return _GRID.sub(r'<link rel="next-script" href="\1">', scripts) + _GRAPH
