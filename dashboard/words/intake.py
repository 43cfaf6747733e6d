"""What adding files and magnets says. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dashboard.words.writing import plural
from observatory.intake import IntakeOutcome, IntakeState
from observatory.jobs import MetadataRow

_INTAKE_STATES = {
    IntakeState.KEPT: "kept",
    IntakeState.KNOWN: "known already",
    IntakeState.REFUSED: "refused",
}
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
