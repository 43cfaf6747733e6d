"""Small pieces that every page is built from: icons, cards, messages, attributes for readers."""

from __future__ import annotations

from datetime import date
from typing import Any

from dash import html

from analysis.attribution import source_lines
from swarm.place import Databases


def icon(name: str) -> html.Span:
    """An icon of assets/icons, in the colour of the text around it; the stylesheet names them."""
    return html.Span(className=f"icon icon-{name}", **aria(hidden="true"))


def aria(**said: str) -> dict[str, Any]:
    """Attributes for assistive technology: `aria(label="Close")` is aria-label="Close"."""
    return {f"aria-{name}": value for name, value in said.items()}


def page_head(title: str, lead: str = "") -> html.Div:
    """The heading of a page; its first line, which takes the focus when the page is come to."""
    said = [html.P(lead, className="lead")] if lead else []
    return html.Div([html.H1(title), *said], className="page-head")


def dismissible(
    box: str, text_id: str, dismiss: str, *, text: Any = None, kind: str = "message hidden"
) -> html.Div:
    """A message that callbacks fill, with a button to put it away; hidden until then."""
    close = html.Button(
        icon("close"), id=dismiss, className="plain", **aria(label="Dismiss this message")
    )
    return html.Div([html.Div(text, id=text_id), close], id=box, className=kind, role="status")


def said_by(databases: Databases | None, today: date) -> list[Any]:
    """Who placed the peers: each database's sentence, and the link that its licence demands."""
    said: list[Any] = []
    for line in source_lines(databases, today):
        said.append(html.Span(line.sentence, className="odd" if line.is_old else ""))
        url = line.attribution_url or ""
        if line.attribution and url.startswith("https://"):
            said.append(html.A(line.attribution, href=url, rel="noreferrer"))
        elif line.attribution:
            said.append(html.Span(line.attribution))
    return said
