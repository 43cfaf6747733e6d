"""storage.compaction under SIGKILL before each of its steps, and beside a restless reader."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from storage.compaction import compact_run
from storage.manifest import RunCounts, RunState
from storage.parts import generations
from storage.runs import RunReader, RunWriter
from swarm.errors import StorageError
from tests import frames

ROOT = Path(__file__).parents[2]
PARTS = 5

# Compacts and sweeps in one child after the other; the nth is killed before its nth step that
# touches the disk. Each waits for the word to begin, and says how it ended.
_KILLED = """
import os, pathlib, shutil, signal, sys
from datetime import UTC, datetime
import polars as pl
from storage import compaction
from storage.runs import RunReader

folder = pathlib.Path(sys.argv[1])
left = 0

def counted(owner, name):
    real = getattr(owner, name)
    def step(*args, **options):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*args, **options)
    setattr(owner, name, step)

counted(os, "fsync")
counted(os, "utime")
counted(shutil, "rmtree")
for name in ("mkdir", "rename", "unlink"):
    counted(pathlib.Path, name)
counted(pl.LazyFrame, "sink_parquet")
for number, _ in enumerate(sys.stdin):
    child = os.fork()  # polars has no threads yet: this process never uses it
    if child == 0:
        left = number
        compaction.compact_run(RunReader(folder), target_rows=4)
        compaction.sweep_replaced(folder, datetime.now(UTC) + 2 * compaction.GRACE)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def finished_run(folder: Path) -> RunReader:
    writer = RunWriter(folder, frames.manifest(), frames.swarms(*map(str, range(PARTS))))
    for swarm in range(PARTS):
        writer.add(
            frames.sightings((swarm, 2 * swarm, "FR"), (swarm, 2 * swarm + 1, "DE")),
            frames.outcomes((swarm, 2)),
            RunCounts(),
            answers=frames.answers((swarm, 2)),
        )
    writer.finish(RunState.COMPLETE, frames.NOON, "done", RunCounts())
    return RunReader(writer.folder)


def contents(run: RunReader) -> list[pl.DataFrame]:
    return [lazy().collect() for lazy in (run.sightings, run.outcomes, run.answers)]


def same(left: list[pl.DataFrame], right: list[pl.DataFrame]) -> bool:
    return all(one.equals(other) for one, other in zip(left, right, strict=True))


def test_kill_before_any_step_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    """After SIGKILL at each step in turn every row reads once; another compaction ends the work."""
    run = finished_run(tmp_path)
    before = contents(run)
    shutil.copytree(run.folder, tmp_path / "as-it-was")
    process = subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(run.folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    replaced = []
    try:
        while True:
            process.stdin.write("go\n")
            code = int(process.stdout.readline())
            assert same(contents(run), before), f"killed at step {len(replaced)}"
            replaced.append(bool(generations(run.folder)))
            if code == 0:
                break
            assert code == -9
            shutil.rmtree(run.folder)
            shutil.copytree(tmp_path / "as-it-was", run.folder)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
    assert len(replaced) > 3 * PARTS  # at least the end of each old part
    assert replaced == sorted(replaced)  # one step changes what is live
    assert {path.name for path in run.folder.iterdir()} == {
        "manifest.json",
        "swarms.parquet",
        generations(run.folder)[-1].folder_name,
    }


def test_reader_beside_a_compaction_sees_all_rows(tmp_path: Path) -> None:
    """Read at any instant, also with frames that were opened before, a run has each row once."""
    run = finished_run(tmp_path)
    before = contents(run)
    opened = [run.sightings(), run.outcomes(), run.answers()]
    ended = threading.Event()

    def compact_again_and_again() -> None:
        for turn in range(12):
            compact_run(run, target_rows=2 + turn % 5, rewrite={"outcomes": lambda rows: rows})
        ended.set()

    thread = threading.Thread(target=compact_again_and_again)
    thread.start()
    reads = 0
    while not ended.is_set() or reads == 0:
        assert same(contents(run), before)
        reads += 1
    thread.join()
    assert len(generations(run.folder)) == 12
    assert same([lazy.collect() for lazy in opened], before)


def test_running_run_is_not_compacted(tmp_path: Path) -> None:
    """Its writer would go on beside: refused, and nothing is touched."""
    writer = RunWriter(tmp_path, frames.manifest(), frames.swarms("film"))
    writer.add(frames.sightings((0, 1, "FR")), frames.outcomes((0, 1)), RunCounts())
    with pytest.raises(StorageError, match="is running"):
        compact_run(RunReader(writer.folder))
    assert generations(writer.folder) == []


@pytest.mark.parametrize("break_it", [lambda whole: whole[:40], lambda whole: b""])
def test_broken_part_stops_it(tmp_path: Path, break_it: Callable[[bytes], bytes]) -> None:
    """A part that does not read is named, and the others stay as they are."""
    run = finished_run(tmp_path)
    part = run.folder / "sightings-000003.parquet"
    part.write_bytes(break_it(part.read_bytes()))
    with pytest.raises(StorageError, match=r"sightings-000003\.parquet does not read"):
        compact_run(run)
    assert generations(run.folder) == []
    assert list(run.folder.glob(".aside-*")) == []
    assert run.outcomes().collect()["swarm"].to_list() == list(range(PARTS))
