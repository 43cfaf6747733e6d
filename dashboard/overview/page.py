"""The Overview as a page: its frame, filled with what there is to see when it is come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dash import Dash, Output, html

from dashboard import words
from dashboard.live import LiveView
from dashboard.overview import callbacks, charts, state
from dashboard.overview.layout import overview
from dashboard.page import Page, Visit
from swarm.errors import SwarmError


def _layout(live: LiveView, visit: Visit) -> list[Any]:
    """The whole page in one answer, figures included; what comes later comes by callbacks."""
    content = overview()
    try:
        fill(content, state.first_values(live, visit) | charts.first_values(live, visit))
    except SwarmError:
        return overview()  # what does not read is said by the callbacks, which try again
    return content


def fill(content: Iterable[Any], values: Mapping[Output, Any]) -> None:
    """Give components below `content` their values, each named as a callback names it."""
    by_id: dict[Any, list[tuple[str, Any]]] = {}
    for output, value in values.items():
        by_id.setdefault(output.component_id, []).append((output.component_property, value))
    parts = list(html.Div(list(content))._traverse())  # type: ignore[no-untyped-call]
    for part in parts:  # listed before anything is put in
        for name, value in by_id.get(getattr(part, "id", ""), []):
            setattr(part, name, value)


def _register(app: Dash, live: LiveView) -> None:
    state.register(app, live)
    callbacks.register(app, live)


OVERVIEW = Page("/", words.OVERVIEW, _layout, _register, draws_at_once=True)
