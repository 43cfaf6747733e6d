"""observatory.comparisons: made once while neither run changes, and never while the page waits."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from observatory.archive import RunComparison, compare_runs
from observatory.comparisons import Comparisons
from storage.workspace import Workspace
from swarm.errors import StorageError
from tests.kept_runs import AFTER, BEFORE, keep_two_runs


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    keep_two_runs(tmp_path)
    return Workspace(tmp_path)


def same(one: RunComparison, other: RunComparison) -> None:
    for name in ("countries", "places", "torrents"):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.cautions == other.cautions


def test_long_runs_are_compared_while_nobody_waits(workspace: Workspace) -> None:
    """Who does not wait is told so, and has the comparison when he asks again."""
    kept = Comparisons(workspace, at_once_bytes=0)
    with pytest.raises(StorageError, match="being compared"):
        kept.of(BEFORE, AFTER, wait=False)
    for thread in threading.enumerate():
        if thread.name == f"compare {BEFORE} {AFTER}":
            thread.join(60)
            assert not thread.is_alive()
    found = kept.of(BEFORE, AFTER, wait=False)
    same(found, compare_runs(workspace, BEFORE, AFTER))
    assert kept.of(BEFORE, AFTER, wait=False) is found


def test_who_waits_has_it_at_once_and_a_changed_run_is_compared_anew(workspace: Workspace) -> None:
    """The command line waits; what is kept is of the runs as they stood."""
    kept = Comparisons(workspace, at_once_bytes=0)
    found = kept.of(BEFORE, AFTER, wait=True)
    assert kept.of(BEFORE, AFTER, wait=True) is found
    part = next((workspace.runs_dir / AFTER).glob("sightings-*.parquet"))
    part.unlink()
    assert kept.of(BEFORE, AFTER, wait=True) is not found


def test_short_runs_are_compared_at_once(workspace: Workspace) -> None:
    """Nobody is sent away for what takes no time."""
    kept = Comparisons(workspace, at_once_bytes=10**9)
    same(kept.of(BEFORE, AFTER, wait=False), compare_runs(workspace, BEFORE, AFTER))
    with pytest.raises(StorageError, match="there is no run"):
        kept.of(BEFORE, "20260101-000000-0000", wait=False)
