"""docs/analysis.md: the examples run as they stand, on a seeded workspace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import analysis
from tests.kept_runs import SWARMS, keep_two_runs

PAGE = (Path(__file__).parents[2] / "docs" / "analysis.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("notebook")
    keep_two_runs(root)
    return root


def run_example(number: int, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the example leaves behind when it is run in that folder."""
    monkeypatch.chdir(workspace)
    names: dict[str, Any] = {}
    exec(EXAMPLES[number], names)
    return names


def test_there_are_three_examples() -> None:
    """Each is tested below."""
    assert len(EXAMPLES) == 3


def test_books_have_more_of_france(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first example finds what the sample was made with."""
    sure = run_example(0, workspace, monkeypatch)["sure"]
    assert sure.filter(category="Books", country="FR")["ratio_low"].item() > 1
    assert "ratio_low" in capsys.readouterr().out


def test_who_left(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second tells of each swarm, with bounds that allow for peers that were missed."""
    churn = run_example(1, workspace, monkeypatch)["churn"]
    assert len(churn) == SWARMS
    assert (churn["gone_low"] <= churn["gone"]).all()
    assert "gone_high" in capsys.readouterr().out


def test_how_uneven(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The third prints a coefficient between 0 and 1 and pairs of swarms."""
    spread = run_example(2, workspace, monkeypatch)["spread"]
    assert 0 < spread.gini < 1
    assert "jaccard" in capsys.readouterr().out


def test_every_public_name_is_documented() -> None:
    """The page names each function that `analysis` offers, and offers each that it names."""
    offered = {name for name in analysis.__all__ if name[0].islower()} - {"cell_deg_at"}
    table = PAGE.split("## What there is")[1]
    named = set(re.findall(r"`([a-z_]+)`", table)) - {"swarms", "sightings", "outcomes", "tallies"}
    assert named == offered
