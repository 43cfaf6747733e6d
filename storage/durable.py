"""Files that a killed process cannot leave half-written: written aside, synced, then renamed."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from swarm.errors import StorageError

# A name that starts so is a leftover of a killed writer; readers pass over it.
ASIDE_PREFIX = ".aside-"


def write_durably(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace `path` by `content` as one step: a reader sees the old or the new, never a part.

    Raises:
        StorageError: the file cannot be written (disk full, no permission); the old one stands.
    """

    def write(aside: Path) -> None:
        aside.write_bytes(content)

    replace_durably(path, write, mode=mode)


def replace_durably(path: Path, write: Callable[[Path], None], *, mode: int = 0o644) -> None:
    """Let `write` fill a file aside, then put it in the place of `path` as one step.

    Raises:
        StorageError: as in `write_durably`.
    """
    aside = path.with_name(f"{ASIDE_PREFIX}{secrets.token_hex(8)}")
    with disk_errors(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.touch(mode=mode, exist_ok=False)
            write(aside)
            sync(aside)
            aside.replace(path)
        except BaseException:
            with suppress(OSError):  # the folder itself may be what is wrong
                aside.unlink()
            raise
        sync(path.parent)


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Let what the disk refuses meanwhile say which file it was about.

    Raises:
        StorageError: in the place of an OSError, and of how polars says it.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Be the only one, among threads and processes, who changes files of `folder`; waits its turn.

    For what is read, changed and written back. The lock is on the folder itself, leaves no file,
    and ends with its holder, however that ends. Not reentrant.

    Raises:
        StorageError: the folder cannot be made or opened.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageError(f"cannot open {folder}: {error.strerror or error}") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Return after the disk has a file's content, or a folder's list of names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
