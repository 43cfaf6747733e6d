"""The Overview's frame: every part that callbacks fill. Holds no data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from analysis.palette import SLOTS
from analysis.tables import Binning
from dashboard import ids, intake, words
from dashboard.graphs import graph
from dashboard.markup import aria, dismissible, icon
from dashboard.overview.narrowing import country_choices

_TOP_CHOICES = (3, 5, 8, SLOTS)
_TABLE_HEAD = (
    "#",
    words.COUNTRY,
    html.Span(words.COMPARED, className="unseen"),
    words.PEERS,
    words.SHARE,
    words.MEDIAN,
)


def overview() -> list[Any]:
    """The content of <main>."""
    result = dismissible(ids.RESULT, ids.RESULT_TEXT, ids.RESULT_DISMISS)
    return [
        *_stores(),
        html.H1(words.OVERVIEW, className="unseen"),  # the navigation says it to those who see
        html.Div([_actions(), _job(), result, intake.panel()], className="bar"),
        _empty(),
        _figures(),
        _purge_modal(),
    ]


def _stores() -> list[Any]:
    return [
        dcc.Store(id=ids.RUN_KEY),
        dcc.Store(id=ids.CHARTED),
        dcc.Store(id=ids.FILLED),
        dcc.Store(id=ids.COUNTRY_ROWS),
        dcc.Store(id=ids.COUNTRIES_DRAWN),
        dcc.Store(id=ids.BARS_DRAWN),
        dcc.Store(id=ids.MAP_DRAWN),
        dcc.Store(id=ids.VIEWPORT),
        dcc.Store(id=ids.RESULT_KEY),
        dcc.Store(id=ids.HIDDEN, data=[]),
        dcc.Store(id=ids.DISMISSED, storage_type="local"),
    ]


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
            _filters(),
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


def _filters() -> html.Div:
    """What the page is narrowed to: two pickers, and the same in words."""
    countries = dmc.MultiSelect(
        id=ids.COUNTRY_PICKER,
        data=country_choices(),
        value=[],
        placeholder=words.FILTER_COUNTRIES,
        searchable=True,
        clearable=True,
        hidePickedOptions=True,
        size="sm",
        className="filter",
        **aria(label=words.FILTER_COUNTRIES),
    )
    categories = dmc.MultiSelect(
        id=ids.CATEGORY_PICKER,
        data=[],
        value=[],
        placeholder=words.FILTER_CATEGORIES,
        searchable=True,
        clearable=True,
        size="sm",
        className="filter",
        **aria(label=words.FILTER_CATEGORIES),
    )
    chosen = html.Div(id=ids.NARROWED, className="narrowed", role="status")
    title = html.Span(id=ids.RUN_TITLE, className="run-title")
    return html.Div([countries, categories, chosen, title], className="filters")


def _map_card() -> html.Section:
    notes = [html.H2("Where peers are"), html.Small(id=ids.MAP_NOTE)]
    view = _switch(ids.MAP_VIEW, (("places", "Places"), ("classic", "Classic")), "Markers")
    menu = _take_along("map", "Where peers are")
    head = html.Div([html.Div(notes, className="title"), view, menu], className="head")
    place = html.P(id=ids.PLACE, className="place", role="status")
    return html.Section([head, graph(ids.MAP, scroll_zoom=True), place], className="card map-card")


def _histogram_card() -> html.Section:
    tops = [(str(n), f"Top {n}") for n in _TOP_CHOICES]
    bins = ((Binning.LOG2.value, "log₂ bins"), (Binning.CLASSIC.value, "100 MB bins"))
    top = _switch(ids.TOP, tops, "Countries with a colour of their own", value=str(SLOTS))
    top.persistence = True
    controls = html.Div(
        [
            top,
            _switch(ids.BINNING, bins, "Size bins"),
            _switch(ids.SHARES, (("peers", "Peers"), ("shares", "Shares")), "Bars"),
            _take_along("histogram", "What they share"),
        ],
        className="controls",
    )
    notes = [html.H2("What they share"), html.Small(words.HISTOGRAM_NOTE)]
    title = html.Div(notes, className="title")
    head = html.Div([title, controls], className="head")
    return html.Section([head, graph(ids.HISTOGRAM)], className="card histogram-card")


def _countries_card() -> html.Section:
    notes = html.Div([html.H2("Countries"), html.Small(words.TABLE_NOTE)], className="title")
    title = html.Div([notes, _take_along("countries", "Countries")], className="head")
    note = html.P(words.DUPLICATES_NOTE, className="plan")
    head = html.Thead(html.Tr([html.Th(title, scope="col") for title in _TABLE_HEAD]))
    # Its body is drawn by assets/overview.js from the store of its rows.
    body = html.Table([head, html.Tbody(id=ids.COUNTRIES)])
    table = html.Div(body, className="countries", tabIndex=0)
    return html.Section([title, table, note], className="card countries-card")


def _take_along(what: str, title: str) -> html.Details:
    """A menu of files; assets/take.js fills it when it is opened, for what is shown then."""
    said: dict[str, Any] = {"data-take": what}
    button = html.Summary(icon("take"), **aria(label=words.take_along(title)))
    return html.Details([button], className="take", **said)


def _switch(
    name: str, choices: Sequence[tuple[str, str]], label: str, value: str | None = None
) -> dmc.SegmentedControl:
    """A choice of one of few; the first, unless `value` says which."""
    return dmc.SegmentedControl(
        id=name,
        data=[{"value": key, "label": text} for key, text in choices],
        value=value or choices[0][0],
        size="xs",
        **aria(label=label),
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
