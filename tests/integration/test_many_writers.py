"""Several processes write one run at a time and die at any instant: each row is there once."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from storage.manifest import RunCounts, RunState
from storage.runs import RunReader, RunWriter, mark_interrupted, open_run
from storage.workspace import sweep_aside
from swarm.errors import StorageError
from tests import frames

ROOT = Path(__file__).parents[2]
SWARMS = 8
PEERS = 5  # of each swarm, the same for all writers; each writer knows one more
SEEDS = range(8)

# For each line "seed k": two children join the run and write the same swarms, each in its own
# order; the first is killed before its kth step that touches the disk. Says what was acknowledged.
_WRITERS = """
import os, pathlib, random, signal, sys
import polars as pl
from storage import run_writer
from storage.manifest import RunCounts
from storage.runs import RunReader, RunWriter
from tests import frames

def write(folder, name, seed, left):
    def counted(owner, what):
        real = getattr(owner, what)
        def step(*args, **options):
            nonlocal left
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1
            return real(*args, **options)
        setattr(owner, what, step)
    counted(os, "fsync")
    for what in ("replace", "unlink"):
        counted(pathlib.Path, what)
    counted(pl.DataFrame, "write_parquet")
    writer = RunWriter.join(RunReader(folder))
    counts = RunCounts()
    order = list(range(SWARMS))
    random.Random(f"{seed}{name}").shuffle(order)
    for done, swarm in enumerate(order):
        peers = [(swarm, 100 * swarm + n, "FR") for n in (*range(PEERS), 90 + name)]
        if swarm % 3 == 0:  # half of it first, as of a hybrid
            half = counts.model_copy(update={"peers": counts.peers + 2})
            counts = writer.add(frames.sightings(*peers[:2]), frames.outcomes(), half)
            peers = peers[2:]
        more = {"peers": counts.peers + len(peers), "swarms_done": counts.swarms_done + 1}
        more["queries"] = counts.queries + 20
        counts = writer.add(
            frames.sightings(*peers),
            frames.outcomes((swarm, PEERS + 1)),
            counts.model_copy(update=more),
            answers=frames.answers((swarm, name)),
        )
        os.write(1, b"kept %d\\n" % swarm)
    os._exit(0)

for line in sys.stdin:
    folder, seed, left = line.split()
    children = []
    for name, limit in ((1, int(left)), (2, -1)):
        child = os.fork()  # polars has no threads yet: this process never uses it
        if child == 0:
            try:
                write(pathlib.Path(folder), name, seed, limit)
            finally:
                os._exit(1)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print("ended", *codes, flush=True)
"""


def begun(runs_dir: Path) -> RunReader:
    manifest = frames.manifest(counts=RunCounts(swarms_total=SWARMS))
    writer = RunWriter(runs_dir, manifest, frames.swarms(*map(str, range(SWARMS))))
    return RunReader(writer.folder)


def assert_each_once(run: RunReader) -> set[int]:
    """No swarm and no peer of it is there twice; returns the finished swarms."""
    rows = run.sightings().select("swarm", "peer").collect().rows()
    assert len(rows) == len(set(rows))
    finished = run.outcomes().collect()["swarm"].to_list()
    assert len(finished) == len(set(finished))
    asked = run.answers().collect()["swarm"].to_list()
    assert sorted(asked) == sorted(finished)
    return set(finished)


def test_a_killed_writer_takes_nothing_from_the_other(tmp_path: Path) -> None:
    """Two processes with the same swarms, one killed at a seeded step: each row once, none lost."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"SWARMS, PEERS = {SWARMS}, {PEERS}\n{_WRITERS}"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    killed = 0
    try:
        for seed in SEEDS:
            run = begun(tmp_path / f"runs-{seed}")
            left = random.Random(seed).randrange(60)
            process.stdin.write(f"{run.folder} {seed} {left}\n")
            acknowledged = set()
            while (line := process.stdout.readline().split())[0] == "kept":
                acknowledged.add(int(line[1]))
                # A reader in between meets whole parts, and nobody twice.
                assert run.sightings().select("peer").collect()["peer"].is_unique().all()
            assert line[0] == "ended"
            assert line[2] == "0", f"the writer that was not killed, seed {seed}"
            killed += line[1] == "-9"
            assert acknowledged == assert_each_once(run) == set(range(SWARMS))
            peers = run.sightings().collect()
            assert all(
                peers["peer"].is_in([100 * s + n]).any()
                for s in range(SWARMS)
                for n in range(PEERS)
            )
            # Who closes the run says what the parts hold, whatever the killed one did not say.
            last = RunWriter.join(run)
            sweep_aside(run.folder)
            counts = last.finish(RunState.COMPLETE, frames.NOON, "done", RunCounts())
            assert (counts.peers, counts.swarms_done) == (len(peers), SWARMS)
            assert counts.queries == 20 * SWARMS
            assert run.manifest.counts == counts
            assert counts.swarms_total == SWARMS
            assert not list(run.folder.glob(".aside-*"))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()
    assert killed > len(SEEDS) // 2


def test_both_writers_killed_leave_a_run_that_goes_on(tmp_path: Path) -> None:
    """A part in place without the manifest's word for it counts at the next start."""
    run = begun(tmp_path)
    one, other = RunWriter.join(run), RunWriter.join(run)
    one.add(frames.sightings((0, 1, "FR")), frames.outcomes((0, 1)), RunCounts(peers=1))
    # `other` dies between its sightings and its outcomes.
    other.add(frames.sightings((1, 2, "FR")), frames.outcomes((1, 1)), RunCounts(peers=1))
    (run.folder / "outcomes-000001.parquet").unlink()
    assert mark_interrupted(run, frames.NOON).counts.peers == 2
    again = RunWriter.resume(run, run.manifest.model_copy(update={"state": RunState.RUNNING}))
    third = RunWriter.join(run)
    rows = frames.sightings((1, 2, "FR"), (1, 3, "FR"))
    counts = third.add(rows, frames.outcomes((1, 2)), RunCounts(peers=2, swarms_done=1))
    assert counts.peers == 1  # the other one is there already
    again.add(frames.sightings((2, 4, "FR")), frames.outcomes((2, 1)), again.manifest.counts)
    assert assert_rows(run) == [(0, 1), (1, 2), (1, 3), (2, 4)]


def assert_rows(run: RunReader) -> list[tuple[int, int]]:
    return sorted(run.sightings().select("swarm", "peer").collect().rows())


def test_the_swarm_is_its_who_finished_it_first(tmp_path: Path) -> None:
    """What a second writer says of a finished swarm is passed over, and not counted."""
    run = begun(tmp_path)
    slow, fast = RunWriter.join(run), RunWriter.join(run)
    fast.add(frames.sightings((0, 1, "FR")), frames.outcomes((0, 1)), RunCounts(peers=1))
    counts = slow.add(
        frames.sightings((0, 1, "FR"), (0, 2, "DE"), (1, 2, "DE")),
        frames.outcomes((0, 2), (1, 1)),
        RunCounts(peers=3, swarms_done=2, queries=40, packets_sent=7),
        answers=frames.answers((0, 5), (1, 6)),
    )
    assert (counts.peers, counts.swarms_done, counts.queries) == (1, 1, 20)
    assert counts.packets_sent == 7  # was sent, whoever was first
    assert assert_rows(run) == [(0, 1), (1, 2)]
    assert run.outcomes().sort("swarm").collect()["unique_peers"].to_list() == [1, 1]
    assert run.answers().collect()["seeders"].to_list() == [6]
    assert run.manifest.counts.peers == 2


def test_a_run_that_has_ended_takes_nothing(tmp_path: Path) -> None:
    """A writer that is late is told so; the run stays as its manifest says."""
    run = begun(tmp_path)
    late = RunWriter.join(run)
    RunWriter.join(run).finish(RunState.COMPLETE, frames.NOON, "done", RunCounts())
    with pytest.raises(StorageError, match="has ended"):
        late.add(frames.sightings((0, 1, "FR")), frames.outcomes((0, 1)), RunCounts(peers=1))
    with pytest.raises(StorageError, match="has ended"):
        RunWriter.join(open_run(tmp_path, run.run_id))
    assert assert_rows(run) == []
    with pytest.raises(StorageError, match="File exists"):
        begun(tmp_path)
