"""The browser's profiles: a fresh folder for each visit, and what killed keepers left behind.

A profile belongs to the keeper that holds its lock, which the kernel lets go when that ends in
whatever way. One that nobody holds is swept, and with it every process that still works in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_PREFIX = "profile-"
_held: list[int] = []  # locks of this process; they last as long as it


def new_profile(cache_dir: Path) -> Path:
    """A new, empty profile that belongs to this process; abandoned ones are swept before.

    Raises:
        OSError: the folder cannot be written.
    """
    with (cache_dir / "profiles.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for abandoned in cache_dir.glob(f"{_PREFIX}*"):
            _sweep(abandoned)
        profile = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=cache_dir))
        lock = os.open(profile, os.O_RDONLY)  # not inherited by what is started
        fcntl.flock(lock, fcntl.LOCK_EX)
        _held.append(lock)
    return profile


def _sweep(profile: Path) -> None:
    try:
        lock = os.open(profile, os.O_RDONLY)
    except OSError:
        return  # it has just been removed
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # somebody works with it
    else:
        _kill_all_in(profile)
        shutil.rmtree(profile, ignore_errors=True)
    finally:
        os.close(lock)


def _kill_all_in(profile: Path) -> None:
    deadline_s = time.monotonic() + 10
    while (found := list(_working_in(profile))) and time.monotonic() < deadline_s:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _working_in(profile: Path) -> Iterator[int]:
    """Processes that were started upon this very profile, zombies left out."""
    wanted = f"--user-data-dir={profile}".encode()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if wanted in entry.read_bytes().replace(b" ", b"\0").split(b"\0"):
                yield int(entry.parent.name)
