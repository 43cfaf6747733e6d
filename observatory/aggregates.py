"""After each run: json/bar.json and json/geo.json, so that old notebooks go on working."""

from __future__ import annotations

import polars as pl

from analysis.classic_export import bar_document, run_records
from storage.classic import write_aggregates
from storage.runs import RunReader, open_run
from storage.workspace import Workspace

AGGREGATES = ("bar.json", "geo.json")  # what stands in json/


def write_classic_aggregates(workspace: Workspace, run_id: str) -> None:
    """Write both files for one run.

    Raises:
        StorageError: the disk refuses; the run itself is not touched.
    """
    run = open_run(workspace.runs_dir, run_id)
    swarms, sightings, tallies = run_frames(run)
    records = run_records(swarms, sightings, tallies, run_date=run.manifest.started_at.date())
    write_aggregates(workspace.json_dir, bar=bar_document(swarms, tallies), geo=dict(records))


def run_frames(run: RunReader) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Swarms, sightings and tallies of a run, loaded."""
    return run.swarms().collect(), run.sightings().collect(), run.tallies().collect()
