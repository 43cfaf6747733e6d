"""Full disks, clocks that jump, damaged parts: nothing acknowledged is lost, errors say where."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from observatory.census_file import write_census_file
from storage.manifest import RunCounts
from storage.runs import RunReader, RunWriter, list_runs
from storage.table_files import write_geojson, write_table
from swarm.errors import StorageError
from tests import frames

ROOT = Path(__file__).parents[2]
DISK_BYTES = 2_000_000
_ENDLESS = """
import sys
from pathlib import Path
import numpy as np
from storage.manifest import RunCounts
from storage.runs import RunWriter
from swarm.errors import StorageError
from tests import frames
import polars as pl
writer = RunWriter(Path(sys.argv[1]), frames.manifest(), frames.swarms("film"))
part = pl.concat([frames.sightings((0, 0, "FR"))] * 5_000)
for number in range(10_000):
    peers = np.random.default_rng(number).integers(0, 2**63, 5_000).astype(np.uint64)
    try:
        writer.add(part.with_columns(peer=peers), frames.outcomes((number, 5_000)), RunCounts())
    except StorageError as error:
        print(error, flush=True)
        break
    print(number, flush=True)
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"mounting a small tmpfs takes root here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_keeps_what_was_acknowledged(small_disk: Path) -> None:
    """When the disk is full the error names the file and the reason; every part before it reads."""
    done = subprocess.run(
        [sys.executable, "-c", _ENDLESS, str(small_disk)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    *acknowledged, said = done.stdout.splitlines()
    assert len(acknowledged) > 5
    assert said.startswith(f"cannot write {small_disk}")
    assert "No space left on device" in said
    run = next(list_runs(small_disk))
    peers = run.sightings().select("peer").collect()["peer"]
    assert len(peers) >= 5_000 * len(acknowledged)
    finished = run.outcomes().select("swarm").collect()["swarm"].to_list()
    assert finished == list(range(len(acknowledged)))
    assert not list(run.folder.glob(".aside-*"))
    # With room again, the run goes on where it was.
    subprocess.run(["mount", "-o", f"remount,size={4 * DISK_BYTES}", str(small_disk)], check=True)
    writer = RunWriter.resume(run, run.manifest)
    writer.add(frames.sightings((9, 1, "FR")), frames.outcomes((99, 1)), RunCounts())
    assert run.outcomes().collect()["swarm"].to_list()[-1] == 99


def test_a_full_disk_leaves_no_half_export(small_disk: Path, tmp_path: Path) -> None:
    """Tables and census files too large for the disk: an error says where, the old file stands."""
    peers = np.random.default_rng(1).integers(0, 2**63, 400_000).astype(np.uint64)
    rows = pl.concat([frames.sightings((0, 0, "FR"))] * len(peers)).with_columns(peer=peers)
    writer = RunWriter(tmp_path / "runs", frames.manifest(), frames.swarms("film"))
    writer.add(rows, frames.outcomes((0, len(peers))), RunCounts())
    run, table = RunReader(writer.folder), rows.select("peer", "country")
    some = table.head(40_000)  # JSON is longer
    nowhere = [None] * len(some)
    exports: dict[str, Callable[[Path], None]] = {
        "table.csv": lambda path: write_table(path, table, notes={}),
        "table.parquet": lambda path: write_table(path, table, notes={}),
        "table.geojson": lambda path: write_geojson(path, some, nowhere, notes={}),
        "census.jsonl": lambda path: write_census_file(run, path),
        "census.parquet": lambda path: write_census_file(run, path),
    }
    for name, export in exports.items():
        path = small_disk / name
        path.write_text("the one before")
        with pytest.raises(StorageError, match="No space left on device") as said:
            export(path)
        assert str(said.value).startswith(f"cannot write {path}: ")
        assert path.read_text() == "the one before"
        assert not list(small_disk.glob(".aside-*"))
    remount = ["mount", "-o", f"remount,size={40 * DISK_BYTES}", str(small_disk)]
    subprocess.run(remount, check=True)
    for name, export in exports.items():
        export(small_disk / name)
        assert (small_disk / name).stat().st_size > DISK_BYTES, name


def test_a_clock_that_jumps_back_loses_no_part(tmp_path: Path) -> None:
    """Parts are told apart by number and not by time: files from the future hide no newer ones."""
    writer = RunWriter(tmp_path, frames.manifest(), frames.swarms("film", "book"))
    reader = RunReader(writer.folder)
    writer.add(frames.sightings((0, 1, "FR")), frames.outcomes((0, 1)), RunCounts())
    for path in writer.folder.iterdir():
        os.utime(path, (4e9, 4e9))  # written in 2096, as the clock had it then
    before = reader.revision
    writer.add(frames.sightings((1, 2, "FR")), frames.outcomes((1, 1)), RunCounts())
    assert reader.revision != before
    assert reader.sightings().collect()["peer"].to_list() == [1, 2]
    again = RunWriter.resume(reader, reader.manifest)
    again.add(frames.sightings((1, 3, "FR")), frames.outcomes(), RunCounts())
    assert reader.sightings().collect()["peer"].to_list() == [1, 2, 3]


def test_foreign_and_truncated_parts_are_named(tmp_path: Path) -> None:
    """Whatever kind of part is damaged, the error says which file, and the others stand."""
    writer = RunWriter(tmp_path, frames.manifest(), frames.swarms("film"))
    writer.add(frames.sightings((0, 1, "FR")), frames.outcomes((0, 1)), RunCounts())
    reader = RunReader(writer.folder)
    part = writer.folder / "outcomes-000000.parquet"
    whole = part.read_bytes()
    for damaged in (b"", whole[:-7], b"PAR1" + whole[4:-4] + b"PARX"):
        part.write_bytes(damaged)
        with pytest.raises(StorageError, match=r"outcomes-000000\.parquet does not read"):
            reader.outcomes()
    pl.DataFrame({"swarm": ["not a number"]}).write_parquet(part)
    with pytest.raises(StorageError, match=r"outcomes-000000\.parquet has other columns"):
        reader.outcomes()
    assert reader.sightings().collect().height == 1
