"""The folders of a world: held by one world at a time, and swept of what a killed one left."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from swarm.errors import WorldError

_LOCK_NAME = ".world.lock"


@contextmanager
def only_world_in(root: Path) -> Iterator[None]:
    """Hold the folder; the kernel lets go of it however this process ends."""
    with (root / _LOCK_NAME).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorldError(
                f"a lab already runs in {root}: stop that one, or use another folder"
            ) from None
        yield


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """An empty folder that is gone afterwards; one that a killed world left is swept first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
