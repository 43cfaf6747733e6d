"""After each run: json/bar.json and json/geo.json, so that old notebooks go on working."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from storage.classic import write_aggregates
from storage.runs import RunReader, open_run
from storage.workspace import Workspace

AGGREGATES = ("bar.json", "geo.json")  # what stands in json/
_PEERS_AT_ONCE = 1_000_000  # their records take some 200 MB as Python objects


def write_classic_aggregates(workspace: Workspace, run_id: str) -> None:
    """Write both files for one run.

    Raises:
        StorageError: the disk refuses; the run itself is not touched.
    """
    from analysis.classic_export import bar_document  # NumPy, where a run has ended

    run = open_run(workspace.runs_dir, run_id)
    swarms, tallies = run_tables(run)
    bar = bar_document(swarms, tallies)
    write_aggregates(workspace.json_dir, bar=bar, geo=classic_records(run, swarms, tallies))


def run_tables(run: RunReader) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Swarms and tallies of a run, loaded."""
    return run.swarms().collect(), run.tallies().collect()


def classic_records(
    run: RunReader,
    swarms: pl.DataFrame,
    tallies: pl.DataFrame,
    *,
    peers_at_once: int = _PEERS_AT_ONCE,
) -> Iterator[tuple[str, dict[str, object]]]:
    """File name and record of each swarm of a run, in their order.

    Sightings are loaded for some swarms at a time, so that a run of any size is written: about
    `peers_at_once` of them, or those of one swarm.
    """
    from analysis.classic_export import RECORD_COLUMNS, run_records  # NumPy, as above

    run_date = run.manifest.started_at.date()
    for some in _neighbours(swarms, tallies, peers_at_once):
        chosen = pl.col("swarm").is_in(some["swarm"].implode())
        sightings = run.sightings().filter(chosen).select(RECORD_COLUMNS)
        yield from run_records(
            some, sightings.collect(engine="streaming"), tallies.filter(chosen), run_date=run_date
        )


def _neighbours(
    swarms: pl.DataFrame, tallies: pl.DataFrame, peers_at_once: int
) -> Iterator[pl.DataFrame]:
    """The swarms in groups that have about so many peers together."""
    peers = tallies.group_by("swarm").agg(pl.col("peers").sum())
    sized = swarms.join(peers, on="swarm", how="left", maintain_order="left")
    group = pl.col("peers").fill_null(0).cum_sum() // peers_at_once
    grouped = sized.with_columns(group.alias("group"))
    for some in grouped.partition_by("group", maintain_order=True):
        yield some.select(swarms.columns)
