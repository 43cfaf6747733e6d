"""storage.runs: parts appear whole, readers need no lock, and a kill takes nothing back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from storage.compaction import compact_run
from storage.manifest import RunCounts, RunState, read_manifest
from storage.runs import (
    RunReader,
    RunWriter,
    delete_run,
    list_runs,
    mark_interrupted,
    new_run_id,
    open_run,
    sweep_trash,
)
from swarm.errors import StorageError
from tests import frames

ROOT = Path(__file__).parents[2]


def written(runs_dir: Path) -> RunWriter:
    writer = RunWriter(runs_dir, frames.manifest(), frames.swarms("film", "book", "game"))
    writer.add(
        frames.sightings((0, 1, "FR"), (0, 2, "ZZ")),
        frames.outcomes((0, 2)),
        RunCounts(swarms_total=3, swarms_done=1, peers=2, queries=20),
    )
    writer.add(
        frames.sightings((1, 3, "FR")),
        frames.outcomes((1, 1), (2, 0)),
        RunCounts(swarms_total=3, swarms_done=3, peers=3, queries=60),
    )
    return writer


def test_what_is_added_is_read(tmp_path: Path) -> None:
    """A reader sees every added part while the run is still running."""
    written(tmp_path)
    run = open_run(tmp_path, "20261121-120000-abcd")
    assert run.sightings().collect()["peer"].to_list() == [1, 2, 3]
    assert run.outcomes().collect()["swarm"].to_list() == [0, 1, 2]
    assert run.swarms().collect()["name"].to_list() == ["film", "book", "game"]
    assert run.manifest.state is RunState.RUNNING
    assert run.manifest.counts.peers == 3


def test_tallies_are_counted_unless_recorded(tmp_path: Path) -> None:
    """A crawled run's tallies count its sightings; a record's own counts take their place."""
    writer = written(tmp_path)
    run = RunReader(writer.folder)
    counted = run.tallies().sort("swarm", "country").collect()
    assert counted.rows() == [(0, "FR", "FR", 1), (0, "ZZ", "ZZ", 1), (1, "FR", "FR", 1)]
    writer.record_tallies(frames.tallies((0, "Error 429", "ZZ", 7)))
    assert run.tallies().collect().rows() == [(0, "Error 429", "ZZ", 7)]


def test_revision_follows_the_parts(tmp_path: Path) -> None:
    """The revision changes with each part and stays while nothing happens."""
    writer = written(tmp_path)
    run = RunReader(writer.folder)
    before = run.revision
    assert run.revision == before
    writer.add(frames.sightings(), frames.outcomes((2, 0)), RunCounts())
    assert run.revision != before


def test_finished_run_says_how(tmp_path: Path) -> None:
    """The manifest keeps the closing state and sentence."""
    writer = written(tmp_path)
    writer.finish(RunState.COMPLETE, frames.NOON, "3 peers.", writer.manifest.counts)
    manifest = read_manifest(writer.folder)
    assert (manifest.state, manifest.message) == (RunState.COMPLETE, "3 peers.")
    assert manifest.ended_at == frames.NOON


def test_interrupted_run_counts_its_parts(tmp_path: Path) -> None:
    """A run whose process was killed is closed with what its parts hold, not what it claimed."""
    writer = written(tmp_path)
    closed = mark_interrupted(RunReader(writer.folder), frames.NOON)
    assert closed.state is RunState.INTERRUPTED
    assert (closed.counts.swarms_done, closed.counts.peers, closed.counts.queries) == (3, 3, 60)


def test_unfinished_files_are_passed_over(tmp_path: Path) -> None:
    """Half-written files of a killed writer are never read as parts."""
    writer = written(tmp_path)
    (writer.folder / ".aside-00-sightings-000009.parquet").write_bytes(b"PAR1half")
    assert RunReader(writer.folder).sightings().collect().height == 3


def test_broken_part_is_named(tmp_path: Path) -> None:
    """A truncated part, and one with foreign columns, are errors that name the file."""
    writer = written(tmp_path)
    part = writer.folder / "sightings-000001.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StorageError, match=r"sightings-000001\.parquet does not read"):
        RunReader(writer.folder).sightings()
    pl.DataFrame({"a": [1]}).write_parquet(part)
    with pytest.raises(StorageError, match=r"sightings-000001\.parquet has other columns"):
        RunReader(writer.folder).sightings()


def test_a_part_is_sorted_by_place(tmp_path: Path) -> None:
    """Rows that are alike stand together, by swarm within a place; equals stay as they came.

    So it is in the part that a compaction makes of several.
    """
    came = [(1, 40, 7), (0, 30, 7), (1, 20, 3), (1, 10, 7), (0, 50, None)]
    rows = frames.sightings(*((swarm, peer, "DE") for swarm, peer, _ in came))
    rows = rows.with_columns(place=pl.Series([place for *_, place in came], dtype=pl.UInt64))
    writer = RunWriter(tmp_path, frames.manifest(), frames.swarms("a", "b", "c"))
    writer.add(rows, frames.outcomes((0, 2), (1, 3)), RunCounts())
    reader = RunReader(writer.folder)
    (part,) = reader.parts("sightings")
    there = pl.read_parquet(part).select("swarm", "peer", "place").rows()
    assert there == [(0, 50, None), (1, 20, 3), (0, 30, 7), (1, 40, 7), (1, 10, 7)]
    writer.add(rows.with_columns(swarm=pl.lit(2, pl.UInt32)), frames.outcomes((2, 5)), RunCounts())
    writer.finish(RunState.COMPLETE, frames.NOON, "done", RunCounts())
    assert compact_run(reader)
    (part,) = reader.parts("sightings")
    kept = pl.read_parquet(part).select("swarm", "place").rows()
    first = [(0, None), (2, None), (1, 3), (2, 3), (0, 7), (1, 7), (1, 7), (2, 7), (2, 7), (2, 7)]
    assert kept == first


def test_foreign_columns_are_not_written(tmp_path: Path) -> None:
    """A frame of another schema never reaches the disk."""
    writer = written(tmp_path)
    with pytest.raises(StorageError, match="columns"):
        writer.add(pl.DataFrame({"a": [1]}), frames.outcomes(), RunCounts())


@pytest.mark.parametrize("name", ["../x", "nothing", "20261121-120000-abcd/..", ""])
def test_only_run_ids_open(tmp_path: Path, name: str) -> None:
    """A name that is no run id opens nothing, least of all outside runs/."""
    written(tmp_path)
    with pytest.raises(StorageError, match="there is no run"):
        open_run(tmp_path, name)


def test_delete_is_swept_after_a_kill(tmp_path: Path) -> None:
    """A deleted run is gone from the list at once, its rest is swept."""
    writer = written(tmp_path)
    delete_run(tmp_path, writer.manifest.run_id)
    assert list(list_runs(tmp_path)) == []
    (tmp_path / ".trash-20261121-120000-ffff").mkdir()
    (tmp_path / "20261121-120000-eeee").mkdir()
    (tmp_path / "20261121-120000-eeee" / "swarms.parquet").write_bytes(b"no manifest ever came")
    (tmp_path / "mine").mkdir()
    sweep_trash(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_run_ids_sort_by_time(tmp_path: Path) -> None:
    """Later runs have later names, also where the clock was set back, and each has its own."""
    hour_later = frames.NOON.replace(hour=13)
    assert new_run_id(tmp_path, frames.NOON) < new_run_id(tmp_path, hour_later)
    names = []
    for now in (hour_later, frames.NOON, frames.NOON, hour_later, frames.NOON.replace(hour=14)):
        names.append(new_run_id(tmp_path, now))
        (tmp_path / names[-1]).mkdir()
    assert names == sorted(names)
    assert names[1].startswith("20261121-130001-")
    assert names[4].startswith("20261121-140000-")
    (tmp_path / "99999999-999999-0000").mkdir()  # no time at all
    assert new_run_id(tmp_path, frames.NOON).startswith("20261121-120000-")


def test_a_run_ends_no_earlier_than_it_began(tmp_path: Path) -> None:
    """The clock was set back meanwhile: `ended_at` is the start, and a start says so too."""
    writer = written(tmp_path)
    before = frames.NOON.replace(hour=3)
    writer.finish(RunState.COMPLETE, before, "done", writer.manifest.counts)
    assert read_manifest(writer.folder).ended_at == frames.NOON
    assert mark_interrupted(RunReader(writer.folder), before).ended_at == frames.NOON


_ENDLESS_WRITER = """
import sys
from pathlib import Path
from storage.manifest import RunCounts
from storage.runs import RunWriter
from tests import frames
writer = RunWriter(Path(sys.argv[1]), frames.manifest(), frames.swarms("film"))
for number in range(100_000):
    rows = [(0, number * 100 + i, "FR") for i in range(100)]
    writer.add(frames.sightings(*rows), frames.outcomes((0, 100)), RunCounts())
    print(number, flush=True)
"""


def test_kill_while_writing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """SIGKILL in the middle of a write: every part that was acknowledged reads whole."""
    process = subprocess.Popen(
        [sys.executable, "-c", _ENDLESS_WRITER, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    acknowledged = 0
    for line in process.stdout:
        acknowledged = int(line) + 1
        if acknowledged == 20:
            os.kill(process.pid, signal.SIGKILL)
            break
    acknowledged += len(process.stdout.readlines())
    process.stdout.close()
    process.wait()
    run = next(iter(list_runs(tmp_path)))
    peers = run.sightings().collect()["peer"]
    assert peers.n_unique() == len(peers)
    assert len(peers) >= 100 * acknowledged
    assert mark_interrupted(run, frames.NOON).counts.peers == len(peers)


def test_runs_of_older_versions_are_read(tmp_path: Path) -> None:
    """Outcomes without the columns that may be null read, with null there; others must be there."""
    writer = written(tmp_path)
    part = writer.folder / "outcomes-000000.parquet"
    pl.read_parquet(part).drop("estimate", "seeds_low").write_parquet(part)
    outcomes = RunReader(writer.folder).outcomes().collect()
    assert outcomes["estimate"].to_list() == [None, None, None]
    pl.read_parquet(part).drop("queries").write_parquet(part)
    with pytest.raises(StorageError, match="queries"):
        RunReader(writer.folder).outcomes()


def test_sources_of_older_runs_are_the_one_source(tmp_path: Path) -> None:
    """A part without the column reads as if it had it, beside parts that do."""
    writer = written(tmp_path)
    part = writer.folder / "sightings-000000.parquet"
    pl.read_parquet(part).drop("sources").write_parquet(part)
    record = pl.col("peer") == 3
    other = writer.folder / "sightings-000001.parquet"
    pl.read_parquet(other).with_columns(
        source=pl.when(record).then(pl.lit("record")).otherwise("source")
    ).drop("sources").write_parquet(other)
    writer.add(
        frames.sightings((2, 9, "FR")).with_columns(sources=pl.lit(6, pl.UInt8)),
        frames.outcomes(),
        RunCounts(),
    )
    sightings = RunReader(writer.folder).sightings().collect()
    assert sightings["sources"].to_list() == [1, 1, 8, 6]


def test_answers_that_a_kill_left_alone_do_not_count(tmp_path: Path) -> None:
    """Their swarm is asked again, so rows without an outcome are passed over, and never doubled."""
    writer = written(tmp_path)
    answers = frames.answers((0, 5))
    writer.add(frames.sightings(), frames.outcomes((2, 0)), RunCounts(), answers=answers)
    assert RunReader(writer.folder).answers().collect()["seeders"].to_list() == [5]
    (writer.folder / "outcomes-000002.parquet").unlink()  # the kill came before it
    reader = RunReader(writer.folder)
    assert reader.answers().collect().is_empty()
    assert reader.next_part() == 3
    again = RunWriter.resume(reader, writer.manifest)
    again.add(frames.sightings(), frames.outcomes((2, 0)), RunCounts(), answers=answers)
    assert reader.answers().collect()["seeders"].to_list() == [5]
