"""What a terminal shows: progress bars for a person, plain lines in a pipe, JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from observatory.job import Job, JobState
from observatory.progress import Progress, Throttled
from swarm.text import one_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

DONE, FAILED, USAGE = 0, 1, 2
_PLAIN_INTERVAL_S = 2.0

# Tables keep their columns in a pipe, where there is no width to fit into.
console = Console(width=None if sys.stdout.isatty() else 160)
_complaints = Console(stderr=True)

JsonFlag = Annotated[
    bool, typer.Option("--json", help="Print one JSON object as the last line, nothing else.")
]


def complain(sentence: str) -> None:
    """Tell a person what went wrong, on standard error."""
    _complaints.print(Text(one_line(sentence), style="red"), soft_wrap=True)


def print_json(document: Mapping[str, object]) -> None:
    """One JSON object on one line of standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


@contextmanager
def watch_job(*, quiet: bool) -> Iterator[Progress]:
    """Where a job reports while it runs: a bar, plain lines, or (`quiet`) nothing."""
    if quiet:
        yield _Silence()
    elif console.is_terminal:
        from rich.progress import (  # for a person at a terminal alone
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        with RichProgress(
            TextColumn("{task.description}", table_column=None),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}", style="dim"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        ) as bars:
            yield _Bar(bars)
    else:
        yield Throttled(_PlainLines(), interval_s=_PLAIN_INTERVAL_S)


def leave(job: Job, *, as_json: bool) -> None:
    """Print how a job ended and leave with its exit code."""
    if as_json:
        print_json({"job": job.id, "kind": job.kind, "state": job.state, **job_document(job)})
    elif job.state is JobState.DONE:
        console.print(Text(one_line(job.message or "")), soft_wrap=True)
    else:
        complain(job.message or f"The job is {job.state}.")
    if job.state is not JobState.DONE:
        raise typer.Exit(FAILED)


def job_document(job: Job) -> dict[str, object]:
    """The report of a job as flat JSON."""
    report = dict(job.report or {})
    figures = report.pop("figures", {})
    report.pop("sentence", None)
    return {"message": job.message, **report, **figures}


def counts_text(counts: Mapping[str, int]) -> str:
    """`1,204 peers · 3,411 packets sent`"""
    return " · ".join(f"{value:,} {name.replace('_', ' ')}" for name, value in counts.items())


class _Silence:
    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        pass


class _Bar:
    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None, counts="")

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        # Names come from torrents and sites: shown as text, never as markup.
        shown = escape(one_line(doing)[:60])
        self._bars.update(
            self._task, description=shown, completed=done, total=total, counts=counts_text(counts)
        )


class _PlainLines:
    def __init__(self) -> None:
        self._started = time.monotonic()

    def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
        of = "" if total is None else f" {done:,}/{total:,}"
        said = one_line(f"{doing}{of} {counts_text(counts)}")
        line = f"[{time.monotonic() - self._started:6.1f} s] {said}"
        sys.stdout.write(line.rstrip() + "\n")
        sys.stdout.flush()
