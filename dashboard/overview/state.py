"""What the Overview shows beside its charts, as it is now: plans, job, numbers, attribution."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any

import polars as pl
from dash import Dash, Input, Output, State, no_update

from analysis.selection import Selection
from dashboard import ids, job_report, words
from dashboard.address_state import AddressState, read_address
from dashboard.live import LiveView, ShownRun
from dashboard.overview import parts
from dashboard.overview.narrowing import category_choices, narrowed
from dashboard.page import Visit
from dashboard.pulse import stamp_of_view
from observatory.desk import Observatory
from observatory.host import Host
from observatory.job import Job
from observatory.lab_process import LabState
from observatory.sites import choose_site
from observatory.summaries import RunSummary
from swarm.errors import DefinitionError, SettingsError

_PER_CATEGORY = 3
_OUTPUTS = {
    "filled": Output(ids.FILLED, "data"),
    "run_key": Output(ids.RUN_KEY, "data"),
    "run_title": Output(ids.RUN_TITLE, "children"),
    "scrape_plan": Output(ids.SCRAPE_PLAN, "children"),
    "fetch_plan": Output(ids.FETCH_PLAN, "children"),
    "job": Output(ids.JOB, "className"),
    "job_text": Output(ids.JOB_TEXT, "children"),
    "result_key": Output(ids.RESULT_KEY, "data"),
    "result_text": Output(ids.RESULT_TEXT, "children"),
    "empty": Output(ids.EMPTY, "className"),
    "try_lab": Output(ids.TRY_LAB, "loading"),
    "lab_progress": Output(ids.LAB_PROGRESS, "children"),
    "figures": Output(ids.FIGURES, "className"),
    "numbers": Output(ids.NUMBERS, "children"),
    "attribution": Output(ids.ATTRIBUTION, "children"),
    "categories": Output(ids.CATEGORY_PICKER, "data"),
    "narrowed": Output(ids.NARROWED, "children"),
}


def register(app: Dash, live: LiveView) -> None:
    """Fill the Overview when it is come to, and whenever the world or the address changes."""

    @app.callback(
        output=_OUTPUTS,
        inputs={
            "seen": Input(ids.SEEN, "data"),
            "per_category": Input(ids.PER_CATEGORY, "value"),
            "query": State(ids.ADDRESS, "search"),
            "drawn": State(ids.RUN_KEY, "data"),
            "filled": State(ids.FILLED, "data"),
        },
    )
    def refresh(
        seen: str | None, per_category: object, query: str | None, drawn: object, filled: str | None
    ) -> dict[str, Any]:
        wanted = f"{seen}|{per_category}"
        if seen is None or filled == wanted:
            return dict.fromkeys(_OUTPUTS, no_update)
        address = read_address(query)
        make = partial(state_of_page, live, per_category, address)
        state = live.said(("overview", per_category, address), make)
        same = {"run_key": no_update} if state["run_key"] == drawn else {}  # or charts are drawn
        return state | {"filled": wanted} | same


def first_values(live: LiveView, visit: Visit) -> dict[Output, Any]:
    """What the callback would say at a visit.

    Raises:
        SwarmError: the world does not read.
    """
    seen = stamp_of_view(live, visit.query)  # first: what changes in between is told by a beat
    address = read_address(visit.query)
    state = state_of_page(live, _PER_CATEGORY, address) | {"filled": f"{seen}|{_PER_CATEGORY}"}
    return {_OUTPUTS[name]: value for name, value in state.items()}


def state_of_page(live: LiveView, per_category: object, address: AddressState) -> dict[str, Any]:
    """Everything that a beat may change, as it should be now.

    Raises:
        SwarmError: the world does not read.
    """
    desk = live.host.current
    now = datetime.now(UTC)
    torrents = desk.torrents()
    run = live.shown_run(desk, address.run)
    return {
        "scrape_plan": _scrape_plan(desk, per_category),
        "fetch_plan": words.torrents_kept(torrents, desk.refused_torrents, desk.magnets()),
        **_job_parts(desk.latest_job(), desk.name, now),
        **_lab_parts(live.host),
        **_run_parts(live, desk, run, address, now),
    }


def _scrape_plan(desk: Observatory, per_category: object) -> str:
    try:
        settings = desk.settings()
        site = choose_site(settings, desk.workspace)
        feeds = len(settings.feeds)
        return words.scrape_plan(per_category, site.root_url, site.listings, feeds)
    except (SettingsError, DefinitionError) as error:
        return str(error)


def _job_parts(job: Job | None, world: str, now: datetime) -> dict[str, Any]:
    """The strip of the running job, or how the last one ended."""
    if job is None:
        return {"job": "job hidden", "job_text": [], "result_key": None, "result_text": ""}
    if job.is_active:
        text = parts.job(job, now)
        return {"job": "job", "job_text": text, "result_key": None, "result_text": ""}
    # World and time belong to it: job numbers start again in a new world.
    key = {"job": f"{world} {job.id} {job.created_at.isoformat()}", "state": job.state.value}
    return {
        "job": "job hidden",
        "job_text": [],
        "result_key": key,
        "result_text": job_report.ending(job),
    }


def _lab_parts(host: Host) -> dict[str, Any]:
    starting = host.lab_state == LabState.STARTING
    failed = host.lab_state == LabState.FAILED
    said = f"{host.lab_message} …" if starting else host.lab_message if failed else ""
    return {"try_lab": starting, "lab_progress": said}


def _run_parts(
    live: LiveView, desk: Observatory, run: RunSummary | None, address: AddressState, now: datetime
) -> dict[str, Any]:
    """The figures, or what to click where there are none."""
    key = live.key(desk, run)
    shown = live.shown(key)
    if run is None or shown is None:
        empty = "card empty in-lab" if desk.is_lab else "card empty"
        filled = ("numbers", "attribution", "categories", "narrowed")
        nothing: dict[str, Any] = {"run_title": ""} | {name: [] for name in filled}
        return nothing | {"empty": empty, "figures": "figures no-run", "run_key": asdict(key)}
    selection = address.selection
    return {
        "empty": "card empty hidden",
        "figures": "figures",
        "run_key": asdict(key),
        "run_title": words.run_title(run),
        "numbers": parts.numbers(run, shown.numbers(selection), selection),
        "categories": category_choices(shown.categories()),
        "narrowed": narrowed(address, *_names_of(shown, address)),
        "attribution": parts.attribution(run, now.date()),
    }


def _names_of(shown: ShownRun, address: AddressState) -> tuple[str | None, str | None]:
    """What the chosen bin and place are called; None where they are not chosen, or not there."""
    label = place = None
    if address.bin is not None:
        bins = shown.histogram(Selection(), address.binning)
        label = next(iter(bins.filter(pl.col("order") == address.bin)["label"]), None)
    if address.place is not None:
        place = shown.view.place_name(address.place)
    return label, place
