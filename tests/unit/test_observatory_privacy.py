"""observatory.privacy: old addresses go for good, a new key links nothing, a kill loses nothing."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from observatory import privacy
from observatory.desk import Observatory
from observatory.joblock import JobLock
from observatory.privacy import forget_old_addresses, rotate_key
from storage.manifest import RunCounts, RunState
from storage.pseudonym_key import key_id, load_or_make_key
from storage.runs import RunReader, RunWriter
from storage.workspace import Workspace
from swarm.columns import VISIT_COLUMNS, polars_schema
from swarm.errors import JobRefused
from tests import frames

ADDRESS = "198.51.100.77"
LATER = frames.NOON + timedelta(days=31)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    world = Workspace(tmp_path)
    world.prepare()
    return world


def run_with_addresses(workspace: Workspace, state: RunState = RunState.COMPLETE) -> RunReader:
    manifest = frames.manifest(addresses_stored=True)
    writer = RunWriter(workspace.runs_dir, manifest, frames.swarms("film"))
    raw = [pl.lit(ADDRESS).alias("address"), pl.lit(6881, pl.UInt16).alias("port")]
    visit = {"swarm": 0, "peer": 1, "host": 1, "outcome": "reached", "country": "FR"}
    visits = pl.DataFrame([visit], schema=polars_schema(VISIT_COLUMNS)).with_columns(raw)
    sightings = frames.sightings((0, 1, "FR"), (0, 2, "ZZ")).with_columns(raw)
    writer.add(sightings, frames.outcomes((0, 2)), RunCounts(peers=2), visits=visits)
    if state is not RunState.RUNNING:
        writer.finish(state, frames.NOON, "", RunCounts(peers=2))
    return RunReader(writer.folder)


def test_old_runs_give_up_networks_too(workspace: Workspace) -> None:
    """A run that kept the /24 of each peer gives it up after as many days."""
    manifest = frames.manifest(prefixes_stored=True)
    writer = RunWriter(workspace.runs_dir, manifest, frames.swarms("film"))
    network = pl.lit("198.51.100.0/24").alias("prefix")
    rows = frames.sightings((0, 1, "FR")).with_columns(network)
    writer.add(rows, frames.outcomes((0, 1)), RunCounts(peers=1))
    writer.finish(RunState.COMPLETE, frames.NOON, "", RunCounts(peers=1))
    run = RunReader(writer.folder)
    assert forget_old_addresses(workspace, 30, LATER) == [run.run_id]
    assert run.sightings().collect()["prefix"].to_list() == [None]
    assert not run.manifest.prefixes_stored
    assert forget_old_addresses(workspace, 30, LATER) == []


def files_with_address(workspace: Workspace) -> list[str]:
    """Files below the workspace that hold it, Parquet read as such."""
    found = []
    for path in workspace.root.rglob("*"):
        if path.suffix == ".parquet":
            held = "address" in (frame := pl.read_parquet(path)) and ADDRESS in frame["address"]
        else:
            held = path.is_file() and ADDRESS.encode() in path.read_bytes()
        found += [path.name] if held else []
    return found


def test_old_runs_give_up_their_addresses_and_nothing_else(workspace: Workspace) -> None:
    """After so many days no file holds an address; rows, visits and figures are as before."""
    run = run_with_addresses(workspace)
    (workspace.json_dir / "geo.json").write_text(json.dumps({"x": {"ip": [[ADDRESS, 1]]}}))
    before = run.sightings().drop("address", "port").collect()
    assert sorted(files_with_address(workspace)) == [
        "geo.json",
        "sightings-000000.parquet",
        "visits-000000.parquet",
    ]
    assert forget_old_addresses(workspace, 30, frames.NOON + timedelta(days=29)) == []
    assert forget_old_addresses(workspace, None, LATER) == []
    assert forget_old_addresses(workspace, 30, LATER) == [run.run_id]
    assert files_with_address(workspace) == []
    assert run.sightings().drop("address", "port").collect().equals(before)
    assert run.visits().collect()["outcome"].to_list() == ["reached"]
    manifest = run.manifest
    assert (manifest.addresses_stored, manifest.addresses_removed_at) == (False, LATER)
    assert forget_old_addresses(workspace, 30, LATER) == []


@pytest.mark.parametrize("step", ["compact_run", "sweep_replaced", "write_manifest"])
def test_forgetting_that_is_broken_off_is_taken_up_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Broken off after any step, no row is lost, and the next call ends the work."""
    run = run_with_addresses(workspace)
    real = getattr(privacy, step)

    def breaks(*arguments: object, **others: object) -> None:
        real(*arguments, **others)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(privacy, step, breaks)
        with pytest.raises(KeyboardInterrupt):
            forget_old_addresses(workspace, 30, LATER)
    assert run.sightings().collect()["peer"].to_list() == [1, 2]
    forget_old_addresses(workspace, 30, LATER)
    assert files_with_address(workspace) == []
    assert run.sightings().collect()["peer"].to_list() == [1, 2]
    assert not run.manifest.addresses_stored


def test_a_clock_that_jumps_back_forgets_nothing(workspace: Workspace) -> None:
    """A run that seems to begin in the future keeps what it was told to keep."""
    run = run_with_addresses(workspace)
    assert forget_old_addresses(workspace, 30, frames.NOON - timedelta(days=400)) == []
    assert run.manifest.addresses_stored


def test_running_runs_and_jobs_are_left_alone(workspace: Workspace) -> None:
    """What is being written is not touched, nor is the key of a job that runs."""
    run_with_addresses(workspace, RunState.RUNNING)
    assert forget_old_addresses(workspace, 0, LATER) == []
    with JobLock(workspace.runs_dir) as lock:
        assert lock.acquire()
        with pytest.raises(JobRefused, match="a job is running"):
            rotate_key(workspace)
        with pytest.raises(JobRefused, match="a job is running"):
            forget_old_addresses(workspace, 0, LATER)


def test_it_happens_at_each_start(workspace: Workspace) -> None:
    """Whoever opens the workspace has keep_raw_days kept, without asking for it."""
    run = run_with_addresses(workspace)
    workspace.config_path.write_text("keep_raw_days=0\nignore_environment=yes\n")
    Observatory(workspace, name="test", description="").close()
    assert not run.manifest.addresses_stored
    assert files_with_address(workspace) == []


def test_a_new_key_shares_nothing_with_the_old(workspace: Workspace) -> None:
    """The key is another one, still readable by its owner only, and the old is nowhere."""
    old = load_or_make_key(workspace.key_path)
    rotation = rotate_key(workspace)
    new = load_or_make_key(workspace.key_path)
    assert (rotation.before, rotation.after) == (key_id(old), key_id(new))
    assert old != new
    assert workspace.key_path.stat().st_mode & 0o777 == 0o600
    kept = [path for path in workspace.root.rglob("*") if path.is_file()]
    assert not any(old in path.read_bytes() for path in kept)
