"""How benchmarks print what they measured, and on which machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """A figure, what it should be at least (or at most), and what it came to."""

    figure: str
    wanted: str
    reached: str
    holds: bool

    @property
    def row(self) -> tuple[str, str, str, str]:
        """As a row of a table."""
        return self.figure, self.wanted, self.reached, "yes" if self.holds else "NO"


def print_verdicts(verdicts: Iterable[Verdict]) -> None:
    """Print all verdicts as a Markdown table."""
    print_table(("figure", "wanted", "reached", "holds"), [verdict.row for verdict in verdicts])


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a Markdown table with columns that line up."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    for number, line in enumerate(lines):
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print(f"| {' | '.join(cells)} |")
        if number == 0:
            print(f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    print(flush=True)


def machine() -> str:
    """The machine in one sentence, with its load, since others may be working on it."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    python = platform.python_version()
    return f"{cores} cores ({_processor()}), {_system()}, Python {python}; load {load:.1f} at start"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()
