"""A job's report, whatever is in it, as plain elements: names and numbers, lists, small tables.

Texts come from sites and torrents; they are children of elements and nothing else. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard import words

MOST_ROWS = 50
MOST_CHARACTERS = 500
_MOST_DEPTH = 4


def told(value: object, depth: int = 0) -> Any:
    """The element that says it; what is too long or too deep is cut, and said to be."""
    if depth < _MOST_DEPTH and isinstance(value, Mapping) and value:
        return html.Dl([part for name, one in value.items() for part in _pair(name, one, depth)])
    if depth < _MOST_DEPTH and isinstance(value, Sequence) and not isinstance(value, str) and value:
        rows = list(value[:MOST_ROWS])
        more = [html.P(words.and_more(len(value) - MOST_ROWS))] if len(value) > MOST_ROWS else []
        if all(isinstance(row, Mapping) for row in rows):
            return html.Div([_table(rows, depth), *more], className="table-scroll")
        return html.Div([html.Ul([html.Li(told(row, depth + 1)) for row in rows]), *more])
    return html.Span(_text(value))


def _pair(name: object, value: object, depth: int) -> tuple[Any, Any]:
    return html.Dt(str(name).replace("_", " ")), html.Dd(told(value, depth + 1))


def _table(rows: Sequence[Any], depth: int) -> html.Table:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = [html.Th(str(name).replace("_", " "), scope="col") for name in names]
    body = [html.Tr([html.Td(told(row.get(name), depth + 1)) for name in names]) for row in rows]
    return html.Table([html.Thead(html.Tr(head)), html.Tbody(body)])


def _text(value: object) -> str:
    if value is None or value in ([], {}, ()):
        return words.NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    text = str(value)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
