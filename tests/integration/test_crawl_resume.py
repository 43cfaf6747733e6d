"""A crawl that is killed again and again ends with what an undisturbed one finds."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.dht import SimulatedDht
from storage.manifest import RunState
from storage.runs import RunReader, list_runs

ROOT = Path(__file__).resolve().parents[2]
INFOHASHES = 900
KILLS = 4
DEADLINE_S = 60.0


def start(workspace: Path, listing: Path, dht: SimulatedDht, *options: str) -> subprocess.Popen:  # type: ignore[type-arg]
    command = [sys.executable, str(ROOT / "main.py"), "crawl", str(listing), "--json", *options]
    command += ["--workspace", str(workspace), "--bootstrap", dht.bootstrap, "--processes", "1"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcome_parts(workspace: Path) -> int:
    return len(list(workspace.glob("runs/*/outcomes-*.parquet")))


def await_another_part(workspace: Path, process: subprocess.Popen, before: int) -> None:  # type: ignore[type-arg]
    end = time.monotonic() + DEADLINE_S
    while process.poll() is None and outcome_parts(workspace) <= before:
        assert time.monotonic() < end
        time.sleep(0.01)


def only_run(workspace: Path) -> RunReader:
    (run,) = list_runs(workspace / "runs")
    return run


@pytest.mark.timeout(240)
def test_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """kill -9 at several instants: one run, every infohash once, no peer twice, none missing."""
    rng = random.Random(5)
    keys = [rng.randbytes(20) for _ in range(INFOHASHES)]
    peers = {
        key: [b"\x7f\x08" + rng.randbytes(2) + b"\x1a\xe1" for _ in range(1 + i % 30)]
        for i, key in enumerate(keys)
    }
    listing = tmp_path / "list.txt"
    listing.write_text("".join(key.hex() + "\n" for key in keys))
    workspace = tmp_path / "world"
    workspace.mkdir()
    (workspace / "config.txt").write_text("allow_local_peers=yes\n")
    with SimulatedDht(seed=2, nodes=2000, dead_share=0.0) as dht:
        dht.plant(peers)
        finished = 0
        for _ in range(KILLS):
            before = outcome_parts(workspace)
            process = start(workspace, listing, dht, "--max-packets-per-s", "1500")
            await_another_part(workspace, process, before)
            process.kill()
            process.communicate()
            now_finished = len(only_run(workspace).outcomes().collect())
            assert now_finished > finished
            finished = now_finished
        assert finished < INFOHASHES
        out = tmp_path / "found.jsonl"
        last = start(workspace, listing, dht, "--max-packets-per-s", "0", "--out", str(out))
        summary = json.loads(last.communicate(timeout=DEADLINE_S)[0].splitlines()[-1])
        assert summary["infohashes"] == INFOHASHES
    run = only_run(workspace)
    assert run.manifest.state is RunState.COMPLETE
    outcomes, sightings = run.outcomes().collect(), run.sightings().collect()
    assert sorted(outcomes["swarm"]) == list(range(INFOHASHES))
    assert len(sightings) == sightings.select("swarm", "peer").n_unique() == summary["peers"]
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["infohash"] for line in lines} == {key.hex() for key in keys}
    missed = [
        line for line in lines if line["unique"] != len(peers[bytes.fromhex(line["infohash"])])
    ]
    assert len(missed) <= 0.01 * INFOHASHES
