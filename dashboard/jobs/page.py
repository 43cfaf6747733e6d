"""Jobs: the one that runs, with progress and Cancel, and those that ended, with what they left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import dash_mantine_components as dmc
from dash import Dash, Input, Output, dcc, html, no_update

from dashboard import ids, words
from dashboard.jobs.reports import told
from dashboard.live import LiveView
from dashboard.markup import aria, page_head
from dashboard.orders import look_at_once, pressed, say
from dashboard.overview.parts import job as progress_of
from dashboard.page import Page, Visit
from observatory.job import Job
from swarm.errors import SwarmError

RUNNING, CANCEL, LIST, MORE = "jobs-running", "jobs-cancel", "jobs-list", "jobs-more"
_AT_ONCE = 50
_MOST = 1_000


def _layout(live: LiveView, _visit: Visit) -> list[Any]:
    running, _, hidden = running_job(live)
    jobs, more = past_jobs(live, 0)
    cancel = dmc.Button(words.CANCEL, id=CANCEL, variant="default", size="compact-sm")
    return [
        page_head(words.JOBS, words.JOBS_LEAD),
        html.Section(
            [html.Div(running, id=RUNNING, className="job-text"), html.Div(cancel, id="jobs-stop")],
            id="jobs-active",
            className=hidden,
            **aria(label=words.RUNNING_JOB),
        ),
        html.Section(jobs, id=LIST, className="card jobs", **aria(label=words.PAST_JOBS)),
        dmc.Button(words.OLDER_JOBS, id=MORE, variant="default", className=more),
        dcc.Store(id="jobs-mark"),
    ]


def _register(app: Dash, live: LiveView) -> None:
    @app.callback(
        Output(RUNNING, "children"),
        Output("jobs-mark", "data"),
        Output("jobs-active", "className"),
        Output(LIST, "children"),
        Output(MORE, "className"),
        Input(ids.SEEN, "data"),
        Input(MORE, "n_clicks"),
    )
    def refresh(seen: str | None, older: int | None) -> tuple[Any, ...]:
        if seen is None:
            return (no_update,) * 5
        return (*running_job(live), *past_jobs(live, older or 0))

    @app.callback(Input(CANCEL, "n_clicks"), prevent_initial_call=True)
    def cancel(_clicks: int) -> None:
        if pressed() is None:
            return
        desk = live.host.current
        try:
            active = desk.active_job()
            if active is not None:
                desk.cancel(active.id)
                say(words.CANCEL_ASKED, "odd")
        except SwarmError as error:
            say(str(error))
        look_at_once()


def running_job(live: LiveView) -> tuple[list[Any], int | None, str]:
    """What runs now: its parts, its number, and the class of their card."""
    active = live.host.current.active_job()
    if active is None:
        return [], None, "card running-job hidden"
    return progress_of(active, datetime.now(UTC)), active.id, "card running-job"


def past_jobs(live: LiveView, older: int) -> tuple[list[Any], str]:
    """The jobs that ended, the latest first, and the class of the button for older ones."""
    limit = min(_AT_ONCE * (1 + older), _MOST)
    jobs, total = live.host.current.job_history(limit=limit)
    ended = [job for job in jobs if not job.is_active]
    more = "" if len(jobs) < total and limit < _MOST else "hidden"
    if not ended:
        return [html.P(words.NO_JOBS, className="nothing")], more
    head = html.Thead(html.Tr([html.Th(title, scope="col") for title in words.JOB_COLUMNS]))
    return [html.Table([head, html.Tbody([_row(job) for job in ended])])], more


def _row(job: Job) -> html.Tr:
    cells = (
        html.Td(f"{job.id}", className="number-cell"),
        html.Td(words.job_title(job)),
        html.Td(html.Span(words.job_state(job), className=f"state {job.state.value}")),
        html.Td(words.moment(job.created_at)),
        html.Td(words.job_duration(job), className="number-cell"),
        html.Td([html.P(job.message or words.NONE), *_details(job)], className="job-said"),
    )
    return html.Tr(cells, key=f"job-{job.id}")


def _details(job: Job) -> list[Any]:
    """Its report, folded; what it had counted where it left none."""
    report = dict(job.report) if job.report else dict(job.counts)
    report.pop("sentence", None)
    if not report:
        return []
    summary = html.Summary(words.JOB_REPORT)
    return [html.Details([summary, told(report)], className="report")]


JOBS = Page("/jobs", words.JOBS, _layout, _register)
