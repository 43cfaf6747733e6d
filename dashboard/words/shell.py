"""What the frame around all pages says: header, navigation, run picker, messages. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.words.writing import begun, plural
from observatory.summaries import RunSummary
from storage.manifest import RunKind, RunState

TITLE = "Swarm Atlas"
SKIP = "Skip to the content"
NAVIGATION = "Pages"
CONTEXT = "World and run"
LIVE = "Live"
PAUSE = "Pause"
COLOURS = "Colours"
THEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))
OVERVIEW = "Overview"
SWARMS = "Swarms"
SWARM = "A swarm"
RUNS = "Runs"
COMPARE = "Two runs compared"
JOBS = "Jobs"
METHODS = "Methods"
NOT_FOUND = "Nothing here"
NOT_FOUND_LEAD = "No page has this address. The link may be of another version, or misspelt."
TO_OVERVIEW = "To the Overview"
RUN_SHOWN = "Run that is shown"
LATEST_VALUE = "latest"  # of the run picker; no run has such an id
LATEST_RUN = "Latest run"
UNEXPECTED = (
    "Something went wrong inside Swarm Atlas. The terminal that it runs in says what; "
    "reload the page to go on."
)
LEAVE_LAB = "Leave the lab"
CONNECTION_LOST = "The server does not answer. Is Swarm Atlas still running in its terminal?"


def latest_run(run: RunSummary | None) -> str:
    """The run picker's first choice: `Latest run · 21 Nov 2026, 10:03:07 UTC`."""
    if run is None:
        return LATEST_RUN
    name = "Live run" if run.state is RunState.RUNNING else LATEST_RUN
    return f"{name} · {begun(run.started_at)}"


def run_choice(run: RunSummary) -> str:
    """A run of the archive, as the run picker offers it."""
    if run.state is RunState.RUNNING:
        return f"{begun(run.started_at)} · {run.state.value}"  # its peers are counted when it ends
    kind = "import" if run.kind is RunKind.IMPORT else run.state.value
    return f"{begun(run.started_at)} · {plural(run.peers, 'peer')} · {kind}"


def no_such_run(run_id: str) -> str:
    """What the run picker shows for a link to a run that is not here."""
    return f"{run_id}: not in this archive"


def address_refused(keys: Sequence[str]) -> str:
    """What of a link did not read."""
    return (
        f"Part of this link does not read and was passed over: {', '.join(keys)}. "
        "What you see is not narrowed by it."
    )


def run_title(run: RunSummary) -> str:
    """Which run is shown."""
    kind = "Imported run" if run.kind is RunKind.IMPORT else "Run"
    return f"{kind} of {begun(run.started_at)}"
