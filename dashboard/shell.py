"""What stands around every page: header, navigation, run picker, theme, messages.

The page itself is put into <main> by `dashboard/arrival.py`.
"""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from dashboard import ids, words
from dashboard.markup import aria, dismissible, icon
from dashboard.page import Page

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


def frame(pages: tuple[Page, ...]) -> dmc.MantineProvider:
    """The frame of all pages; holds no data."""
    return dmc.MantineProvider(
        [
            *_stores(),
            html.A(words.SKIP, href=f"#{ids.MAIN}", className="skip"),
            html.Div(words.CONNECTION_LOST, className="lost", role="alert"),
            _header(pages),
            _context(),
            html.Div(
                dismissible(ids.NOTICE, ids.NOTICE_TEXT, ids.NOTICE_DISMISS), className="notices"
            ),
            html.Main(id=ids.MAIN, tabIndex=-1),
            html.Div(id=ids.ARRIVED, className="unseen", role="status"),
        ],
        id=ids.PROVIDER,
        theme=_THEME,
        defaultColorScheme="auto",
    )


def nav_id(page: Page) -> str:
    """The id of a page's link in the navigation: `nav-swarms`."""
    return f"nav-{page.title.lower()}"


def _stores() -> list[Any]:
    return [
        dcc.Location(id=ids.ADDRESS, refresh="callback-nav"),
        dcc.Interval(id=ids.CLOCK, interval=_PULSE_MS),
        *(dcc.Store(id=name) for name in (ids.TICK, ids.NUDGE, ids.SEEN, ids.TITLE)),
        dcc.Store(id=ids.SCHEME),
        dcc.Store(id=ids.SYSTEM_SCHEME),
        dcc.Store(id=ids.WINDOW_WIDTH),
        dcc.Store(id=ids.PAUSED, data=False),
    ]


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


def _context() -> html.Section:
    """Which world and which run all pages speak of."""
    picker = dmc.Select(
        id=ids.RUN_PICKER,
        data=[{"value": words.LATEST_VALUE, "label": words.LATEST_RUN}],
        value=words.LATEST_VALUE,
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
        className="hidden",
        variant="default",
        size="compact-sm",
    )
    return html.Section(
        [html.Div(id=ids.WORLD, className="world", role="status"), leave, picker],
        className="context",
        **aria(label=words.CONTEXT),
    )
