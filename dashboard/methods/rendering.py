"""The Markdown of methods.md as plain elements. Pure.

Only what that file uses: headings, paragraphs, lists, tables, links to https. Everything else is
text, so that a name in it can never become markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from dash import html

_HEADING = re.compile(r"(#{1,4}) (.+)")
_LINK = re.compile(r"\[([^\[\]]{1,200})\]\((https://[^\s()]{1,300})\)")
_RULE = re.compile(r"\|[-:| ]+\|")


def rendered(text: str) -> list[Any]:
    """The elements of a Markdown text; its first heading is left out, the page has its own."""
    blocks = [block for block in re.split(r"\n\s*\n", text.strip()) if block.strip()]
    elements = [element for block in blocks for element in _block(block.splitlines())]
    return elements[1:] if elements and isinstance(elements[0], html.H2) else elements


def _block(lines: Sequence[str]) -> Iterator[Any]:
    """A block can hold several kinds of lines one after the other."""
    for kind, run in groupby(lines, _kind):
        same = list(run)
        if kind == "heading":
            yield from map(_heading, same)
        elif kind == "item":
            yield html.Ul([html.Li(_inline(line.strip()[2:])) for line in same])
        elif kind == "row":
            yield _table(same)
        else:
            yield html.P(_inline(" ".join(line.strip() for line in same)))


def _kind(line: str) -> str:
    if _HEADING.fullmatch(line):
        return "heading"
    if line.strip().startswith("- "):
        return "item"
    return "row" if line.startswith("|") and line.rstrip().endswith("|") else "text"


def _heading(line: str) -> Any:
    found = _HEADING.fullmatch(line)
    assert found is not None
    level = (html.H2, html.H2, html.H3, html.H4)[len(found[1]) - 1]
    return level(found[2])


def _table(lines: Sequence[str]) -> html.Div:
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in lines
        if not _RULE.fullmatch(line.strip())
    ]
    head = html.Thead(html.Tr([html.Th(_inline(cell), scope="col") for cell in rows[0]]))
    body = html.Tbody([html.Tr([html.Td(_inline(cell)) for cell in row]) for row in rows[1:]])
    return html.Div(html.Table([head, body]), className="table-scroll")


def _inline(text: str) -> list[Any]:
    """Text, with links to https where it has some."""
    parts: list[Any] = []
    at = 0
    for found in _LINK.finditer(text):
        parts += [text[at : found.start()], html.A(found[1], href=found[2], rel="noreferrer")]
        at = found.end()
    return [part for part in (*parts, text[at:]) if part != ""]
