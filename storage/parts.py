"""Which files of a run's folder are its live parts.

Parts stand in the folder as `<kind>-<number>.parquet`. Compacting writes anew what all of them
below number N say, into a folder `compacted-N-G` that appears whole, by one rename. From then on
live are that folder's parts and those numbered N and above; what it replaced lies there for a while
for readers that had begun, and is then swept. See docs/adr/0013-files-are-the-truth.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PART_KINDS = ("sightings", "outcomes", "trackers", "visits")
_COMPACTED = re.compile(r"compacted-(\d{6,})-(\d{4,})")


@dataclass(frozen=True, order=True, slots=True)
class Generation:
    """One compaction of a run: it replaced every part numbered below `first_loose`."""

    first_loose: int
    number: int

    @property
    def folder_name(self) -> str:
        """Of the folder that holds its parts."""
        return f"compacted-{self.first_loose:06d}-{self.number:04d}"


def generations(run_folder: Path) -> list[Generation]:
    """The compactions whose parts are in the folder, the live one last."""
    found = (_COMPACTED.fullmatch(path.name) for path in run_folder.glob("compacted-*"))
    return sorted(Generation(int(match[1]), int(match[2])) for match in found if match)


def live_parts(run_folder: Path, kind: str) -> list[Path]:
    """The parts of one kind that readers are to read, in the order in which they were written.

    They stay readable for at least `storage.compaction.GRACE` after a compaction replaced them.
    """
    compacted: list[Path] = []
    first_loose = 0
    if past := generations(run_folder):
        first_loose = past[-1].first_loose
        compacted = sorted((run_folder / past[-1].folder_name).glob(f"{kind}-*.parquet"))
    loose = sorted(run_folder.glob(f"{kind}-*.parquet"))
    return [*compacted, *(part for part in loose if part_number(part) >= first_loose)]


def part_number(part: Path) -> int:
    """The number that ends a part's name."""
    return int(part.stem.rpartition("-")[2])


def next_part_number(run_folder: Path) -> int:
    """A number above that of every part, live or replaced."""
    taken = [past.first_loose - 1 for past in generations(run_folder)]
    for kind in PART_KINDS:
        taken += [part_number(part) for part in run_folder.glob(f"{kind}-*.parquet")]
    return max(taken, default=-1) + 1
