"""The purge job: every run, the aggregates and the kept nodes go, every torrent stays."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from observatory.aggregates import AGGREGATES
from observatory.configuration import open_catalogue
from observatory.jobs import PurgeArguments, Report
from observatory.progress import Progress
from storage.runs import delete_run, list_runs
from storage.workspace import Workspace, size_on_disk

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class PurgePreview:
    """What a purge would delete and keep."""

    runs: int
    peers: int
    bytes: int
    torrents_kept: int


def preview_purge(workspace: Workspace, catalogue: Catalogue) -> PurgePreview:
    """Count what a purge would delete; deletes nothing."""
    runs = list(list_runs(workspace.runs_dir))
    return PurgePreview(
        runs=len(runs),
        peers=sum(manifest.counts.peers for manifest in catalogue.runs()),
        bytes=sum(size_on_disk(run.folder) for run in runs),
        torrents_kept=catalogue.count_torrents(),
    )


def purge(workspace: Workspace, arguments: PurgeArguments, progress: Progress) -> Report:
    """Delete all runs, json/*.json and the kept DHT nodes, which are people's addresses too.

    Killed in the middle, a second purge ends the work.
    """
    runs = list(list_runs(workspace.runs_dir))
    with closing(open_catalogue(workspace)) as catalogue:
        for done, run in enumerate(runs):
            progress.report("Deleting runs", done, len(runs))
            catalogue.forget_run(run.run_id)  # first: the page reads what the catalogue names
            delete_run(workspace.runs_dir, run.run_id)
        catalogue.replace_runs([])
    for aggregate in AGGREGATES:
        (workspace.json_dir / aggregate).unlink(missing_ok=True)
    workspace.nodes_path.unlink(missing_ok=True)
    return Report(
        sentence=f"{len(runs)} runs deleted; all torrents are still there.",
        figures={"runs": len(runs)},
    )
