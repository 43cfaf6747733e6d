"""storage.classic: a classic folder is read file by file and written without leaving its place."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from storage.classic import (
    ClassicFolder,
    RecordFile,
    RefusedFile,
    safe_name,
    write_aggregates,
    write_classic_folder,
)
from swarm.errors import StorageError
from tests.classic_folders import SAMPLES


def names_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_folder_or_its_runs_folder_may_be_given() -> None:
    """Both ways lead to the same records and the same index."""
    whole, runs = (ClassicFolder.find(SAMPLES / p) for p in ("classic-plain", "classic-plain/runs"))
    assert list(whole.records()) == list(runs.records())
    assert whole.index() == runs.index() != {}


def test_a_bare_folder_of_records_is_enough(tmp_path: Path) -> None:
    """Records without runs/ and without an index still read."""
    (tmp_path / "Film.torrent.json").write_text('{"size": 1}')
    folder = ClassicFolder.find(tmp_path)
    assert list(folder.records()) == [RecordFile("Film.torrent.json", {"size": 1})]
    assert folder.index() == {}


def test_names_come_as_they_are_on_disk() -> None:
    """Percent signs, brackets, plus signs and unicode are names, not patterns or codes."""
    records = ClassicFolder.find(SAMPLES / "classic-unicode").records()
    names = {record.name for record in records if isinstance(record, RecordFile)}
    assert names == {path.name for path in (SAMPLES / "classic-unicode" / "runs").iterdir()}
    assert "Cosmos+Laundromat+(2015)+[4K].torrent.json" in names


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b'{"date": "2021-', "not JSON"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"size": ' + b"9" * 5000 + b"}", "digits"),
    ],
    ids=["empty", "cut", "not utf-8", "deep", "long number"],
)
def test_a_broken_file_is_told_and_passed_over(tmp_path: Path, content: bytes, reason: str) -> None:
    """One broken file costs one row with its reason; the rest is read."""
    (tmp_path / "a.json").write_bytes(content)
    (tmp_path / "b.json").write_text("{}")
    broken, whole = ClassicFolder.find(tmp_path).records()
    assert isinstance(broken, RefusedFile)
    assert reason in broken.reason
    assert whole == RecordFile("b.json", {})


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    """Files that passed through a Windows editor read."""
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"size": 1}')
    assert list(ClassicFolder.find(tmp_path).records()) == [RecordFile("a.json", {"size": 1})]


def test_a_name_that_is_no_utf8_is_told(tmp_path: Path) -> None:
    """A file name from a Latin-1 disk is refused with a printable name."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.json")).write_text("{}")
    (refused,) = ClassicFolder.find(tmp_path).records()
    assert refused == RefusedFile("caf?.json", "not UTF-8")


def test_pipes_folders_and_hidden_files_are_no_records(tmp_path: Path) -> None:
    """A pipe would be waited for without end; a dotted name is a half-written file."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / ".aside-1-a.json").write_text("{}")
    (tmp_path / "a.json").write_text("{}")
    assert list(ClassicFolder.find(tmp_path).records()) == [RecordFile("a.json", {})]


def test_a_folder_without_records_says_what_to_give(tmp_path: Path) -> None:
    """Missing and empty folders are an error that names the path."""
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(StorageError, match="give a folder of the classic tool") as caught:
            ClassicFolder.find(folder)
        assert str(folder) in str(caught.value)


@pytest.mark.parametrize("content", ["[1]", "{", ""])
def test_a_broken_index_is_an_error(tmp_path: Path, content: str) -> None:
    """index.json that does not read is named, since categories would be lost without a word."""
    (tmp_path / "a.json").write_text("{}")
    (tmp_path / "bulkTorrents").mkdir()
    (tmp_path / "bulkTorrents" / "index.json").write_text(content)
    with pytest.raises(StorageError, match=r"index\.json"):
        ClassicFolder.find(tmp_path).index()


def test_a_folder_is_written_in_the_classic_layout(tmp_path: Path) -> None:
    """Four kinds of file at their classic places, geo.json holding the records by name."""
    records: dict[str, object] = {"A.torrent.json": {"size": 1.5}, "é [1].torrent.json": {}}
    bar = {"abs": {"sizes": [], "amounts": []}}
    count = write_classic_folder(tmp_path, records=records.items(), bar=bar, index={"A": {}})
    assert count == 2
    assert names_below(tmp_path) == {
        "runs/A.torrent.json",
        "runs/é [1].torrent.json",
        "json/bar.json",
        "json/geo.json",
        "bulkTorrents/index.json",
    }
    assert json.loads((tmp_path / "json" / "geo.json").read_text()) == records
    assert json.loads((tmp_path / "json" / "bar.json").read_text()) == bar
    folder = ClassicFolder.find(tmp_path)
    read = {file.name: file.content for file in folder.records() if isinstance(file, RecordFile)}
    assert read == records
    assert folder.index() == {"A": {}}


def test_writing_again_replaces(tmp_path: Path) -> None:
    """A second export over the first leaves no half of either."""
    for size in (1, 2):
        write_classic_folder(tmp_path, records=[("a.json", {"size": size})], bar={}, index={})
    assert json.loads((tmp_path / "runs" / "a.json").read_text()) == {"size": 2}
    assert names_below(tmp_path / "runs") == {"a.json"}


def test_the_aggregates_alone(tmp_path: Path) -> None:
    """After each run only bar.json and geo.json are renewed."""
    write_aggregates(tmp_path / "json", bar={"abs": {}}, geo=[("a.json", {})])
    assert names_below(tmp_path) == {"json/bar.json", "json/geo.json"}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_records_are_written_one_by_one_as_the_object_they_are(tmp_path: Path, count: int) -> None:
    """geo.json is byte by byte what it would be if all records were held at once."""
    records = [(f"é {i}.json", {"locs": ["1.5,2"] * i, "size": None}) for i in range(count)]
    write_aggregates(tmp_path, bar={}, geo=iter(records))
    assert (tmp_path / "geo.json").read_text() == json.dumps(dict(records))


@pytest.mark.parametrize(
    "name",
    [
        "../../escape.json",
        "/etc/passwd",
        "..",
        ".",
        "",
        ".json",
        ".hidden.json",
        "a/b/c.json",
        "a\\b.json",
        "a\0b.json",
        "a\nb.json",
        "\udce9.json",
        "x" * 5000,
        "🎈" * 300 + ".torrent.json",
    ],
)
def test_a_hostile_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    """Whatever a torrent calls itself, exactly one readable file appears in runs/."""
    target = tmp_path / "target"
    write_classic_folder(target, records=[(name, {"size": 1})], bar={}, index={})
    assert {path.name for path in tmp_path.iterdir()} == {"target"}
    assert len(names_below(target / "runs")) == 1
    assert [f.content for f in ClassicFolder.find(target).records() if isinstance(f, RecordFile)]


def test_names_that_become_equal_stay_apart(tmp_path: Path) -> None:
    """Two records never share a file."""
    records = [("a/b.json", {"size": 1}), ("a%2Fb.json", {"size": 2})]
    assert write_classic_folder(tmp_path, records=records, bar={}, index={}) == 2
    read = ClassicFolder.find(tmp_path).records()
    contents = [file.content for file in read if isinstance(file, RecordFile)]
    assert sorted(contents, key=str) == [{"size": 1}, {"size": 2}]


def test_a_disk_that_refuses_is_one_sentence(tmp_path: Path) -> None:
    """A folder where a file should be is named in the error."""
    (tmp_path / "runs" / "a.json").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"cannot write .*a\.json"):
        write_classic_folder(tmp_path, records=[("a.json", {})], bar={}, index={})


@pytest.mark.parametrize("name", ["A.torrent.json", "Big%20Buck+[1080p].torrent.json", "é—🎈.json"])
def test_a_harmless_name_is_kept(name: str) -> None:
    """Names of real folders come back unchanged."""
    assert safe_name(name) == name
