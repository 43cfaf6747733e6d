"""observatory.aggregates: the classic form of a run of any size."""

from __future__ import annotations

import polars as pl
import pytest

from analysis.classic_export import run_records
from benchmarks.seeded_run import Scale, write_run
from observatory.aggregates import classic_records, run_tables
from storage.runs import RunReader

SCALE = Scale(sightings=5_000, swarms=30)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunReader:
    return RunReader(write_run(tmp_path_factory.mktemp("runs"), SCALE))


@pytest.mark.parametrize("peers_at_once", [1, 700, 10**6])
def test_records_do_not_depend_on_how_many_are_loaded_at_once(
    run: RunReader, peers_at_once: int
) -> None:
    """Some swarms at a time come to the records, and the order, of all at once."""
    swarms, tallies = run_tables(run)
    date = run.manifest.started_at.date()
    at_once = list(run_records(swarms, run.sightings().collect(), tallies, run_date=date))
    some = list(classic_records(run, swarms, tallies, peers_at_once=peers_at_once))
    assert some == at_once
    assert sum(len(record["locs"]) for _, record in at_once) == SCALE.sightings


def test_no_more_peers_are_loaded_than_asked(
    run: RunReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sightings in memory are those of a few swarms, never all of them."""
    loaded = []
    real = pl.LazyFrame.collect

    def noted(self: pl.LazyFrame, **options: object) -> pl.DataFrame:
        frame = real(self, **options)  # type: ignore[arg-type]
        if "recorded_loc" in frame.columns:
            loaded.append(len(frame))
        return frame

    swarms, tallies = run_tables(run)
    biggest = tallies.group_by("swarm").agg(pl.col("peers").sum())["peers"].max()
    monkeypatch.setattr(pl.LazyFrame, "collect", noted)
    assert len(list(classic_records(run, swarms, tallies, peers_at_once=500))) == SCALE.swarms
    assert sum(loaded) == SCALE.sightings
    assert max(loaded) < 500 + biggest
