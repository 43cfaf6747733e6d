"""The delete and compact jobs: what is done to runs that have ended."""

from __future__ import annotations

from contextlib import closing, suppress

from observatory.aggregates import AGGREGATES, write_classic_aggregates
from observatory.configuration import open_catalogue
from observatory.jobs import CompactArguments, DeleteArguments, Report
from observatory.progress import Progress
from observatory.rollups import keep_rollup
from storage.compaction import Compaction, compact_run
from storage.manifest import RunState
from storage.runs import RunReader, delete_run, list_runs, open_run
from storage.workspace import Workspace
from swarm.errors import JobRefused, StorageError


def delete_runs(workspace: Workspace, arguments: DeleteArguments, progress: Progress) -> Report:
    """Delete runs that have ended; json/*.json become those of the latest that is left.

    Killed in the middle, the same job ends the work.

    Raises:
        StorageError: there is no such run; then none is deleted.
        JobRefused: one is running; then none is deleted.
    """
    runs = [open_run(workspace.runs_dir, run_id) for run_id in dict.fromkeys(arguments.run_ids)]
    for run in runs:
        if _is_running(run):
            raise JobRefused(f"run {run.run_id} is running: wait until it ends, or cancel it first")
    with closing(open_catalogue(workspace)) as catalogue:
        shown = catalogue.latest_run_id()
        for done, run in enumerate(runs):
            progress.report("Deleting runs", done, len(runs))
            catalogue.forget_run(run.run_id)  # first: the page reads what the catalogue names
            delete_run(workspace.runs_dir, run.run_id)
        latest = catalogue.latest_run_id()
    if latest is None:
        for name in AGGREGATES:
            (workspace.json_dir / name).unlink(missing_ok=True)
    elif latest != shown:
        write_classic_aggregates(workspace, latest)
    return Report(sentence=f"{_runs(len(runs))} deleted.", figures={"runs": len(runs)})


def compact_runs(workspace: Workspace, arguments: CompactArguments, progress: Progress) -> Report:
    """Make few parts of many, in the runs named, or in all that have ended.

    A run that cannot be compacted stays as it is and is named in the report.

    Raises:
        StorageError: a run that was named is not there; then nothing is compacted.
    """
    if arguments.run_ids is None:
        runs = list(list_runs(workspace.runs_dir))
    else:
        runs = [open_run(workspace.runs_dir, run_id) for run_id in arguments.run_ids]
    compacted: list[Compaction] = []
    refused: list[str] = []
    for number, run in enumerate(runs):

        def report(done: int, total: int, doing: str = f"Compacting {run.run_id}") -> None:
            progress.report(doing, done, total, compacted=len(compacted))

        progress.report(f"Looking at {run.run_id}", number, len(runs), compacted=len(compacted))
        try:
            found = compact_run(run, report=report)
        except StorageError as error:
            refused.append(f"{run.run_id}: {error}")
            continue
        if found is not None:
            compacted.append(found)
        progress.report(f"Counting {run.run_id}", number, len(runs), compacted=len(compacted))
        with suppress(StorageError):  # a full disk: it is made when it is first asked for
            keep_rollup(run)  # it is named after the parts that it was made from
    if refused and not compacted and len(refused) == len(runs):
        raise StorageError(refused[0])
    before = sum(found.parts_before for found in compacted)
    after = sum(found.parts_after for found in compacted)
    sentence = f"{before:,} parts became {after:,}, in {_runs(len(compacted))}."
    if not compacted:
        sentence = "Nothing to compact: every run has few parts already."
    if refused:
        sentence += f" {_runs(len(refused))} stayed as they were."
    return Report(
        sentence=sentence,
        figures={
            "runs": len(compacted),
            "parts_before": before,
            "parts_after": after,
            "bytes_before": sum(found.bytes_before for found in compacted),
            "bytes_after": sum(found.bytes_after for found in compacted),
        },
        refused=refused,
    )


def _is_running(run: RunReader) -> bool:
    try:
        return run.manifest.state is RunState.RUNNING
    except StorageError:
        return False  # a run whose manifest does not read can be deleted


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"
