"""A page: what stands at one route, under which title, and which callbacks it brings.

Each page is a package of its own with `page.py` in it, listed once in `dashboard/pages.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dash import Dash

from analysis.palette import SLOTS, Scheme
from dashboard.live import LiveView


@dataclass(frozen=True, slots=True)
class Look:
    """How the reader's window looks: what a chart has to know before it is drawn."""

    scheme: Scheme = Scheme.LIGHT
    width_px: int = 1280
    top: int = SLOTS  # countries with a colour of their own


@dataclass(frozen=True, slots=True)
class Visit:
    """What was asked for: the route's variables, and the address bar's query string."""

    variables: Mapping[str, str]
    query: str  # "?run=...", or empty
    look: Look = Look()


def no_callbacks(_app: Dash, _live: LiveView) -> None:
    """For a page on which nothing changes."""


@dataclass(frozen=True, slots=True)
class Page:
    """One route. `layout` makes the content of <main>; it is called at each visit."""

    route: str  # "/swarms/<infohash>": what is in brackets is any one part of a path
    title: str
    layout: Callable[[LiveView, Visit], list[Any]]
    register: Callable[[Dash, LiveView], None] = no_callbacks
    in_navigation: bool = True
    draws_at_once: bool = (
        False  # its first answer has charts, and no grid: see dashboard/document.py
    )
