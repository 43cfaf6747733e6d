"""One beat of the page: asks how the world stands, and answers nothing where nothing changed."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from dash import Dash, Input, Output, State, no_update

from dashboard import ids, job_report, parts, words
from dashboard.live import LiveView
from observatory.desk import Observatory
from observatory.host import Host
from observatory.jobs import Job
from observatory.lab_process import LabState
from observatory.sites import choose_site
from observatory.summaries import RunSummary
from swarm.errors import DefinitionError, SettingsError, SwarmError

_OUTPUTS = {
    "seen": Output(ids.SEEN, "data"),
    "run_key": Output(ids.RUN_KEY, "data"),
    "world": Output(ids.WORLD, "children"),
    "world_class": Output(ids.WORLD, "className"),
    "leave_lab": Output(ids.LEAVE_LAB, "className"),
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
    "notice": Output(ids.NOTICE, "className", allow_duplicate=True),
    "notice_text": Output(ids.NOTICE_TEXT, "children", allow_duplicate=True),
}
_NOTHING = dict.fromkeys(_OUTPUTS, no_update)


def register(app: Dash, live: LiveView) -> None:
    """Add the beat to the app."""

    @app.callback(
        output=_OUTPUTS,
        inputs={
            "_tick": Input(ids.TICK, "data"),
            "_nudge": Input(ids.NUDGE, "data"),
            "per_category": Input(ids.PER_CATEGORY, "value"),
            "seen": State(ids.SEEN, "data"),
            "wanted_run": State(ids.WANTED_RUN, "data"),
        },
        prevent_initial_call="initial_duplicate",
    )
    def pulse(
        _tick: object,
        _nudge: object,
        per_category: object,
        seen: str | None,
        wanted_run: str | None,
    ) -> dict[str, Any]:
        # The number is part of the stamp, since a sentence about it is on the page.
        try:
            stamp = f"{live.stamp()}|{per_category}"
            if stamp == seen:
                return _NOTHING
            return _NOTHING | {"seen": stamp} | state_of_page(live, per_category, wanted_run)
        except SwarmError as error:
            return _unreadable(str(error), seen)


def _unreadable(reason: str, seen: str | None) -> dict[str, Any]:
    """The world itself does not read: say so once, not at every beat."""
    if reason == seen:
        return _NOTHING
    return _NOTHING | {
        "seen": reason,
        "notice": "message failed",
        "notice_text": reason,
    }


def state_of_page(live: LiveView, per_category: object, wanted_run: str | None) -> dict[str, Any]:
    """Everything that a beat may change, as it should be now.

    Raises:
        SwarmError: the world does not read.
    """
    desk = live.host.current
    now = datetime.now(UTC)
    torrents = desk.torrents()
    run = live.shown_run(desk, wanted_run)
    return {
        "world": parts.world(desk),
        "world_class": "world in-lab" if desk.is_lab else "world",
        "leave_lab": "" if desk.is_lab else "hidden",
        "scrape_plan": _scrape_plan(desk, per_category),
        "fetch_plan": words.torrents_kept(torrents, desk.refused_torrents, desk.magnets()),
        **_job_parts(desk.latest_job(), desk.name, now),
        **_lab_parts(live.host),
        **_run_parts(live, desk, run, torrents, now),
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
    live: LiveView, desk: Observatory, run: RunSummary | None, torrents: int, now: datetime
) -> dict[str, Any]:
    """The figures, or what to click where there are none."""
    key = live.key(desk, run)
    if run is None:
        empty = "card empty in-lab" if desk.is_lab else "card empty"
        nothing: dict[str, Any] = {"run_title": "", "numbers": [], "attribution": []}
        return nothing | {"empty": empty, "figures": "figures no-run", "run_key": asdict(key)}
    return {
        "empty": "card empty hidden",
        "figures": "figures",
        "run_key": asdict(key),
        "run_title": words.run_title(run),
        "numbers": parts.numbers(torrents, run, live.tables(key).numbers()),
        "attribution": parts.attribution(run, now.date()),
    }
