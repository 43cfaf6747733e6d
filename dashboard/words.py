"""Every sentence of the page, and how numbers and times are written in them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from analysis.estimate import Estimate
from analysis.tables import UNKNOWN_SIZE
from observatory.intake import IntakeOutcome, IntakeState
from observatory.jobs import Job, JobKind, JobState, MetadataRow
from observatory.purge import PurgePreview
from observatory.summaries import RunSummary
from storage.manifest import RunKind, RunState
from storage.torrents import RefusedTorrent
from swarm.text import one_line

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
MAP_NOTE_CLASSIC = "a marker per torrent and place · size: log₂ of the torrent's MB"
MAP_NOTE_MERGED = "a marker per place · size: log₂ of its torrents' median MB"
HISTOGRAM_NOTE = "peers per torrent size in MB, stacked by country; click a bin to narrow"
TABLE_NOTE = "a name narrows everything to it; a colour hides it in both charts"
DISTINCT_PEERS = "Distinct peers"
MEMBERSHIPS = "Peers, once per swarm"
SEEDS = "Seeds, estimated"
DOWNLOADERS = "Downloaders, estimated"
SWARMS_COUNTED = "Swarms counted"
SWARMS_WITH_PEERS = "Swarms with peers"
COUNTRIES = "Countries"
PLACES = "Places"
LOCATED = "Peers located"
RECALL = "Known peers found"
RECALL_UNKNOWN = "Recall: not measured"
COUNTRY = "Country"
PEERS = "Peers"
SHARE = "Share"
MEDIAN = "Median"
COMPARED = "Compared"
NARROWED_TO = "Narrowed to"
SHOW_ALL = "Show all"
NO_CATEGORY = "No category"
A_PLACE = "a place on the map"
MOST_SHARED = "Most shared here:"
FILTER_COUNTRIES = "All countries"
FILTER_CATEGORIES = "All categories"
DUPLICATES_NOTE = "A peer in two swarms counts once in each."
OUTLINES = "Outlines: Natural Earth"


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
DELETE = "Delete"
KEEP_THEM = "Keep them"
DELETE_STARTED = "The runs are being deleted; Jobs says when that is done."
COMPARED_COUNTS = ("before", "after", "new", "stayed", "gone")
SWARMS_LEAD = "Every torrent that the shown run asked for. Click a row to see the swarm."
SEARCH_SWARMS = "Search by name or infohash"
COLUMN_NAME = "Name"
COLUMN_CATEGORY = "Category"
COLUMN_SIZE = "Size"
COLUMN_ESTIMATE = "Estimated (95 %)"
COLUMN_SEEDS = "Seeds (95 %)"
COLUMN_COUNTRIES = "Top countries"
COLUMN_SOURCES = "Asked"
COLUMN_SEEN = "Last seen"
COLUMN_STATE = "State"
BEING_ASKED = "being asked"
SWARM_LEAD = "What the shown run knows of this swarm."
TO_SWARMS = "To all swarms"
INFOHASH = "Infohash"
MAGNET = "Magnet"
MAGNET_LINK = "magnet link"
ABOUT = "About"
NETWORKS = "Networks"
SOURCES = "Who named its peers"
HISTORY = "Over the runs"
UNKNOWN_NETWORK = "unknown network"
HOSTING = {True: "likely hosting", False: "", None: ""}
BY_COUNTRY = ("Country", "Peers", "Share")
BY_NETWORK = ("Network", "Kind", "Peers")
BY_SOURCE = ("Source", "Peers", "Named by it alone")
BY_RUN = ("Run", "Peers found", "Estimated (95 %)")
NOTHING_KNOWN = "Nothing is known."
JOBS_LEAD = "What was started in this world, how far it is, and how it ended."
RUNNING_JOB = "The running job"
PAST_JOBS = "Jobs that ended"
JOB_COLUMNS = ("No.", "Job", "State", "Started", "Took", "In its own words")
JOB_REPORT = "Report"
NO_JOBS = "No job has ended yet. Scrape and Fetch on the Overview start one."
OLDER_JOBS = "Show older jobs"
CANCEL = "Cancel"
CANCEL_ASKED = "The job was asked to stop; it does so after the step that it is at."
METHODS_LEAD = "How the numbers of the shown run came about, and what they do not say."
NO_RUN_YET = "There is no run in this world yet. Fetch new data on the Overview makes one."
NO_METHODS_YET = (
    "The full text is written when a run ends. Runs of older versions, and runs that are still "
    "going, have none; docs/how-we-count.md says how each number is made."
)
DATABASES = "Who placed the peers"
COVERAGE = "Coverage"
CAPS = "Limits of this run"
SWARMS_ASKED = "Swarms asked for"
SWARMS_COMPLETE = "Complete"
SWARMS_CUT_OFF = "Cut off by the deadline"
SWARMS_UNREACHABLE = "Unreachable: unknown, not 0"
PEERS_FOUND = "Peers found, once in each swarm"
RECALL_OF_RUN = "Recall: known peers that were found"
RECALL_NOT_MEASURED = "not measured: none was known beforehand"
IMPORT_HAS_NO_CAPS = "An import: nobody was asked, and nothing was limited."
CODE_VERSION = "Made by version"
CAP_NAMES = {
    "max_packets_per_s": "Packets a second at most (0: no limit)",
    "crawl_deadline_s": "Seconds until the deadline",
    "processes": "Processes (0: one per core)",
    "max_connections": "Connections at once",
}


def and_more(count: int) -> str:
    """What a list leaves out."""
    return f"… and {count:,} more"


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


def latest_run(run: RunSummary | None) -> str:
    """The run picker's first choice: `Latest run · 21 Nov 2026, 10:03 UTC`."""
    if run is None:
        return LATEST_RUN
    name = "Live run" if run.state is RunState.RUNNING else LATEST_RUN
    return f"{name} · {moment(run.started_at)}"


def run_choice(run: RunSummary) -> str:
    """A run of the archive, as the run picker offers it."""
    kind = "import" if run.kind is RunKind.IMPORT else run.state.value
    return f"{moment(run.started_at)} · {plural(run.peers, 'peer')} · {kind}"


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
    return f"{kind} of {moment(run.started_at)}"


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


def map_note(cell_deg: float | None) -> str:
    """What a marker of the map stands for."""
    if cell_deg is None:
        return "a marker per place · area: peers"
    return f"area: peers · places within {cell_deg:g}° share a marker, zoom in to part them"


def shaded_note(peers: int) -> str:
    """How many peers the layer of countries stands for."""
    return "" if peers <= 0 else f" · {plural(peers, 'peer')} known to a country only, as shades"


def unplaced_note(peers: int) -> str:
    """How many peers the map cannot show."""
    return "" if peers <= 0 else f" · {plural(peers, 'peer')} of unknown place not shown"


def interval(estimate: Estimate) -> str:
    """`1,204 to 1,377`; where nothing bounds it, `1,204 or more`."""
    if estimate.high is None:
        return f"{estimate.low:,.0f} or more"
    return f"{estimate.low:,.0f} to {estimate.high:,.0f}"


def others(count: int) -> str:
    """The row of all countries without a colour of their own."""
    return f"Other ({count})"


def colour_of(name: str) -> str:
    """What the button with a country's colour does."""
    return f"{name}: shown in both charts"


def size_bin(label: str) -> str:
    """A bin of the histogram: `300 - 399 MB`."""
    return label if label == UNKNOWN_SIZE else f"{label} MB"


def one_swarm(number: int) -> str:
    """A swarm that the page is narrowed to."""
    return f"swarm no. {number}"


def no_longer(what: str) -> str:
    """What a click on a word of what is narrowed to does."""
    return f"No longer narrow to {what}"


def between(value: float | None, low: float | None, high: float | None) -> str:
    """An estimate with its interval: `120 (112 to 131)`; a dash where there is none."""
    if value is None or low is None:
        return NONE
    return f"{value:,.0f} ({interval(Estimate(value, low, high))})"


def swarms_found(total: int) -> str:
    """How long the list is."""
    return plural(total, "swarm")


def no_such_swarm(infohash: str) -> str:
    """What is said where no run knows an infohash."""
    return f"The run that is shown knows no swarm {infohash}."


def delete_sentence(count: int) -> str:
    """What deleting runs takes away."""
    if count == 0:
        return "No run is chosen."
    return f"This deletes {plural(count, 'run')} with all peers in them. There is no way back."


def compared(before: RunSummary, after: RunSummary) -> str:
    """Which two runs are compared."""
    return f"{moment(before.started_at)}, and then {moment(after.started_at)}"


def compare_columns(title: str) -> tuple[str, ...]:
    """The columns of a comparison's table."""
    return (title, "Before", "After", "New", "Stayed", "Gone")


def unlinked(why: str) -> str:
    """Why a comparison does not say who came and went."""
    return f"New, stayed and gone are not told: {why}."


def torrents_compared(both: int, before_only: int, after_only: int) -> str:
    """How far two runs asked for the same."""
    return (
        f"{plural(both, 'torrent')} in both runs, {before_only:,} in the first alone, "
        f"{after_only:,} in the second alone. Countries and places count those in both."
    )
