"""Small pieces that every page is built from: icons, cards, messages, attributes for readers."""

from __future__ import annotations

from typing import Any

from dash import html


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


def dismissible(box: str, text: str, dismiss: str) -> html.Div:
    """A message that callbacks fill, with a button to put it away; hidden until then."""
    close = html.Button(
        icon("close"), id=dismiss, className="plain", **aria(label="Dismiss this message")
    )
    return html.Div([html.P(id=text), close], id=box, className="message hidden", role="status")
