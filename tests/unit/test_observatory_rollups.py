"""observatory.rollups: kept on disk, grown part by part, made again when stale or broken."""

from __future__ import annotations

import threading
from pathlib import Path

import polars as pl
import pytest

from analysis.rollup import Rollup, united
from analysis.selection import Selection
from benchmarks.seeded_run import Scale, parts, swarm_table
from observatory.rollups import Rollups, keep_rollup, make_rollup
from observatory.run_view import RunView
from storage.compaction import compact_run
from storage.manifest import RunCounts, RunState
from storage.rollups import drop_rollups, read_rollup, rollup_stamp, write_rollup
from storage.runs import RunReader, RunWriter
from swarm.errors import StorageError
from tests import frames

SCALE = Scale(sightings=3_000, swarms=20)


def writer(runs_dir: Path) -> RunWriter:
    return RunWriter(runs_dir, frames.manifest(), swarm_table(SCALE))


def finished(runs_dir: Path) -> RunReader:
    run = writer(runs_dir)
    for part in parts(SCALE, rows=700):
        run.add(*part, RunCounts())
    run.finish(RunState.COMPLETE, frames.NOON, "", RunCounts())
    return RunReader(run.folder)


def same(one: Rollup, other: Rollup) -> bool:
    """Whether both count the same, whatever numbers their keys have."""
    for name in ("places", "networks", "sources"):
        tables = []
        for rollup in (one, other):
            cube = rollup.cube(name)
            named = cube.counts.collect().join(cube.keys.drop("peers"), on="key").drop("key")
            columns = sorted(named.columns)
            tables.append(named.select(columns).sort(columns, nulls_last=True))
            totals = cube.counts.group_by("key").agg(pl.col("peers").cast(pl.Int64).sum()).collect()
            assert cube.keys.select("key", "peers").sort("key").equals(totals.sort("key"))
        if not tables[0].equals(tables[1]):
            return False
    drawn = (one.classic.equals(other.classic), one.log2.equals(other.log2))
    bars = one.bars.collect().equals(other.bars.collect())
    return all(drawn) and bars and one.swarms.equals(other.swarms)


def joined(run: RunReader) -> None:
    """Wait until no thread counts the run any more."""
    for thread in threading.enumerate():
        if thread.name == f"count {run.run_id}":
            thread.join(60)
            assert not thread.is_alive()


def test_parts_add_up_to_the_whole(tmp_path: Path) -> None:
    """Counted part by part and united, a run comes to what it comes to at once."""
    run = finished(tmp_path)
    counted = [make_rollup(run, [part]) for part in run.parts("sightings")]
    assert len(counted) == 5
    assert same(united(counted), make_rollup(run))


def test_a_growing_run_reads_new_parts_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At each revision the parts that came are counted, the others are not read again."""
    run, kept, read = writer(tmp_path), Rollups(), []
    real = RunReader.sightings

    def noted(self: RunReader, chosen: list[Path] | None = None) -> pl.LazyFrame:
        read.append([] if chosen is None else [part.name for part in chosen])
        return real(self, chosen)

    monkeypatch.setattr(RunReader, "sightings", noted)
    reader = RunReader(run.folder)
    for number, part in enumerate(parts(SCALE, rows=700)):
        run.add(*part, RunCounts())
        grown = kept.of(reader)
        assert read.pop() == [f"sightings-{number:06d}.parquet"]
        assert kept.of(reader) is grown
        assert not read
    assert same(grown, make_rollup(reader))
    assert read_rollup(reader) is None  # it is running: nothing is kept of what changes


def test_a_kept_rollup_is_read_and_nothing_else(tmp_path: Path) -> None:
    """The roll-up of a run that has ended stands on disk and says what the parts say."""
    run = finished(tmp_path)
    made = Rollups().of(run)
    tables = read_rollup(run)
    assert tables is not None
    assert same(Rollup.of(tables), made)
    for part in run.parts("sightings"):
        part.write_bytes(b"\0" * part.stat().st_size)  # whoever reads them now breaks
    assert RunView(run, Rollups().of(run)).countries(Selection())["peers"].sum() == SCALE.sightings


def test_stale_and_broken_rollups_are_made_again(tmp_path: Path) -> None:
    """After compaction, after damage and after a kill in mid-write the figures are right."""
    run = finished(tmp_path)
    expected = make_rollup(run)
    keep_rollup(run)
    stamp = rollup_stamp(run)
    assert compact_run(run) is not None
    assert rollup_stamp(run) != stamp
    assert read_rollup(run) is None
    keep_rollup(run)
    assert [path.name for path in run.folder.glob("rollup-*")] == [f"rollup-{rollup_stamp(run)}"]
    assert same(Rollups().of(run), expected)
    damaged = next(run.folder.glob("rollup-*")) / "places.parquet"
    damaged.write_bytes(damaged.read_bytes()[:100])
    (run.folder / ".aside-rollup-0123").mkdir()  # a killed writer's
    assert same(Rollups().of(run), expected)
    assert read_rollup(run) is not None
    assert not list(run.folder.glob(".aside-rollup-*"))
    drop_rollups(run.folder)
    assert read_rollup(run) is None


def test_a_long_run_is_counted_while_nobody_waits(tmp_path: Path) -> None:
    """Who asks for a run that takes long is told so, and has its figures once it is counted."""
    run, later = finished(tmp_path), Rollups(at_once_bytes=0)
    with pytest.raises(StorageError, match="being counted for the first time"):
        later.of(run)
    joined(run)
    assert later.counted == 1
    assert same(later.of(run), make_rollup(run))
    assert read_rollup(run) is not None
    assert later.counted == 1


def test_a_long_run_that_breaks_is_said_to_whoever_asks_next(tmp_path: Path) -> None:
    """What the thread met is the next answer; the part restored, the run is counted again."""
    run, later = finished(tmp_path), Rollups(at_once_bytes=0)
    part = run.parts("sightings")[2]
    whole = part.read_bytes()
    part.write_bytes(whole[:-100])
    with pytest.raises(StorageError, match="being counted"):
        later.of(run)
    joined(run)
    with pytest.raises(StorageError, match="sightings-000002"):
        later.of(run)
    part.write_bytes(whole)
    with pytest.raises(StorageError, match="being counted"):
        later.of(run)
    joined(run)
    assert same(later.of(run), make_rollup(run))


def test_a_selection_reads_of_a_kept_rollup_what_it_needs(tmp_path: Path) -> None:
    """The long tables stay on disk until somebody asks for them."""
    run = finished(tmp_path)
    keep_rollup(run)
    (folder,) = run.folder.glob("rollup-*")
    for name in ("places_by_kind", "networks_by_kind", "sources_by_kind", "bars", "swarms"):
        table = folder / f"{name}.parquet"
        head, foot = table.read_bytes()[:4], table.read_bytes()[-2000:]
        table.write_bytes(head + b"\0" * (table.stat().st_size - len(head + foot)) + foot)
    view = RunView(run, Rollups().of(run))
    assert view.places(Selection())["peers"].sum() == SCALE.sightings
    assert view.histogram(Selection())["peers"].sum() == SCALE.sightings


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    """Where the roll-up cannot be written, the error names it and the run stands."""
    run = finished(tmp_path)
    tables = make_rollup(run).frames()
    stamp = rollup_stamp(run)
    (run.folder / f"rollup-{stamp}").write_bytes(b"in the way")
    with pytest.raises(StorageError, match=f"rollup-{stamp}"):
        write_rollup(run, stamp, tables)
    assert run.sightings().collect().height == SCALE.sightings
    assert not list(run.folder.glob(".aside-*"))


def test_parts_that_do_not_read_are_named(tmp_path: Path) -> None:
    """A truncated part is an error that names it; nothing is counted without it."""
    run = finished(tmp_path)
    part = run.parts("sightings")[2]
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(StorageError, match="sightings-000002"):
        Rollups().of(run)
