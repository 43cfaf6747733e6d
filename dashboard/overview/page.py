"""The Overview's place in the table of pages."""

from __future__ import annotations

from typing import Any

from dash import Dash

from dashboard import words
from dashboard.live import LiveView
from dashboard.overview import callbacks, state
from dashboard.overview.layout import overview
from dashboard.page import Page, Visit


def _layout(_live: LiveView, _visit: Visit) -> list[Any]:
    return overview()


def _register(app: Dash, live: LiveView) -> None:
    state.register(app, live)
    callbacks.register(app, live)


OVERVIEW = Page("/", words.OVERVIEW, _layout, _register)
