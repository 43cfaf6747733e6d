"""The run archive: all runs with what they take on disk, one in detail, two compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from observatory.summaries import RunSummary, summarise
from storage.manifest import Manifest
from storage.parts import PART_KINDS, generations
from storage.runs import RunReader, list_runs, open_run
from storage.workspace import Workspace, size_on_disk
from swarm.errors import StorageError
from swarm.text import percent

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ArchivedRun:
    """A run of the list. One whose manifest does not read has no summary, and says why."""

    run_id: str
    summary: RunSummary | None
    broken: str | None
    size_bytes: int
    parts: int


@dataclass(frozen=True, slots=True)
class RunDetails:
    """One run with its files."""

    manifest: Manifest
    size_bytes: int
    parts: Mapping[str, int]  # by kind, the files that readers read
    compactions: int
    other_files: tuple[str, ...]  # swarms, tallies, roll-ups, methods.md, and what was replaced


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs side by side; the tables are those of `analysis.comparison`."""

    before: RunSummary
    after: RunSummary
    unlinked: str | None  # why new, stayed and gone are not told; None: they are
    cautions: tuple[str, ...]  # what else a reader of the numbers has to know
    torrents_in_both: int
    torrents_before_only: int
    torrents_after_only: int
    countries: pl.DataFrame
    places: pl.DataFrame
    torrents: pl.DataFrame


def archived_runs(workspace: Workspace) -> list[ArchivedRun]:
    """Every run of the workspace, newest first, read from the files themselves."""
    return [_archived(run) for run in reversed(list(list_runs(workspace.runs_dir)))]


def run_details(workspace: Workspace, run_id: str) -> RunDetails:
    """One run with its files.

    Raises:
        StorageError: there is no such run, or its manifest does not read.
    """
    run = open_run(workspace.runs_dir, run_id)
    parts = {kind: run.parts(kind) for kind in PART_KINDS}
    live = {path for paths in parts.values() for path in paths}
    files = (path for path in run.folder.rglob("*") if path.is_file() and path not in live)
    return RunDetails(
        manifest=run.manifest,
        size_bytes=size_on_disk(run.folder),
        parts={kind: len(paths) for kind, paths in parts.items()},
        compactions=len(generations(run.folder)),
        other_files=tuple(sorted(str(path.relative_to(run.folder)) for path in files)),
    )


def compare_runs(workspace: Workspace, before_id: str, after_id: str) -> RunComparison:
    """What changed from one run to the other.

    Raises:
        StorageError: there is no such run, or a part of it does not read.
    """
    import polars as pl  # NumPy, too, stays out of `runs list`

    from analysis.comparison import compare_countries, compare_places, compare_torrents
    from observatory.snapshots import snapshot_of

    readers = [open_run(workspace.runs_dir, run_id) for run_id in (before_id, after_id)]
    first, second = (reader.manifest for reader in readers)
    before, after = (snapshot_of(reader) for reader in readers)
    unlinked = _why_unlinked(first, second)
    torrents = compare_torrents(before, after, linked=unlinked is None)
    known = torrents.select(
        both=(pl.col("before").is_not_null() & pl.col("after").is_not_null()).sum(),
        before_only=pl.col("after").is_null().sum(),
        after_only=pl.col("before").is_null().sum(),
    ).row(0)
    return RunComparison(
        before=summarise(first),
        after=summarise(second),
        unlinked=unlinked,
        cautions=tuple(_cautions(first, second)),
        torrents_in_both=known[0],
        torrents_before_only=known[1],
        torrents_after_only=known[2],
        countries=compare_countries(before, after, linked=unlinked is None),
        places=compare_places(before, after, linked=unlinked is None),
        torrents=torrents,
    )


def _archived(run: RunReader) -> ArchivedRun:
    summary, broken = None, None
    try:
        summary = summarise(run.manifest)
    except StorageError as error:
        broken = str(error)
    parts = sum(len(run.parts(kind)) for kind in PART_KINDS)
    return ArchivedRun(run.run_id, summary, broken, size_on_disk(run.folder), parts)


def _why_unlinked(first: Manifest, second: Manifest) -> str | None:
    if first.shares_pseudonyms_with(second):
        return None
    if first.key_id is None or second.key_id is None:
        return (
            "one of the runs is of an older version that did not say which key its pseudonyms "
            "have, so nobody can tell whether a peer of one is a peer of the other"
        )
    if first.key_id == second.key_id:
        return (
            "an older version made the pseudonyms of one of them in another way, so nobody can "
            "tell whether a peer of one is a peer of the other"
        )
    return (
        "the key of the pseudonyms was changed between the runs, so nobody can tell whether a "
        "peer of one is a peer of the other"
    )


def _cautions(first: Manifest, second: Manifest) -> list[str]:
    said = []
    if first.database != second.database:
        said.append(
            "Different databases placed the peers: some moved on the map without moving on earth."
        )
    if first.kind is not second.kind:
        said.append("One is a crawl, the other an import of another tool's records.")
    recalls = [run.counts.recall for run in (first, second)]
    found = [percent(recall) for recall in recalls if recall is not None]
    if len(found) == 2:
        missed = any(recall != 1 for recall in recalls)
        end = ": some only look gone, or new." if missed else "."
        said.append(f"Of peers known to be there, {found[0]} and {found[1]} were found{end}")
    if any(run.counts.swarms_complete < run.counts.swarms_total for run in (first, second)):
        said.append("Not every lookup came to its own end, so some peers only look gone, or new.")
    return said
