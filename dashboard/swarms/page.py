"""All swarms of the run that is shown: searched, sorted, and turned page by page on the server."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from analysis.countries import country_name
from analysis.figures import size_text
from analysis.swarm_list import BEING_ASKED
from dashboard import ids, words
from dashboard.address_state import read_address
from dashboard.browser_side import in_browser
from dashboard.live import LiveView
from dashboard.markup import aria, page_head, said_by
from dashboard.overview.narrowing import category_choices, country_choices
from dashboard.page import Page, Visit
from swarm.census import CensusState
from swarm.sighting import Source
from swarm.text import one_line

GRID, SEARCH, FOUND = "swarms-grid", "swarms-search", "swarms-found"
COUNTRIES, CATEGORIES, STATES = "swarms-countries", "swarms-categories", "swarms-states"
SHOWN, APPLIED = "swarms-columns", "swarms-columns-applied"
ASKED_AGAIN = "swarms-asked-again"
_ASKED = "being-asked"  # a picker's value may not be empty
_BLOCK_ROWS = 100
_LINK = {"cellRenderer": "SwarmLink"}  # of assets/archive.js
_MOST_SEARCHED = 200  # characters
_SORTED_BY = {"size": "size_mb", "last_seen": "ended_at"}  # column to what RunView sorts by
_COLUMNS = (
    ("name", words.COLUMN_NAME, {"flex": 3, "minWidth": 210, "sortable": True, **_LINK}),
    ("peers", words.PEERS, {"width": 85, "sortable": True, "type": "rightAligned"}),
    ("estimate", words.COLUMN_ESTIMATE, {"width": 155, "sortable": True, "type": "rightAligned"}),
    ("seeds", words.COLUMN_SEEDS, {"width": 120, "sortable": True, "type": "rightAligned"}),
    ("size", words.COLUMN_SIZE, {"width": 85, "sortable": True, "type": "rightAligned"}),
    ("category", words.COLUMN_CATEGORY, {"width": 145, "sortable": True}),
    ("countries", words.COLUMN_COUNTRIES, {"flex": 2, "minWidth": 150}),
    ("sources", words.COLUMN_SOURCES, {"width": 75}),
    ("last_seen", words.COLUMN_SEEN, {"width": 170, "sortable": True}),
    ("state", words.COLUMN_STATE, {"width": 115}),
)
_NAMED = {Source.DHT: "peers_dht", Source.TRACKER: "peers_trackers", Source.PEX: "peers_pex"}
_STATES = (*(state.value for state in CensusState), BEING_ASKED)


def _layout(live: LiveView, visit: Visit) -> list[Any]:
    grid = dag.AgGrid(
        id=GRID,
        columnDefs=[{"field": field, "headerName": name, **how} for field, name, how in _COLUMNS],
        defaultColDef={"sortable": False, "resizable": True, "suppressHeaderMenuButton": True},
        rowModelType="infinite",
        getRowId="params.data.swarm",
        dashGridOptions={
            "cacheBlockSize": _BLOCK_ROWS,
            "maxBlocksInCache": 20,
            "suppressColumnVirtualisation": True,  # all headings are there for a screen reader
            "ensureDomOrder": True,
            "localeText": {"noRowsToShow": words.NO_SWARMS},
        },
        className="swarm-grid",
    )
    return [
        dcc.Store(id=APPLIED),
        dcc.Store(id=ASKED_AGAIN),
        page_head(words.SWARMS, words.SWARMS_LEAD),
        _filters(live, visit),
        html.Section(grid, className="card grid-card", **aria(label=words.SWARMS)),
        html.Footer(_placed_by(live, visit), className="placed-by"),
    ]


def _filters(live: LiveView, visit: Visit) -> html.Div:
    """What the list is narrowed by: countries and categories stand in the address bar."""
    address = read_address(visit.query)
    search = dcc.Input(
        id=SEARCH,
        type="search",
        debounce=0.3,
        maxLength=_MOST_SEARCHED,
        placeholder=words.SEARCH_SWARMS,
        className="search",
    )
    countries = _picker(COUNTRIES, words.FILTER_COUNTRIES, country_choices(), address.countries)
    found = category_choices(_categories(live, visit))
    categories = _picker(CATEGORIES, words.FILTER_CATEGORIES, found, address.categories)
    named = [{"value": state or _ASKED, "label": state or words.BEING_ASKED} for state in _STATES]
    return html.Div(
        [
            html.Label([html.Span(words.SEARCH_SWARMS, className="unseen"), search]),
            countries,
            categories,
            _picker(STATES, words.FILTER_STATES, named, ()),
            _columns(),
            html.Span(id=FOUND, className="run-title", role="status"),
        ],
        className="filters",
    )


def _picker(
    name: str, label: str, choices: list[dict[str, str]], value: Collection[str]
) -> dmc.MultiSelect:
    return dmc.MultiSelect(
        id=name,
        data=choices,
        value=sorted(value),
        placeholder=label,
        searchable=True,
        clearable=True,
        hidePickedOptions=True,
        size="sm",
        className="filter",
        clearButtonProps=aria(label=words.SHOW_ALL),
        **aria(label=label),
    )


def _columns() -> html.Details:
    """Which columns are shown; the browser keeps the choice."""
    choices = [{"value": field, "label": name} for field, name, _ in _COLUMNS[1:]]
    boxes = dcc.Checklist(
        id=SHOWN,
        options=choices,
        value=[choice["value"] for choice in choices],
        persistence=True,
        className="column-choice",
    )
    group = html.Div(boxes, role="group", **aria(label=words.SHOWN_COLUMNS))
    return html.Details([html.Summary(words.CHOOSE_COLUMNS), group], className="columns")


def _categories(live: LiveView, visit: Visit) -> list[str]:
    desk = live.host.current
    run = live.shown_run(desk, read_address(visit.query).run)
    shown = live.shown(live.key(desk, run))
    return [] if shown is None else shown.categories()


def _placed_by(live: LiveView, visit: Visit) -> list[Any]:
    run = live.shown_run(live.host.current, read_address(visit.query).run)
    return [] if run is None else said_by(run.databases, datetime.now(UTC).date())


def _register(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(GRID, "getRowsResponse"),
        Output(FOUND, "children"),
        Input(GRID, "getRowsRequest"),
        State(SEARCH, "value"),
        State(STATES, "value"),
        State(ids.ADDRESS, "search"),
    )
    def rows(
        request: Mapping[str, Any] | None,
        search: str | None,
        states: list[str] | None,
        query: str | None,
    ) -> Any:
        if request is None:
            return no_update, no_update
        page, total = swarm_rows(live, request, search, query, states)
        return {"rowData": page, "rowCount": total}, words.swarms_found(total)

    asking = (Input(SEARCH, "value"), Input(STATES, "value"), Input(ids.SEEN, "data"))
    # With an Output in the page, Dash asks nothing elsewhere, where it would miss the Inputs.
    answer = Output(ASKED_AGAIN, "data")
    in_browser(app, "askAgain", answer, *asking, initial=False, namespace="archive")
    in_browser(
        app,
        "syncFilters",
        Output(COUNTRIES, "value"),
        Output(CATEGORIES, "value"),
        Input(ids.ADDRESS, "search"),
        Input(COUNTRIES, "value"),
        Input(CATEGORIES, "value"),
        namespace="archive",
        initial=False,
    )
    # The Output has it called at arrival too, with the choice that the browser kept.
    wires = (Output(APPLIED, "data"), Input(SHOWN, "value"), State(SHOWN, "options"))
    in_browser(app, "showColumns", *wires, namespace="archive")


def swarm_rows(
    live: LiveView,
    request: Mapping[str, Any],
    search: str | None,
    query: str | None,
    states: list[str] | None = None,
) -> tuple[list[dict[str, Any]], int]:
    """A page of the list as the grid wants it, and how long the list is.

    The request comes from the browser: what does not read is passed over.
    """
    address = read_address(query)
    desk = live.host.current
    shown = live.shown(live.key(desk, live.shown_run(desk, address.run)))
    if shown is None:
        return [], 0
    first, last = (_natural(request.get(key)) for key in ("startRow", "endRow"))
    sort, descending = _order(request.get("sortModel"))
    page, total = shown.view.swarms(
        address.selection,
        search=(search or "")[:_MOST_SEARCHED],
        states=frozenset(_STATES) & {"" if state == _ASKED else state for state in states or ()},
        sort=sort,
        descending=descending,
        offset=first,
        limit=min(max(last - first, 1), _BLOCK_ROWS),
    )
    return [_row(row) for row in page.iter_rows(named=True)], total


def _natural(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value <= 10**9 else 0


def _order(model: object) -> tuple[str, bool]:
    match model:
        case [{"colId": str(column), "sort": "asc" | "desc" as way}, *_]:
            sortable = {field for field, _, how in _COLUMNS if how.get("sortable")}
            if column in sortable:
                return _SORTED_BY.get(column, column), way == "desc"
    return "peers", True


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    ended = row["ended_at"]
    return {
        "swarm": str(row["swarm"]),
        "infohash": row["infohash"],
        "name": one_line(row["name"]),
        "category": one_line(row["category"] or words.NONE),
        "size": size_text(row["size_mb"]),
        "peers": f"{row['peers']:,}",
        "estimate": words.between(row["estimate"], row["low"], row["high"]),
        "seeds": words.between(row["seeds"], row["seeds_low"], row["seeds_high"]),
        "countries": ", ".join(country_name(code) for code in row["top_countries"] or ()),
        "sources": ", ".join(
            source.value for source, column in _NAMED.items() if row[column] is not None
        ),
        "last_seen": words.NONE if ended is None else words.minute(ended),
        "state": row["state"] or words.BEING_ASKED,
    }


SWARMS = Page("/swarms", words.SWARMS, _layout, _register)
