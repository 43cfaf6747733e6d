"""The page's frame: every part that callbacks fill. Holds no data."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from analysis.palette import SLOTS
from analysis.tables import Binning
from dashboard import ids, intake, words

_PULSE_MS = 1000
_TOP_CHOICES = (3, 5, 8, SLOTS)
# Plotly offers to send charts to a cloud and to fetch outlines from a CDN: neither leaves here.
_GRAPH_CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "https://invalid.localhost/",
    "topojsonURL": "/assets/topojson/",
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
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
    "colors": {"dark": list(_NAVY)},
}
# Shown for the moment until the first data: no axes, no colours.
_BLANK_FIGURE: dict[str, Any] = {
    "data": [],
    "layout": {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    },
}


def page() -> dmc.MantineProvider:
    """The whole page."""
    result = _message(ids.RESULT, ids.RESULT_TEXT, ids.RESULT_DISMISS)
    return dmc.MantineProvider(
        [
            *_stores(),
            html.A("Skip to the figures", href=f"#{ids.FIGURES}", className="skip"),
            html.Div(words.CONNECTION_LOST, className="lost", role="alert"),
            _header(),
            html.Main(
                [
                    html.Div([_actions(), _job(), result], className="bar"),
                    intake.panel(),
                    _message(ids.NOTICE, ids.NOTICE_TEXT, ids.NOTICE_DISMISS),
                    _empty(),
                    _figures(),
                ]
            ),
            _purge_modal(),
        ],
        id=ids.PROVIDER,
        theme=_THEME,
        defaultColorScheme="auto",
    )


def icon(name: str) -> html.Span:
    """An icon of assets/icons, in the colour of the text around it; the stylesheet names them."""
    return html.Span(className=f"icon icon-{name}", **aria(hidden="true"))


def aria(**said: str) -> dict[str, Any]:
    """Attributes for assistive technology: `aria(label="Close")` is aria-label="Close"."""
    return {f"aria-{name}": value for name, value in said.items()}


def _stores() -> list[Any]:
    names = (ids.TICK, ids.NUDGE, ids.SEEN, ids.RUN_KEY, ids.WANTED_RUN, ids.DRAWN)
    return [
        dcc.Interval(id=ids.CLOCK, interval=_PULSE_MS),
        *(dcc.Store(id=name) for name in names),
        dcc.Store(id=ids.SCHEME),
        dcc.Store(id=ids.SYSTEM_SCHEME),
        dcc.Store(id=ids.WINDOW_WIDTH),
        dcc.Store(id=ids.RESULT_KEY),
        dcc.Store(id=ids.PAUSED, data=False),
        dcc.Store(id=ids.HIDDEN, data=[]),
        dcc.Store(id=ids.DISMISSED, storage_type="local"),
    ]


def _header() -> html.Header:
    return html.Header(
        [
            html.H1([icon("atlas"), words.TITLE]),
            html.Div(id=ids.WORLD, className="world", role="status"),
            dmc.Button(
                words.LEAVE_LAB,
                id=ids.LEAVE_LAB,
                className="hidden",
                variant="default",
                size="compact-sm",
            ),
            html.Span(id=ids.RUN_TITLE, className="run-title"),
            html.Span(className="spring"),
            html.Span("Live", id=ids.LIVE, className="live", role="status"),
            dmc.Button("Pause", id=ids.PAUSE, variant="default", size="sm", w=92),
            dmc.SegmentedControl(
                id=ids.THEME,
                data=[
                    {"value": "system", "label": "System"},
                    {"value": "light", "label": "Light"},
                    {"value": "dark", "label": "Dark"},
                ],
                value="system",
                size="xs",
                persistence=True,
                **aria(label="Colours"),
            ),
        ],
        className="page-header",
    )


def _actions() -> html.Section:
    scrape = html.Div(
        [
            html.Div(
                [
                    dmc.NumberInput(
                        id=ids.PER_CATEGORY,
                        value=3,
                        min=1,
                        max=words.MOST_PER_CATEGORY,
                        allowDecimal=False,
                        allowNegative=False,
                        w=84,
                        **aria(label="Torrents per category"),
                    ),
                    dmc.Button("Scrape new torrents", id=ids.SCRAPE, leftSection=icon("scrape")),
                ],
                className="joined",
            ),
            html.P(id=ids.SCRAPE_PLAN, className="plan", role="status"),
        ]
    )
    fetch = html.Div(
        [
            dmc.Button("Fetch new data", id=ids.FETCH, variant="light", leftSection=icon("fetch")),
            html.P(id=ids.FETCH_PLAN, className="plan"),
        ]
    )
    purge = dmc.Button(
        "Purge data…",
        id=ids.PURGE,
        variant="outline",
        color="red",
        leftSection=icon("purge"),
        className="purge",
    )
    return html.Section([scrape, fetch, purge], className="actions", **aria(label="Actions"))


def _job() -> html.Section:
    return html.Section(
        [
            html.Div(id=ids.JOB_TEXT, className="job-text"),
            dmc.Button("Cancel", id=ids.CANCEL, variant="default", size="compact-sm"),
        ],
        id=ids.JOB,
        className="job hidden",
        **aria(label="The running job"),
    )


def _message(box: str, text: str, dismiss: str) -> html.Div:
    close = html.Button(
        icon("close"), id=dismiss, className="plain", **aria(label="Dismiss this message")
    )
    return html.Div([html.Div(id=text), close], id=box, className="message hidden", role="status")


def _empty() -> html.Section:
    steps = html.Ol(
        [
            html.Li([html.Strong("Scrape new torrents"), f" {words.STEP_SCRAPE}"]),
            html.Li([html.Strong("Fetch new data"), f" {words.STEP_FETCH}"]),
        ]
    )
    lab = html.Div(
        [
            html.H3(words.LAB_TITLE),
            html.P(words.LAB_LEAD),
            dmc.Button(words.TRY_LAB, id=ids.TRY_LAB, size="md", leftSection=icon("lab")),
            html.P(id=ids.LAB_PROGRESS, className="plan", role="status"),
        ],
        className="lab-offer",
    )
    about = html.Div([html.H2(words.EMPTY_TITLE), html.P(words.EMPTY_LEAD), steps])
    return html.Section([about, lab], id=ids.EMPTY, className="card empty hidden")


def _figures() -> html.Section:
    return html.Section(
        [
            html.Div(id=ids.NUMBERS, className="numbers"),
            _map_card(),
            _histogram_card(),
            _countries_card(),
            html.Footer(id=ids.ATTRIBUTION),
        ],
        id=ids.FIGURES,
        className="figures hidden",
        tabIndex=-1,
        **aria(label="Figures"),
    )


def _map_card() -> html.Section:
    head = html.Div([html.H2("Where peers are"), html.Small(id=ids.MAP_NOTE)], className="head")
    return html.Section([head, _graph(ids.MAP, scroll_zoom=True)], className="card map-card")


def _histogram_card() -> html.Section:
    controls = html.Div(
        [
            dmc.SegmentedControl(
                id=ids.TOP,
                data=[{"value": str(n), "label": f"Top {n}"} for n in _TOP_CHOICES],
                value=str(SLOTS),
                size="xs",
                persistence=True,
                **aria(label="Countries with a colour of their own"),
            ),
            dmc.SegmentedControl(
                id=ids.BINNING,
                data=[
                    {"value": Binning.CLASSIC.value, "label": "100 MB bins"},
                    {"value": Binning.LOG2.value, "label": "log₂ bins"},
                ],
                value=Binning.CLASSIC.value,
                size="xs",
                persistence=True,
                **aria(label="Size bins"),
            ),
        ],
        className="controls",
    )
    notes = [html.H2("What they share"), html.Small(words.HISTOGRAM_NOTE)]
    title = html.Div(notes, className="title")
    head = html.Div([title, controls], className="head")
    return html.Section([head, _graph(ids.HISTOGRAM)], className="card histogram-card")


def _countries_card() -> html.Section:
    head = html.Div([html.H2("Countries"), html.Small(words.TABLE_NOTE)], className="head")
    note = html.P(words.DUPLICATES_NOTE, className="plan")
    table = html.Div(id=ids.COUNTRIES, className="countries", tabIndex=0)
    return html.Section([head, table, note], className="card countries-card")


def _graph(name: str, *, scroll_zoom: bool = False) -> dcc.Graph:
    config: Any = _GRAPH_CONFIG | {"scrollZoom": scroll_zoom}
    return dcc.Graph(
        id=name, figure=_BLANK_FIGURE, config=config, responsive=True, className="graph"
    )


def _purge_modal() -> dmc.Modal:
    buttons = html.Div(
        [
            dmc.Button("Keep it", id=ids.PURGE_KEEP, variant="default"),
            dmc.Button("Delete", id=ids.PURGE_CONFIRM, color="red"),
        ],
        className="modal-buttons",
    )
    return dmc.Modal(
        [html.P(id=ids.PURGE_SENTENCE), buttons],
        id=ids.PURGE_MODAL,
        title="Purge data",
        centered=True,
        closeButtonProps={"aria-label": "Close"},
    )
