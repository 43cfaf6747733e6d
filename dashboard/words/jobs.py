"""How jobs are named, how far they are, and how they ended. Pure."""

from __future__ import annotations

from datetime import datetime

from dashboard.words.writing import NONE
from observatory.job import Job, JobKind, JobState

_JOB_NAMES = {
    JobKind.SCRAPE: "Scraping torrents",
    JobKind.FETCH: "Fetching peers",
    JobKind.PURGE: "Purging data",
    JobKind.IMPORT: "Importing",
    JobKind.EXPORT: "Exporting",
    JobKind.METADATA: "Fetching metadata",
    JobKind.DELETE: "Deleting runs",
    JobKind.COMPACT: "Compacting runs",
}
_JOB_ENDS = {
    JobState.DONE: "finished",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.INTERRUPTED: "interrupted",
}
JOBS_LEAD = "What was started in this world, how far it is, and how it ended."
RUNNING_JOB = "The running job"
PAST_JOBS = "Jobs that ended"
JOB_COLUMNS = ("No.", "Job", "State", "Started", "Took", "In its own words")
JOB_REPORT = "Report"
NO_JOBS = "No job has ended yet. Scrape and Fetch on the Overview start one."
OLDER_JOBS = "Show older jobs"
CANCEL = "Cancel"
CANCEL_ASKED = "The job was asked to stop; it does so after the step that it is at."


def job_state(job: Job) -> str:
    """`finished`, `failed`, ..."""
    return _JOB_ENDS.get(job.state, job.state.value)


def job_duration(job: Job) -> str:
    """How long it ran: `12 s`, `3 min`, `2 h 5 min`."""
    if job.started_at is None or job.ended_at is None:
        return NONE
    seconds = round((job.ended_at - job.started_at).total_seconds())
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def job_title(job: Job) -> str:
    """Which job it is."""
    return _JOB_NAMES[job.kind]


def job_progress(job: Job, now: datetime) -> str:
    """`47 of 214 · about 20 s left`; without a total, how many so far."""
    if job.state is JobState.QUEUED:
        return "starting"
    if job.total is None:
        return f"{job.done:,}"
    said = f"{job.done:,} of {job.total:,}"
    left = _seconds_left(job, now)
    return said if left is None else f"{said} · {time_left(left)}"


def _seconds_left(job: Job, now: datetime) -> float | None:
    """By rule of three, once enough is done to say anything."""
    if job.started_at is None or not job.total or not 0 < job.done < job.total:
        return None
    elapsed = (now - job.started_at).total_seconds()
    if elapsed < 3 or job.done / job.total < 0.05:
        return None
    return elapsed * (job.total - job.done) / job.done


def time_left(seconds: float) -> str:
    """Coarse, since it is a guess: `about 20 s left`, `about 3 min left`."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 90:
        return f"about {round(seconds / 10) * 10} s left"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min left"
    return f"about {round(seconds / 3600)} h left"


def job_result(job: Job) -> str:
    """How a job ended, in its own words where it left any."""
    head = f"{_JOB_NAMES[job.kind]} {_JOB_ENDS.get(job.state, job.state.value)}"
    if job.message:
        return f"{head}: {job.message}"
    if job.state is JobState.CANCELLED:
        return f"{head}: what was collected until then is kept."
    return f"{head}."
