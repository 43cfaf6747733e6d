"""What Swarms and a swarm's own page say. Pure."""

from __future__ import annotations

from dashboard.words.writing import percent, plural

SWARMS_LEAD = (
    "Every torrent that the shown run asked for. A click on a row, or Enter in it, opens the swarm."
)
NO_SWARMS = (
    "No swarm to show. Widen what the list is narrowed to, or fetch new data on the Overview."
)
FILTER_STATES = "All states"
CHOOSE_COLUMNS = "Columns"
SHOWN_COLUMNS = "Columns that are shown"
SEARCH_SWARMS = "Search by name or infohash"
COLUMN_NAME = "Name"
COLUMN_CATEGORY = "Category"
COLUMN_SIZE = "Size"
COLUMN_ESTIMATE = "Estimated (95 %)"
COLUMN_SEEDS = "Seeds (95 %)"
COLUMN_COUNTRIES = "Top countries"
COLUMN_SOURCES = "Asked"
COLUMN_SEEN = "Last seen, UTC"
COLUMN_STATE = "State"
BEING_ASKED = "being asked"
SWARM_LEAD = "What the shown run knows of this swarm."
SWARM_NOT_IN_RUN = "The run that is shown did not ask for this swarm. What else is known of it:"
TO_SWARMS = "To all swarms"
INFOHASH = "Infohash"
MAGNET = "Magnet"
MAGNET_LINK = "Magnet link"
ABOUT = "About"
FETCH_AGAIN = "Fetch again"
FETCH_AGAIN_PLAN = (
    "Asks who shares this swarm alone, as config.txt says. It is a run of its own, and the latest."
)
FETCH_AGAIN_PRIVATE = "It is private (BEP 27): only its own trackers are asked, never the DHT."
FETCH_AGAIN_STARTED = "This swarm is being asked for again; Jobs says how far it is."
NOT_ONE_INFOHASH = "This address names no swarm."
WHERE_PEERS_ARE = "Where its peers are"
NETWORKS = "Networks"
SOURCES = "Who named its peers"
TRACKERS = "Trackers"
FILES = "Files"
HISTORY = "Over the runs"
ONE_RUN_SO_FAR = "One run has asked for it. Fetch it again, and this becomes a curve."
UNKNOWN_NETWORK = "unknown network"
HOSTING = {True: "likely hosting", False: "", None: ""}
BY_COUNTRY = ("Country", "Peers", "Share")
BY_NETWORK = ("Network", "Number", "Kind", "Peers")
BY_SOURCE = ("Source", "Peers", "Named by it alone")
BY_SOURCES = ("Named by", "Peers", "Share")
BY_RUN = ("Run", "State", "Found", "Estimated (95 %)", "Seeds (95 %)")
BY_FILE = ("File", "Size")
BY_TRACKER = ("Tracker", "Question", "Outcome", "Seeds", "Downloaders", "Named", "In its own words")
TRACKERS_NOTE = (
    "What each tracker said last in this run. Their counts overlap by an unknown part: they are "
    "never added up."
)
NOT_ASKED = "not asked in this run"
NO_FILES = "Its .torrent is not collected here, and only that names the files."
PRIVATE = "Private"
PRIVATE_SAID = "yes (BEP 27)"
FORMAT = "Format"
NOTHING_KNOWN = "Nothing is known."


def files_said(count: int) -> str:
    """Above the table of files."""
    return plural(count, "file")


def hosting_said(hosted: int, known: int, unknown: int) -> str:
    """The share of likely hosting among the peers whose network is known."""
    if not known:
        return "Likely hosting: not known of any peer."
    said = f"Likely hosting: {percent(hosted / known)} of {plural(known, 'peer')}"
    return f"{said}; of {unknown:,} more nobody can say." if unknown else f"{said}."


def swarms_found(total: int) -> str:
    """How long the list is."""
    return plural(total, "swarm")


def no_such_swarm(infohash: str) -> str:
    """What is said where no run knows an infohash."""
    return f"The run that is shown knows no swarm {infohash}."
