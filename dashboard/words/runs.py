"""What Runs and its comparison say. Pure."""

from __future__ import annotations

from dashboard.words.writing import NONE, begun, bytes_text, plural
from observatory.summaries import RunSummary

RUNS_LEAD = (
    "Every fetch and import that is kept here. Open one, compare two, delete what is not needed."
)
RUN_COLUMNS = ("Started", "State", "Swarms", "Peers", "On disk", "Parts", "In its own words")
NO_RUNS = "No run is kept here yet. Fetch on the Overview makes one."
BROKEN = "does not read"
COMPARE_BEFORE = "Compare this run"
COMPARE_AFTER = "with this one"
COMPARE_THEM = "Compare"
COMPARE_WHICH = "Choose two runs to compare, on the page Runs."
TO_RUNS = "To all runs"
DELETE_WHICH = "Runs to delete"
DELETE_RUNS = "Delete runs…"
TAKE_RUN = "Run to take along"
TAKE_WHAT = "What of it"
TAKE = "Download"
TAKE_EVERYTHING = "everything.zip: all tables as CSV, with methods.md"
TAKE_METHODS = "methods.md: how each number came about"
TAKE_NOTE = "Counts below ten peers are hidden in tables; docs/exports.md says how, and why."
NOTHING_OF_THAT_NAME = "There is nothing of that name to take along; see the page Runs."
ANOTHER_EXPORT = "Another table is being made just now: try again in a minute."
DELETE = "Delete"
KEEP_THEM = "Keep them"
DELETE_STARTED = "The runs are being deleted; Jobs says when that is done."
COMPARED_BEFORE = ("before", "after")
COMPARED_CHURN = ("new", "stayed", "gone")


def bounded(value: int, low: int, high: int) -> str:
    """A count, and what is left of it when peers that were only missed are allowed for."""
    return f"{value:,} ({low:,} to {high:,})"


def difference(before: int | None, after: int | None) -> str:
    """What one count has more than the other: `+12`, `-3`, `0`; a dash where one is not known."""
    if before is None or after is None:
        return NONE
    return f"{after - before:+,}" if after != before else "0"


def delete_sentence(count: int, peers: int, size_bytes: int) -> str:
    """What deleting runs takes away."""
    if count == 0:
        return "No run is chosen."
    said = f"{plural(count, 'run')} with {plural(peers, 'peer')} ({bytes_text(size_bytes)})"
    return f"This deletes {said}. There is no way back."


def compared(before: RunSummary, after: RunSummary) -> str:
    """Which two runs are compared."""
    return f"{begun(before.started_at)}, and then {begun(after.started_at)}"


def compare_columns(title: str) -> tuple[str, ...]:
    """The columns of a comparison's table."""
    return (title, "Before", "After", "Difference", "New", "Stayed", "Gone")


def unlinked(why: str) -> str:
    """Why a comparison does not say who came and went."""
    return f"New, stayed and gone are not told: {why}."


def torrents_compared(both: int, before_only: int, after_only: int) -> str:
    """How far two runs asked for the same."""
    return (
        f"{plural(both, 'torrent')} in both runs, {before_only:,} in the first alone, "
        f"{after_only:,} in the second alone. Countries and places count those in both."
    )
