"""One lab for all integration tests, and fresh workspaces upon it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from commands.dashboard import lab_command
from lab.facts import FILE_NAME, WorldFacts, load
from observatory.desk import Observatory
from observatory.lab_process import LabProcess
from storage.workspace import Workspace


@dataclass(frozen=True)
class Lab:
    """A running world: what is in it, and the config.txt that leads to it."""

    facts: WorldFacts
    config: str


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The world of seed 3, without a challenge, in a process of its own."""
    root = tmp_path_factory.mktemp("lab")
    process = LabProcess([*lab_command(root), "--seed=3", "--no-challenge"])
    process.start()
    process.wait()
    yield Lab(load(root / FILE_NAME), (root / "config.txt").read_text())
    process.stop()


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Callable[[str], Observatory]]:
    """Opens an observatory in the test's folder, with the config.txt given."""
    desks = []

    def open_with(config: str) -> Observatory:
        (tmp_path / "config.txt").write_text(config)
        desk = Observatory(Workspace(tmp_path), name="Test", description="a test", is_lab=True)
        desks.append(desk)
        return desk

    yield open_with
    for desk in desks:
        with closing(desk):
            job = desk.active_job()
            if job is not None:
                desk.cancel(job.id)
            deadline = time.monotonic() + 30
            while desk.active_job() is not None and time.monotonic() < deadline:
                time.sleep(0.05)
