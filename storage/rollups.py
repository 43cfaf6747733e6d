"""Roll-ups on disk: small tables that are made again from a run's parts whenever they are missing.

They lie in a folder of the run that is named after what they were made from, `rollup-<stamp>`, and
appear whole, by one rename. So a stale one is never read: the run's stamp is another then.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl
from polars.exceptions import PolarsError

from storage.durable import ASIDE_PREFIX, sole_writer, sync
from storage.runs import RunReader
from swarm.errors import StorageError

VERSION: Final = 4  # of what the tables say; a new one makes all roll-ups stale
_PREFIX = "rollup-"
_END: Final = b"PAR1"


def rollup_stamp(reader: RunReader) -> str:
    """Says which parts there are, and which version of roll-ups; a directory listing."""
    sources = [*reader.parts("sightings"), *reader.folder.glob("tallies.parquet")]
    named = [(str(path.relative_to(reader.folder)), path.stat().st_size) for path in sources]
    return hashlib.blake2b(f"{VERSION}{named}".encode(), digest_size=8).hexdigest()


def rollup_folder(reader: RunReader) -> Path:
    """Where the roll-up of just the parts that the run has now stands, once it is made."""
    return reader.folder / f"{_PREFIX}{rollup_stamp(reader)}"


def read_rollup(reader: RunReader) -> dict[str, pl.LazyFrame] | None:
    """The tables that were made from just the parts that the run has now; None: there are none.

    Nothing is loaded. One that is cut off is none: it is made again.
    """
    paths = sorted(rollup_folder(reader).glob("*.parquet"))
    if not all(map(_is_whole, paths)):
        return None
    return {path.stem: pl.scan_parquet(path) for path in paths} or None


def _is_whole(path: Path) -> bool:
    """Whether it ends as Parquet does: all tables' schemas would take 5 ms of a page's first 50."""
    try:
        with path.open("rb") as file:
            file.seek(-len(_END), os.SEEK_END)
            return file.read() == _END
    except OSError:
        return False


def write_rollup(reader: RunReader, stamp: str, tables: Mapping[str, pl.DataFrame]) -> None:
    """Keep the tables that were made from the parts which `stamp` names; older ones go.

    Raises:
        StorageError: the disk refuses; the run itself is not touched.
    """
    target = reader.folder / f"{_PREFIX}{stamp}"
    aside = reader.folder / f"{ASIDE_PREFIX}{_PREFIX}{secrets.token_hex(8)}"
    with sole_writer(reader.folder):
        leftovers = set(reader.folder.glob(f"{ASIDE_PREFIX}{_PREFIX}*"))
        try:
            aside.mkdir()
            for name, table in tables.items():
                path = aside / f"{name}.parquet"
                table.write_parquet(path, compression="zstd")
                sync(path)
            sync(aside)
            leftovers |= set(reader.folder.glob(f"{_PREFIX}*"))
            if target in leftovers:  # it did not read, or somebody was faster
                shutil.rmtree(target)
            aside.rename(target)
            sync(reader.folder)
        except (OSError, PolarsError) as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise StorageError(f"cannot write {target}: {str(error)[:200]}") from error
        for leftover in leftovers - {target}:
            shutil.rmtree(leftover, ignore_errors=True)


def drop_rollups(run_folder: Path) -> None:
    """Delete all roll-ups of a run; the next reader makes them again."""
    with sole_writer(run_folder):
        for folder in run_folder.glob(f"{_PREFIX}*"):
            shutil.rmtree(folder)
