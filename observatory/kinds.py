"""What each kind of job takes and the function that does it, which is loaded when one is done.

So a process that only lists or queues jobs, such as the page, has none of their libraries, and one
that does a job has only those of that job.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from observatory.job import JobKind
from observatory.jobs import (
    Arguments,
    CompactArguments,
    DeleteArguments,
    ExportArguments,
    FetchArguments,
    ImportArguments,
    MetadataArguments,
    PurgeArguments,
    Report,
    ScrapeArguments,
)
from observatory.progress import Progress
from storage.workspace import Workspace

A = TypeVar("A", bound=Arguments)
JobFunction: TypeAlias = Callable[[Workspace, A, Progress], Report]


@dataclass(frozen=True, slots=True)
class Definition(Generic[A]):
    """A kind of job: what it takes, and what loads the function that does it."""

    arguments: type[A]
    load: Callable[[], JobFunction[A]]

    def run(
        self, workspace: Workspace, arguments: Mapping[str, object], progress: Progress
    ) -> Report:
        """Do one. It may raise any SwarmError."""
        return self.load()(workspace, self.arguments.model_validate(arguments), progress)


def _scrape() -> JobFunction[ScrapeArguments]:
    from observatory.scrape import scrape

    return scrape


def _fetch() -> JobFunction[FetchArguments]:
    from observatory.fetch import fetch

    return fetch


def _purge() -> JobFunction[PurgeArguments]:
    from observatory.purge import purge

    return purge


def _import() -> JobFunction[ImportArguments]:
    from observatory.interchange import import_classic

    return import_classic


def _export() -> JobFunction[ExportArguments]:
    from observatory.interchange import export_classic

    return export_classic


def _metadata() -> JobFunction[MetadataArguments]:
    from observatory.metadata import metadata

    return metadata


def _delete() -> JobFunction[DeleteArguments]:
    from observatory.upkeep import delete_runs

    return delete_runs


def _compact() -> JobFunction[CompactArguments]:
    from observatory.upkeep import compact_runs

    return compact_runs


KINDS: dict[JobKind, Definition[Any]] = {
    JobKind.SCRAPE: Definition(ScrapeArguments, _scrape),
    JobKind.FETCH: Definition(FetchArguments, _fetch),
    JobKind.PURGE: Definition(PurgeArguments, _purge),
    JobKind.IMPORT: Definition(ImportArguments, _import),
    JobKind.EXPORT: Definition(ExportArguments, _export),
    JobKind.METADATA: Definition(MetadataArguments, _metadata),
    JobKind.DELETE: Definition(DeleteArguments, _delete),
    JobKind.COMPACT: Definition(CompactArguments, _compact),
}
