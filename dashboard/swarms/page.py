"""All swarms of the run that is shown: searched, sorted, and turned page by page on the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash_ag_grid as dag
from dash import Dash, Input, Output, State, dcc, html, no_update, set_props

from analysis.countries import country_name
from analysis.figures import size_text
from dashboard import ids, words
from dashboard.address_state import read_address
from dashboard.browser_side import in_browser
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.page import Page, Visit
from swarm.sighting import Source
from swarm.text import one_line

GRID, SEARCH, FOUND = "swarms-grid", "swarms-search", "swarms-found"
_BLOCK_ROWS = 100
_BY_CLICK = {"enableClickSelection": True}
_MOST_SEARCHED = 200  # characters
_SORTED_BY = {"size": "size_mb", "last_seen": "ended_at"}  # column to what RunView sorts by
_COLUMNS = (
    ("name", words.COLUMN_NAME, {"flex": 3, "minWidth": 240, "sortable": True}),
    ("category", words.COLUMN_CATEGORY, {"width": 150, "sortable": True}),
    ("size", words.COLUMN_SIZE, {"width": 110, "sortable": True, "type": "rightAligned"}),
    ("peers", words.PEERS, {"width": 110, "sortable": True, "type": "rightAligned"}),
    ("estimate", words.COLUMN_ESTIMATE, {"width": 190, "sortable": True, "type": "rightAligned"}),
    ("seeds", words.COLUMN_SEEDS, {"width": 160, "sortable": True, "type": "rightAligned"}),
    ("countries", words.COLUMN_COUNTRIES, {"flex": 1, "minWidth": 170}),
    ("sources", words.COLUMN_SOURCES, {"width": 150}),
    ("last_seen", words.COLUMN_SEEN, {"width": 190, "sortable": True}),
    ("state", words.COLUMN_STATE, {"width": 120}),
)
_NAMED = {Source.DHT: "peers_dht", Source.TRACKER: "peers_trackers", Source.PEX: "peers_pex"}


def _layout(_live: LiveView, _visit: Visit) -> list[Any]:
    search = dcc.Input(
        id=SEARCH,
        type="search",
        debounce=0.3,
        maxLength=_MOST_SEARCHED,
        placeholder=words.SEARCH_SWARMS,
        className="search",
    )
    label = html.Label([html.Span(words.SEARCH_SWARMS, className="unseen"), search])
    grid = dag.AgGrid(
        id=GRID,
        columnDefs=[{"field": field, "headerName": name, **how} for field, name, how in _COLUMNS],
        defaultColDef={"sortable": False, "resizable": True, "suppressHeaderMenuButton": True},
        rowModelType="infinite",
        getRowId="params.data.infohash",
        dashGridOptions={
            "cacheBlockSize": _BLOCK_ROWS,
            "maxBlocksInCache": 20,
            "rowSelection": {"mode": "singleRow", "checkboxes": False, **_BY_CLICK},
        },
        className="swarm-grid",
    )
    found = html.Span(id=FOUND, className="run-title", role="status")
    return [
        page_head(words.SWARMS, words.SWARMS_LEAD),
        html.Div([label, found], className="filters"),
        html.Section(grid, className="card grid-card"),
    ]


def _register(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(GRID, "getRowsResponse"),
        Output(FOUND, "children"),
        Input(GRID, "getRowsRequest"),
        State(SEARCH, "value"),
        State(ids.ADDRESS, "search"),
    )
    def rows(request: Mapping[str, Any] | None, search: str | None, query: str | None) -> Any:
        if request is None:
            return no_update, no_update
        page, total = swarm_rows(live, request, search, query)
        return {"rowData": page, "rowCount": total}, words.swarms_found(total)

    in_browser(
        app,
        "askAgain",
        Input(SEARCH, "value"),
        Input(ids.SEEN, "data"),
        initial=False,
        namespace="archive",
    )

    @app.callback(Input(GRID, "selectedRows"), prevent_initial_call=True)
    def open_one(selected: list[Mapping[str, Any]] | None) -> None:
        if selected:
            set_props(ids.ADDRESS, {"pathname": f"/swarms/{selected[0]['infohash']}"})


def swarm_rows(
    live: LiveView, request: Mapping[str, Any], search: str | None, query: str | None
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
        "last_seen": words.NONE if ended is None else words.moment(ended),
        "state": row["state"] or words.BEING_ASKED,
    }


SWARMS = Page("/swarms", words.SWARMS, _layout, _register)
