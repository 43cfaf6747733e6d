"""Job: one entry of the board: which kind it is, and how it stands. Loads nothing heavy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.schema import JobRow


class JobKind(StrEnum):
    """What a job does."""

    SCRAPE = "scrape"
    FETCH = "fetch"
    PURGE = "purge"
    IMPORT = "import"
    EXPORT = "export"
    METADATA = "metadata"
    DELETE = "delete"
    COMPACT = "compact"


class JobState(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # its process was killed


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the page and the command line see it."""

    id: int
    kind: JobKind
    state: JobState
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    doing: str
    done: int
    total: int | None
    counts: Mapping[str, int]
    message: str | None  # the closing sentence, or what went wrong
    report: Mapping[str, Any] | None  # what the job returned

    @property
    def is_active(self) -> bool:
        """Whether it is waiting or running."""
        return self.state in (JobState.QUEUED, JobState.RUNNING)


def row_to_job(row: JobRow) -> Job:
    """The value object of a catalogue row."""
    return Job(
        id=row.id,
        kind=JobKind(row.kind),
        state=JobState(row.state),
        created_at=row.created_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        doing=row.doing,
        done=row.done,
        total=row.total,
        counts=row.counts,
        message=row.message,
        report=row.report,
    )
