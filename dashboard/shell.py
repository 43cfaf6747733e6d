"""What stands around every page: header, navigation, run picker, theme, messages.

The page itself is put into <main> by `dashboard/arrival.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import ids, words
from dashboard.markup import aria, dismissible, icon
from dashboard.page import Look, Page

_PULSE_MS = 1000
# Mantine's dark greys are warm; these, light to dark, go with analysis/palette.py.
_NAVY = (
    "#dce6f2", "#b9c7d8", "#8fa2b8", "#63788f", "#3a4d62",
    "#243447", "#1c2937", "#16202c", "#0f1822", "#0b121a",
)  # fmt: skip
_THEME = {
    "primaryColor": "blue",
    "primaryShade": 8,
    "defaultRadius": "md",
    "cursorType": "pointer",
    # As in assets/style.css.
    "fontFamily": 'system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif',
    "colors": {"dark": list(_NAVY)},
}


@dataclass(frozen=True, slots=True)
class Start:
    """What the frame holds when it is opened at a page: where, the page itself, and the world."""

    path: str
    query: str
    title: str
    content: list[Any]
    look: Look
    state: Mapping[str, Any]  # what a beat would tell, see dashboard/pulse.py


def frame(pages: tuple[Page, ...], start: Start | None = None) -> dmc.MantineProvider:
    """The frame of all pages, at its start; without one it holds no data."""
    state = {} if start is None else start.state
    return dmc.MantineProvider(
        [
            *_stores(start),
            html.A(words.SKIP, href=f"#{ids.MAIN}", className="skip"),
            html.Div(words.CONNECTION_LOST, className="lost", role="alert"),
            _header(pages),
            _context(state),
            html.Div(_notice(state), className="notices"),
            html.Main(None if start is None else start.content, id=ids.MAIN, tabIndex=-1),
            html.Div(id=ids.ARRIVED, className="unseen", role="status"),
        ],
        id=ids.PROVIDER,
        theme=_THEME,
        defaultColorScheme="auto",
        **({} if start is None else {"forceColorScheme": start.look.scheme.value}),
    )


def nav_id(page: Page) -> str:
    """The id of a page's link in the navigation: `nav-swarms`."""
    return f"nav-{page.title.lower()}"


def _stores(start: Start | None) -> list[Any]:
    address: dict[str, Any] = {}
    told: dict[str, Any] = {}
    if start is not None:
        address = {"pathname": start.path, "search": start.query}
        told = {
            ids.SEEN: start.state.get("seen"),
            ids.TITLE: start.title,
            ids.SCHEME: start.look.scheme.value,
            ids.WINDOW_WIDTH: start.look.width_px,
        }
    empty = (ids.TICK, ids.NUDGE, ids.SYSTEM_SCHEME)
    return [
        dcc.Location(id=ids.ADDRESS, refresh="callback-nav", **address),
        dcc.Interval(id=ids.CLOCK, interval=_PULSE_MS),
        *(dcc.Store(id=name) for name in empty),
        *(
            dcc.Store(id=name, data=told.get(name))
            for name in (ids.SEEN, ids.TITLE, ids.SCHEME, ids.WINDOW_WIDTH)
        ),
        dcc.Store(id=ids.PAUSED, data=False),
    ]


def _notice(state: Mapping[str, Any]) -> html.Div:
    text, kind = state.get("notice_text"), state.get("notice", "message hidden")
    return dismissible(ids.NOTICE, ids.NOTICE_TEXT, ids.NOTICE_DISMISS, text=text, kind=kind)


def _header(pages: tuple[Page, ...]) -> html.Header:
    links = [
        dcc.Link(page.title, href=page.route, id=nav_id(page), className="nav-link")
        for page in pages
        if page.in_navigation
    ]
    return html.Header(
        [
            html.Div([icon("atlas"), words.TITLE], className="brand"),
            html.Nav(links, className="pages", **aria(label=words.NAVIGATION)),
            html.Span(className="spring"),
            html.Span(words.LIVE, id=ids.LIVE, className="live", role="status"),
            dmc.Button(words.PAUSE, id=ids.PAUSE, variant="default", size="sm", w=92),
            dmc.SegmentedControl(
                id=ids.THEME,
                data=[{"value": value, "label": label} for value, label in words.THEMES],
                value="system",
                size="xs",
                persistence=True,
                **aria(label=words.COLOURS),
            ),
        ],
        className="page-header",
    )


def _context(state: Mapping[str, Any]) -> html.Section:
    """Which world and which run all pages speak of."""
    picker = dmc.Select(
        id=ids.RUN_PICKER,
        data=state.get("runs", [{"value": words.LATEST_VALUE, "label": words.LATEST_RUN}]),
        value=state.get("run", words.LATEST_VALUE),
        allowDeselect=False,
        searchable=True,
        checkIconPosition="right",
        size="sm",
        className="run-picker",
        comboboxProps={"withinPortal": True},
        **aria(label=words.RUN_SHOWN),
    )
    leave = dmc.Button(
        words.LEAVE_LAB,
        id=ids.LEAVE_LAB,
        className=state.get("leave_lab", "hidden"),
        variant="default",
        size="compact-sm",
    )
    world = html.Div(
        state.get("world"), id=ids.WORLD, className=state.get("world_class", "world"), role="status"
    )
    return html.Section(
        [world, leave, picker],
        className="context",
        **aria(label=words.CONTEXT),
    )
