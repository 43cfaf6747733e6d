"""What the Overview says: its bar, numbers, charts and table, and how it is empty. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.tables import UNKNOWN_SIZE
from dashboard.words.writing import bytes_text, plural
from observatory.purge import PurgePreview
from storage.torrents import RefusedTorrent
from swarm.text import one_line

MOST_PER_CATEGORY = 10_000  # what a scrape job takes at most
HOW_MANY = f"How many torrents of each category? A whole number, 1 to {MOST_PER_CATEGORY:,}."
EMPTY_TITLE = "Where are the people who share a torrent?"
EMPTY_LEAD = (
    "Nothing has been fetched in this world yet. Two clicks in the bar above fill this page:"
)
STEP_SCRAPE = (
    "collects .torrent files from the site in config.txt. Skip it where torrents are here already."
)
STEP_FETCH = "asks the BitTorrent DHT who shares them, and places every peer on a map."
LAB_TITLE = "No site, or no internet?"
LAB_LEAD = (
    "The built-in lab is a made-up world on this computer: a DHT of thousands of nodes, real "
    "BitTorrent clients, an indexer site and a geography of its own. Everything on this page "
    "works in it, and no packet leaves the machine."
)
TRY_LAB = "Try it on the built-in lab"
NO_PEERS_YET = "no peers yet"
MAP_NOTE_CLASSIC = "a marker per torrent and place · size: log₂ of the torrent's MB"
MAP_NOTE_MERGED = "a marker per place · size: log₂ of its torrents' median MB"
HISTOGRAM_NOTE = "peers per size of torrent in MB; a bin narrows"
TABLE_NOTE = "a name narrows, a colour hides"
DISTINCT_PEERS = "Distinct peers"
MEMBERSHIPS = "Peers, once per swarm"
SEEDS = "Seeds, est."
DOWNLOADERS = "Downloaders, est."
SWARMS_COUNTED = "Swarms counted"
SWARMS_WITH_PEERS = "Swarms with peers"
PLACES = "Places"
LOCATED = "Peers located"
RECALL = "Known peers found"
RECALL_SO_FAR = "Known found so far"
RECALL_UNKNOWN = "Recall: not measured"
MEDIAN = "Median"
COMPARED = "Compared"
NARROWED_TO = "Narrowed to"
SHOW_ALL = "Show all"
A_PLACE = "a place on the map"
MOST_SHARED = "Most shared here:"
FILTER_COUNTRIES = "All countries"
FILTER_CATEGORIES = "All categories"
NOTHING_TO_TAKE = "There is no such file to take along; the page's menus name those that there are."
NO_RUN_TO_TAKE = "There is no run to take anything of yet."
ANOTHER_IMAGE = "Another image is being drawn: try again in a minute, or take HTML."
DUPLICATES_NOTE = "A peer in two swarms counts once in each."


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


def within(interval: str) -> str:
    """The interval of an estimate, as it stands below it."""
    return f"95 %: {interval}"


def others(count: int) -> str:
    """The row of all countries without a colour of their own."""
    return f"Other ({count})"


def colour_of(name: str) -> str:
    """What the button with a country's colour does."""
    return f"{name}: shown in both charts"


def take_along(title: str) -> str:
    """What the menu of a chart or table is for."""
    return f"Take along: {title}"


def size_bin(label: str) -> str:
    """A bin of the histogram: `300 - 399 MB`."""
    return label if label == UNKNOWN_SIZE else f"{label} MB"


def one_swarm(number: int) -> str:
    """A swarm that the page is narrowed to."""
    return f"swarm no. {number}"


def no_longer(what: str) -> str:
    """What a click on a word of what is narrowed to does."""
    return f"No longer narrow to {what}"
