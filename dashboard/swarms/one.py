"""A swarm's own page: what the shown run knows of it, where its peers are, its life over runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, State, dcc, html, no_update

from dashboard import ids, words
from dashboard.live import LiveView
from dashboard.markup import page_head, said_by
from dashboard.orders import look_at_once, pressed, say
from dashboard.page import Page, Visit
from dashboard.swarms import cards, charts
from dashboard.swarms.known import KnownSwarm, find_swarm, infohash_of
from observatory.collected import CollectedSwarm
from observatory.job import JobKind
from observatory.one_swarm import tracker_answers
from swarm.errors import SwarmError
from swarm.text import one_line

FACTS, HISTORY, AGAIN, PLAN = "swarm-facts", "swarm-history", "swarm-again", "swarm-again-plan"


def _layout(live: LiveView, visit: Visit) -> list[Any]:
    infohash = visit.variables["infohash"].lower()
    known = find_swarm(live, infohash, visit.query)
    if known is None or known.name is None:
        return [page_head(words.SWARM, words.no_such_swarm(one_line(infohash)[:80])), _back()]
    stores = (charts.VIEWPORT, charts.MAP_DRAWN, charts.LIFE_DRAWN)
    in_run = known.row is not None
    return [
        *(dcc.Store(id=name) for name in stores),
        page_head(known.name, words.SWARM_LEAD if in_run else words.SWARM_NOT_IN_RUN),
        _orders(known),
        *([charts.map_card()] if in_run else []),
        html.Div(facts_of(live, known), id=FACTS, className="facts"),
        cards.card(
            words.HISTORY,
            charts.life_chart(),
            html.Div(cards.history(infohash, known.life), id=HISTORY),
        ),
        _back(),
    ]


def _orders(known: KnownSwarm) -> html.Section:
    disabled, plan = again(known.collected)
    button = dmc.Button(words.FETCH_AGAIN, id=AGAIN, size="sm", disabled=disabled)
    magnet = cards.magnet_of(known.infohash, known.name or "", known.collected)
    link = html.A(words.MAGNET_LINK, href=magnet, rel="noopener noreferrer", className="action")
    said = html.P(plan, id=PLAN, className="plan")
    return html.Section([button, link, said], className="card order-row")


def again(collected: CollectedSwarm) -> tuple[bool, str]:
    """Whether it cannot be fetched by itself, and what a click does, or why not."""
    target = collected.target
    if target is None:
        return True, collected.why_not or ""
    private = f" {words.FETCH_AGAIN_PRIVATE}" if target.private else ""
    return False, words.FETCH_AGAIN_PLAN + private


def facts_of(live: LiveView, known: KnownSwarm) -> list[Any]:
    """The cards of what is known, and who placed its peers."""
    found: list[Any] = [cards.about(known.infohash, known.row, known.collected)]
    answers, foot = None, []
    if known.shown is not None and known.row is not None:
        found += cards.whereabouts(known.shown.view, known.row["swarm"])
        reader = live.host.current.open_run(known.run.run_id)
        answers = tracker_answers(reader, known.row["swarm"])
        said = said_by(reader.manifest.databases, datetime.now(UTC).date())
        foot = [html.Footer([*said, html.Span(words.OUTLINES)], className="wide placed-by")]
    asked = cards.trackers(answers, known.collected)
    return [*found, cards.files(known.collected), *([] if asked is None else [asked]), *foot]


def _back() -> html.P:
    return html.P(dcc.Link(words.TO_SWARMS, href="/swarms"))


def _register(app: Dash, live: LiveView) -> None:
    charts.register(app, live)

    @app.callback(
        Output(FACTS, "children"),
        Output(HISTORY, "children"),
        Output(AGAIN, "disabled"),
        Output(PLAN, "children"),
        Input(ids.SEEN, "data"),
        State(ids.ADDRESS, "pathname"),
        State(ids.ADDRESS, "search"),
        prevent_initial_call=True,
    )
    def refresh(seen: str | None, path: str | None, query: str | None) -> tuple[Any, ...]:
        infohash = infohash_of(path)
        known = None if seen is None or infohash is None else find_swarm(live, infohash, query)
        if known is None or infohash is None:
            return (no_update,) * 4
        return facts_of(live, known), cards.history(infohash, known.life), *again(known.collected)

    @app.callback(
        Input(AGAIN, "n_clicks"), State(ids.ADDRESS, "pathname"), prevent_initial_call=True
    )
    def fetch_again(_clicks: object, path: str | None) -> None:
        if pressed() is None:
            return
        infohash = infohash_of(path)
        try:
            if infohash is None:
                say(words.NOT_ONE_INFOHASH)
                return
            live.host.current.start(JobKind.FETCH, {"infohashes": [infohash]})
            say(words.FETCH_AGAIN_STARTED, "done")
        except SwarmError as error:
            say(str(error))
        look_at_once()


SWARM = Page("/swarms/<infohash>", words.SWARM, _layout, _register, in_navigation=False)
