"""What Methods says. Pure."""

from __future__ import annotations

OUTLINES = "Outlines: Natural Earth"
METHODS_LEAD = "How the numbers of the shown run came about, and what they do not say."
NO_RUN_YET = "There is no run in this world yet. Fetch new data on the Overview makes one."
METHODS_JUST_NOW = (
    "Made just now from what the run has: the text that stays is written when a run ends, and runs "
    "of older versions have none."
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
