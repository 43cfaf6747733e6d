"""Tables of text, for archive and comparison: every cell is text, whatever stands in it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from dash import html

from dashboard.markup import aria


def text_table(titles: Sequence[str], rows: Iterable[Sequence[Any]], label: str) -> html.Div:
    """A table with a heading row; cells are strings or elements; wide ones scroll by themselves."""
    head = html.Thead(html.Tr([html.Th(title, scope="col") for title in titles]))
    body = html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in rows])
    table = html.Table([head, body], className="text-table")
    return html.Div(table, className="table-scroll", tabIndex=0, role="region", **aria(label=label))


def facts(pairs: Iterable[tuple[str, Any]]) -> html.Dl:
    """Names and what they are, as a list of definitions."""
    return html.Dl([part for name, value in pairs for part in (html.Dt(name), html.Dd(value))])
