"""The archive of runs, from the command line and the desk, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from commands.app import app
from observatory.configuration import open_catalogue
from observatory.desk import Observatory
from observatory.exporting import subject_of
from observatory.job import JobKind, JobState
from storage.manifest import RunCounts, RunState, read_manifest, write_manifest
from storage.parts import generations
from storage.runs import RunReader, RunWriter
from storage.workspace import Workspace
from swarm.errors import JobRefused, StorageError
from tests import frames

SHIPPED = Path(__file__).parents[2] / "bulkTorrents"
OLD, NEW = "20261120-120000-aaaa", "20261121-120000-bbbb"
Atlas = Callable[..., Result]


def keep_run(runs_dir: Path, run_id: str, *peers: int, **more: Any) -> RunReader:
    """A finished run of two swarms, written in three parts."""
    started_at = frames.NOON + timedelta(days=int(run_id[6:8]) - 21)
    values = {"started_at": started_at, "key_id": "k", **more}
    writer = RunWriter(runs_dir, frames.manifest(run_id, **values), frames.swarms("film", "book"))
    counts = RunCounts(swarms_total=2, swarms_done=2, peers=len(peers), queries=40)
    writer.add(frames.sightings(*((0, p, "FR") for p in peers[:1])), frames.outcomes(), counts)
    writer.add(
        frames.sightings(*((0, p, "FR") for p in peers[1:])), frames.outcomes((0, 1)), counts
    )
    writer.add(frames.sightings(), frames.outcomes((1, 0)), counts)
    writer.finish(RunState.COMPLETE, started_at + timedelta(hours=1), "Done.", counts)
    return RunReader(writer.folder)


@pytest.fixture
def workspace(tmp_path: Path, database: Path | str) -> Workspace:
    world = Workspace(tmp_path)
    world.prepare()
    if not isinstance(database, Path):
        world.config_path.write_text(f"database_url={database}\n")
    keep_run(world.runs_dir, OLD, 1, 2, 3)
    keep_run(world.runs_dir, NEW, 2, 3, 4, 5)
    return world


@pytest.fixture
def atlas(workspace: Workspace) -> Atlas:
    def run(*words: str) -> Result:
        return CliRunner().invoke(app, ["runs", *words, f"--workspace={workspace.root}"])

    return run


def document(result: Result) -> Any:
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout.splitlines()[-1])


def test_list_and_show_say_what_is_there(atlas: Atlas, workspace: Workspace) -> None:
    """Both name state, figures, parts and bytes of a run; a broken manifest is one broken row."""
    listed = document(atlas("list", "--json"))["runs"]
    assert [(run["id"], run["state"], run["peers"]) for run in listed] == [
        (NEW, "complete", 4),
        (OLD, "complete", 3),
    ]
    folder = workspace.runs_dir / NEW
    assert listed[0]["size_bytes"] == sum(path.stat().st_size for path in folder.iterdir())
    assert listed[0]["parts"] == 5
    assert NEW in atlas("list").stdout
    shown = document(atlas("show", NEW, "--json"))
    assert shown["manifest"]["run_id"] == NEW
    assert shown["parts"] == {"sightings": 2, "outcomes": 3, "trackers": 0, "visits": 0}
    assert shown["other_files"] == ["manifest.json", "swarms.parquet"]
    assert "Done." in atlas("show", NEW).stdout
    (folder / "manifest.json").write_text("{")
    assert document(atlas("list", "--json"))["runs"][0]["broken"].startswith(f"{folder}")
    assert isinstance(atlas("show", "20000101-000000-0000").exception, StorageError)


def test_delete_asks_and_leaves_the_rest(atlas: Atlas, workspace: Workspace) -> None:
    """Without an answer nothing goes; with --yes the run, its row and its json/ files go."""
    assert atlas("delete", NEW).exit_code == 2
    assert (workspace.runs_dir / NEW).exists()
    assert document(atlas("delete", NEW, "--yes", "--json"))["state"] == JobState.DONE
    assert [run["id"] for run in document(atlas("list", "--json"))["runs"]] == [OLD]
    with closing(open_catalogue(workspace)) as catalogue:
        assert [manifest.run_id for manifest in catalogue.runs()] == [OLD]
    bar = json.loads((workspace.json_dir / "bar.json").read_text())
    assert sum(bar["FR"]["amounts"]) == 3  # of the run that is the latest now
    document(atlas("delete", OLD, "--yes", "--json"))
    assert list(workspace.json_dir.glob("*.json")) == []
    missing = atlas("delete", OLD, "--yes", "--json")
    assert missing.exit_code == 1
    assert "there is no run" in missing.stdout


def test_running_run_is_not_deleted(workspace: Workspace) -> None:
    """Of a list with a run that is being written, none is deleted."""
    from observatory.jobs import DeleteArguments
    from observatory.upkeep import delete_runs
    from swarm.errors import JobRefused

    folder = workspace.runs_dir / NEW
    running = read_manifest(folder).model_copy(update={"state": RunState.RUNNING})
    write_manifest(folder, running)

    class Silence:
        def report(self, doing: str, done: int, total: int | None, **counts: int) -> None:
            pass

    with pytest.raises(JobRefused, match="is running"):
        delete_runs(workspace, DeleteArguments(run_ids=(OLD, NEW)), Silence())
    assert (workspace.runs_dir / OLD).exists()


def test_compact_keeps_the_rows_and_the_figures(atlas: Atlas, workspace: Workspace) -> None:
    """Few parts, the same rows; done again, there is nothing to do; a broken run is named."""
    before = RunReader(workspace.runs_dir / NEW).sightings().collect()
    (workspace.runs_dir / OLD / "outcomes-000001.parquet").write_bytes(b"PAR1")
    report = document(atlas("compact", "--json"))
    assert (report["runs"], report["parts_before"], report["parts_after"]) == (1, 5, 2)
    assert report["refused"][0].startswith(OLD)
    run = RunReader(workspace.runs_dir / NEW)
    assert run.sightings().collect().equals(before)
    assert len(generations(run.folder)) == 1
    again = atlas("compact", NEW)
    assert "Nothing to compact" in again.stdout


def test_compare_says_who_came_and_went(atlas: Atlas, workspace: Workspace) -> None:
    """Two runs of one key: each country and torrent with new, stayed and gone."""
    found = document(atlas("compare", OLD, NEW, "--json"))
    assert found["unlinked"] is None
    (country,) = found["countries"]
    assert country == {
        "country": "FR",
        "before": 3,
        "after": 4,
        "new": 2,
        "stayed": 2,
        "gone": 1,
    }
    assert [row["name"] for row in found["torrents"]] == ["film", "book"]
    assert (found["torrents_in_both"], found["torrents_before_only"]) == (2, 0)
    assert "film" in atlas("compare", OLD, NEW).stdout
    folder = workspace.runs_dir / OLD
    write_manifest(folder, read_manifest(folder).model_copy(update={"key_id": "other"}))
    found = document(atlas("compare", OLD, NEW, "--json"))
    assert "key" in found["unlinked"]
    assert found["countries"][0]["gone"] is None
    assert "the key of the pseudonyms was changed" in atlas("compare", OLD, NEW).stdout.lower()


def test_runs_with_pseudonyms_of_two_kinds_are_not_linked(
    atlas: Atlas, workspace: Workspace, tmp_path: Path
) -> None:
    """A run of an older version stays readable; who is in both runs is not said, and why."""
    folder = workspace.runs_dir / NEW
    write_manifest(folder, read_manifest(folder).model_copy(update={"pseudonyms": "by-tomorrow"}))
    found = document(atlas("compare", OLD, NEW, "--json"))
    assert "made the pseudonyms of one of them in another way" in found["unlinked"]
    country = found["countries"][0]
    assert (country["before"], country["after"], country["stayed"]) == (3, 4, None)
    with pytest.raises(JobRefused, match="different ways by different versions"):
        subject_of(workspace, RunReader(folder), against=OLD)


def test_catalogue_is_made_again_from_the_files(workspace: Workspace) -> None:
    """A catalogue that is gone or behind says after the next start what the folders hold."""
    shutil.copytree(SHIPPED, workspace.torrents_dir, dirs_exist_ok=True)

    def names() -> tuple[list[str], int]:
        with closing(Observatory(workspace, name="T", description="a test")) as desk:
            return [run.id for run in desk.runs()], desk.torrents()

    there = names()
    assert there == ([NEW, OLD], len(list(SHIPPED.glob("*.torrent"))))
    with closing(open_catalogue(workspace)) as catalogue:  # as a fresh database
        catalogue.replace_runs([])
        catalogue.replace_torrents([], frames.NOON)
    assert names() == there
    shutil.rmtree(workspace.runs_dir / OLD)  # and by hand
    next(workspace.torrents_dir.glob("*.torrent")).unlink()
    assert names() == ([NEW], there[1] - 1)


def test_worker_and_page_meet_in_the_catalogue(workspace: Workspace) -> None:
    """A job of a worker process reports, ends and is read, whichever database lies between."""
    with closing(Observatory(workspace, name="T", description="a test")) as desk:
        job = desk.start(JobKind.COMPACT, {})
        deadline = time.monotonic() + 60
        while desk.job(job.id).is_active and time.monotonic() < deadline:
            desk.active_job()
            time.sleep(0.05)
        ended = desk.job(job.id)
        assert (ended.state, ended.message) == (
            JobState.DONE,
            "10 parts became 4, in 2 runs.",
        )
