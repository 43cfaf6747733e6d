"""Folders of the classic tool on disk: their JSON files, read and written. Knows no meaning.

DIR/runs/<torrent file name>.json, DIR/json/bar.json, DIR/json/geo.json,
DIR/bulkTorrents/index.json; what stands in them is for `analysis.classic` to say.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.durable import replace_durably, write_durably
from swarm.errors import StorageError

MAX_RECORD_BYTES = 256_000_000  # a swarm of a million peers takes 60 MB
_RUNS, _JSON, _TORRENTS, _INDEX = "runs", "json", "bulkTorrents", "index.json"
# Leaves room, in the 255 bytes of a file name, for what a file is called before its renaming.
_MAX_NAME_BYTES = 230


@dataclass(frozen=True, slots=True)
class RecordFile:
    """One file of runs/ that is JSON."""

    name: str
    content: object


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """One file of runs/ that does not read, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class ClassicFolder:
    """A folder of the classic tool: where its records are, and its index if it has one."""

    runs_dir: Path
    index_path: Path | None

    @classmethod
    def find(cls, folder: Path) -> ClassicFolder:
        """Take the folder itself, or its runs/ folder, or any folder of such .json files.

        Raises:
            StorageError: there is no such folder, or there is no .json file in it.
        """
        if not folder.is_dir():
            raise StorageError(f"{folder} is not a folder: give a folder of the classic tool")
        runs_dir = folder / _RUNS if (folder / _RUNS).is_dir() else folder
        if not any(_json_files(runs_dir)):
            raise StorageError(
                f"{runs_dir} holds no .json file: "
                "give a folder of the classic tool, or the runs/ folder in it"
            )
        root = runs_dir.parent if runs_dir.name == _RUNS else runs_dir
        index = root / _TORRENTS / _INDEX
        return cls(runs_dir, index if index.is_file() else None)

    def records(self) -> Iterator[RecordFile | RefusedFile]:
        """Every .json file of runs/, by name; those that do not read say why."""
        for path in _json_files(self.runs_dir):
            try:
                yield RecordFile(_utf8_name(path), _read_json(path))
            except (OSError, ValueError, RecursionError) as error:
                shown = path.name.encode("utf-8", "replace").decode()
                yield RefusedFile(shown, _reason(error))

    def index(self) -> dict[str, Any]:
        """bulkTorrents/index.json; empty where the folder has none.

        Raises:
            StorageError: it is there but is no JSON object.
        """
        if self.index_path is None:
            return {}
        try:
            content = _read_json(self.index_path)
        except (OSError, ValueError, RecursionError) as error:
            raise StorageError(
                f"{self.index_path} does not read ({_reason(error)}): mend or move it"
            ) from error
        if not isinstance(content, dict):
            raise StorageError(f"{self.index_path} is not a JSON object: mend or move it")
        return content


def write_classic_folder(
    folder: Path,
    *,
    records: Iterable[tuple[str, object]],
    bar: object,
    index: object,
) -> int:
    """Write a run in the classic form below `folder`; files of the same name are replaced.

    Each file appears whole or not at all. Names are made safe first (`safe_name`), so that
    nothing is written outside `folder`. geo.json holds the records by their file names.

    Returns:
        How many records were written.

    Raises:
        StorageError: `folder` is no folder, or the disk refuses; names the file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"cannot make the folder {folder}: {error.strerror or error}. Choose another place."
        ) from error
    written = 0

    def kept() -> Iterator[tuple[str, object]]:
        nonlocal written
        for safe, record in _apart((safe_name(name), record) for name, record in records):
            write_durably(folder / _RUNS / safe, _to_json(record))
            written += 1
            yield safe, record

    write_aggregates(folder / _JSON, bar=bar, geo=kept())
    write_durably(folder / _TORRENTS / _INDEX, _to_json(index))
    return written


def write_aggregates(json_dir: Path, *, bar: object, geo: Iterable[tuple[str, object]]) -> None:
    """Write bar.json and geo.json into `json_dir`; `geo` is gone through once, nothing is held.

    Raises:
        StorageError: the disk refuses; names the file.
    """

    def write(aside: Path) -> None:
        with aside.open("wb") as file:  # byte by byte what json.dumps makes of a dict
            before = b"{"
            for name, record in _apart(geo):
                file.write(before + _to_json(name) + b": " + _to_json(record))
                before = b", "
            file.write(b"{}" if before == b"{" else b"}")

    write_durably(json_dir / "bar.json", _to_json(bar))
    replace_durably(json_dir / "geo.json", write)


def safe_name(name: str) -> str:
    """`name` as one file name that stays in its folder, is not hidden, and fits the disk.

    Slashes, control characters and a leading dot are percent-encoded; a name that is too long
    is cut and told apart by a digest. A harmless name comes back as it is.
    """
    text = name.encode("utf-8", "replace").decode()
    text = "".join(f"%{ord(c):02X}" if c in "/\\" or not _visible(c) else c for c in text)
    stem = text.removesuffix(".json") or "unnamed"
    if stem.startswith("."):
        stem = "%2E" + stem[1:]
    text = f"{stem}.json"
    if len(text.encode()) <= _MAX_NAME_BYTES:
        return text
    return _shortened(text, name)


def _visible(character: str) -> bool:
    return character >= " " and character != "\x7f"


def _shortened(text: str, told_apart_by: str) -> str:
    digest = hashlib.blake2b(told_apart_by.encode("utf-8", "replace"), digest_size=6).hexdigest()
    tail = f"~{digest}.json"
    kept = text.encode()[: _MAX_NAME_BYTES - len(tail)].decode("utf-8", "ignore")
    return kept + tail


def _apart(records: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """The records, none of a name that one before it had."""
    taken: set[str] = set()
    for name, record in records:
        candidate, count = name, 1
        while candidate in taken:
            candidate = _shortened(name.removesuffix(".json"), f"{name}\0{count}")
            count += 1
        taken.add(candidate)
        yield candidate, record


def _json_files(folder: Path) -> list[Path]:
    # A pipe or device with such a name would be waited for without end: regular files only.
    return sorted(p for p in folder.glob("*.json") if not p.name.startswith(".") and p.is_file())


def _utf8_name(path: Path) -> str:
    """The file's name.

    Raises:
        ValueError: its bytes are no UTF-8.
    """
    path.name.encode("utf-8")
    return path.name


def _read_json(path: Path) -> object:
    with path.open("rb") as file:
        raw = file.read(MAX_RECORD_BYTES + 1)
    if len(raw) > MAX_RECORD_BYTES:
        raise ValueError(f"larger than {MAX_RECORD_BYTES // 1_000_000} MB")
    content: object = json.loads(raw.decode("utf-8-sig"))
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or error}"
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeError):
        return "not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error}"
    return str(error)


def _to_json(content: object) -> bytes:
    return json.dumps(content, allow_nan=False).encode("ascii")
