"""Every sentence of the page, and how numbers and times are written in them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime

from analysis.attribution import source_lines
from observatory.intake import IntakeOutcome, IntakeState
from observatory.jobs import Job, JobKind, JobState, MetadataRow
from observatory.purge import PurgePreview
from observatory.summaries import RunSummary
from storage.manifest import RunKind, RunState
from storage.torrents import RefusedTorrent
from swarm.place import DatabaseBuild, Databases
from swarm.text import one_line

TITLE = "Swarm Atlas"
MOST_PER_CATEGORY = 10_000  # what a scrape job takes at most
HOW_MANY = f"How many torrents of each category? A whole number, 1 to {MOST_PER_CATEGORY:,}."
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
_INTAKE_STATES = {
    IntakeState.KEPT: "kept",
    IntakeState.KNOWN: "known already",
    IntakeState.REFUSED: "refused",
}
_JOB_ENDS = {
    JobState.DONE: "finished",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.INTERRUPTED: "interrupted",
}
_RUN_ENDS = {
    RunState.RUNNING: "Running since",
    RunState.COMPLETE: "Complete",
    RunState.CANCELLED: "Cancelled",
    RunState.FAILED: "Failed",
    RunState.INTERRUPTED: "Interrupted",
}

NONE = "—"
UNEXPECTED = (
    "Something went wrong inside Swarm Atlas. The terminal that it runs in says what; "
    "reload the page to go on."
)
EMPTY_TITLE = "Where are the people who share a torrent?"
EMPTY_LEAD = (
    "Nothing has been fetched in this world yet. Two clicks in the bar above fill this page:"
)
STEP_SCRAPE = (
    "collects .torrent files from the site in config.txt. Skip it where torrents are here already."
)
STEP_FETCH = "asks the BitTorrent DHT who shares them, and places every peer on a map."
ADD_TITLE = "Add your own"
ADD_LEAD = "drop .torrent files, folders of them, or lists of magnets, anywhere on this page"
DROP_HERE = "Drop .torrent files, folders or text files of magnets here, or click to choose files"
PASTE_LABEL = "Magnet links or infohashes, one a line"
ADD = "Add"
CHOOSE_FOLDER = "Choose a folder"
FETCH_METADATA = "Fetch their .torrent files"
REPORT = "What came of each"
NAMELESS = "a file without a name"
UNREADABLE_UPLOAD = "did not arrive whole; try again"
LAB_TITLE = "No site, or no internet?"
LAB_LEAD = (
    "The built-in lab is a made-up world on this computer: a DHT of thousands of nodes, real "
    "BitTorrent clients, an indexer site and a geography of its own. Everything on this page "
    "works in it, and no packet leaves the machine."
)
TRY_LAB = "Try it on the built-in lab"
LEAVE_LAB = "Leave the lab"
CONNECTION_LOST = "The server does not answer. Is Swarm Atlas still running in its terminal?"
NO_PEERS_YET = "no peers yet"
MAP_NOTE = "a marker per torrent and place · size: log₂ of the torrent's MB"
MAP_NOTE_MERGED = "a marker per place · size: log₂ of its torrents' median MB"
HISTOGRAM_NOTE = "peers per torrent size in MB, stacked by country"
TABLE_NOTE = "the colour key of both charts: click to hide or show"
DUPLICATES_NOTE = "A peer in two swarms counts once in each."
OUTLINES = "Outlines: Natural Earth"


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """`1 run`, `2,000 runs`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def bytes_text(count: int) -> str:
    """Decimal: `0 kB`, `640 kB`, `14.2 MB`, `1.3 GB`."""
    if count < 1_000_000:
        return f"{count / 1e3:.0f} kB"
    return f"{count / 1e6:.1f} MB" if count < 1_000_000_000 else f"{count / 1e9:.1f} GB"


def moment(at: datetime) -> str:
    """`21 Nov 2026, 10:03 UTC`."""
    return f"{at:%-d %b %Y, %H:%M} UTC"


def percent(share: float) -> str:
    """`11.8 %`; what is less than a twentieth of a percent but not nothing is `< 0.1 %`."""
    return "< 0.1 %" if 0 < share < 0.0005 else f"{share:.1%}".replace("%", " %")


def scrape_plan(per_category: object, root_url: str, categories: int, feeds: int = 0) -> str:
    """What a click on "Scrape new torrents" is going to do."""
    if not root_url:
        if feeds:
            return f"Reads {plural(feeds, 'feed')}; no site is set in config.txt (root_url=...)."
        return "No site is set: put its address into config.txt (root_url=...)."
    if not is_per_category(per_category):
        return HOW_MANY
    assert isinstance(per_category, int)
    most = categories * per_category
    each = "1 category" if categories == 1 else f"{categories} categories"
    also = f", and what is in {plural(feeds, 'feed')}" if feeds else ""
    return f"{each} x {per_category:,} = up to {most:,} torrents from {root_url}{also}"


def is_per_category(value: object) -> bool:
    """Whether `value` is a number of torrents that a scrape job accepts."""
    return isinstance(value, int) and 1 <= value <= MOST_PER_CATEGORY


def torrents_kept(torrents: int, refused: Sequence[RefusedTorrent] = (), magnets: int = 0) -> str:
    """What "Fetch new data" is going to work on, and which files it passes over."""
    kept = [plural(torrents, "collected torrent")] if torrents else []
    kept += [plural(magnets, "magnet")] if magnets else []
    if kept:
        said = f"Counts the peers of {' and '.join(kept)}"
    else:
        said = "No torrents yet: scrape some first, or add your own."
    if not refused:
        return said
    first = one_line(f"{refused[0].file_name}: {refused[0].reason}")
    return f"{said} · {plural(len(refused), 'file')} in bulkTorrents/ refused ({first})"


def magnets_waiting(count: int) -> str:
    """How many magnets have no .torrent yet; "" where none."""
    if not count:
        return ""
    wait = "waits for its .torrent" if count == 1 else "wait for their .torrent"
    return f"{plural(count, 'magnet')} {wait}, which peers can give."


def magnet_line(row: MetadataRow) -> str:
    """What came of one magnet: `Sintel: fetched`, `Sintel: no peers (Nobody was found ...)`."""
    return f"{row.input}: {row.outcome}" + (f" ({row.reason})" if row.reason else "")


def intake_sentence(outcomes: Sequence[IntakeOutcome]) -> str:
    """`3 kept, 1 known already, 2 refused:`"""
    counts = Counter(outcome.state for outcome in outcomes)
    said = [f"{counts[state]:,} {name}" for state, name in _INTAKE_STATES.items() if counts[state]]
    return f"{', '.join(said)}{':' if counts[IntakeState.REFUSED] else '.'}"


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


def run_title(run: RunSummary) -> str:
    """Which run is shown."""
    kind = "Imported run" if run.kind is RunKind.IMPORT else "Run"
    return f"{kind} of {moment(run.started_at)}"


def run_time(run: RunSummary) -> tuple[str, str]:
    """When it was, as a figure and what stands under it."""
    shown = run.started_at if run.ended_at is None else run.ended_at
    return f"{shown:%H:%M}", f"{_RUN_ENDS[run.state]} · {shown:%-d %b}, UTC"


def purge_sentence(preview: PurgePreview) -> str:
    """What a purge deletes, and what it keeps."""
    kept = f"{plural(preview.torrents_kept, 'collected torrent')}"
    if preview.runs == 0:
        return f"There is nothing to delete: no run is kept here. {kept} would be kept."
    return (
        f"This deletes {plural(preview.runs, 'run')} with {plural(preview.peers, 'peer')} "
        f"({bytes_text(preview.bytes)}), and the files bar.json and geo.json that were made of "
        f"them. There is no way back. Your {kept} will be kept."
    )


def purge_button(preview: PurgePreview) -> str:
    """The button that does it."""
    return f"Delete {plural(preview.runs, 'run')}"


def database_line(build: DatabaseBuild | None, today: date) -> str:
    """Which database placed the peers, and a warning where it is old."""
    databases = None if build is None else Databases(build)
    return source_lines(databases, today)[0].sentence


def unplaced_note(memberships: int, on_map: int) -> str:
    """How many peers the map cannot show."""
    missing = memberships - on_map
    return "" if missing <= 0 else f" · {plural(missing, 'peer')} without coordinates not shown"
