"""storage: keys, torrents, and files that are written as one step."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from storage.durable import write_durably
from storage.pseudonym_key import load_or_make_key
from storage.torrents import KeptTorrent, RefusedTorrent, TorrentFolder
from swarm.errors import StorageError
from swarm.metainfo import parse_torrent

SHIPPED = Path(__file__).parents[2] / "bulkTorrents"


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The pseudonym key is stable, 32 bytes, and readable by its owner only."""
    path = tmp_path / "runs" / "pseudonym.key"
    key = load_or_make_key(path)
    assert (len(key), load_or_make_key(path)) == (32, key)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"short")
    with pytest.raises(StorageError, match="not a key"):
        load_or_make_key(path)


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """Where the new content cannot be put in place, the old one stands and nothing is left over."""
    target = tmp_path / "folder"
    target.mkdir()
    (target / "inside").write_text("old")
    with pytest.raises(StorageError, match="cannot write"):
        write_durably(target, b"new")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder"]
    assert (target / "inside").read_text() == "old"


def test_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    """Writing below something that is no folder is our error, not the system's."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_durably(tmp_path / "file" / "below", b"new")


def test_longest_names_are_written(tmp_path: Path) -> None:
    """A name as long as the disk takes leaves room for writing aside."""
    path = tmp_path / ("é" * 127 + "x")
    write_durably(path, b"new")
    assert path.read_bytes() == b"new"


def test_folder_keeps_and_lists_torrents(tmp_path: Path) -> None:
    """A kept torrent comes back with its labels; broken files are listed with their reason."""
    raw = next(SHIPPED.glob("*.torrent")).read_bytes()
    torrent = parse_torrent(raw)
    folder = TorrentFolder(tmp_path)
    folder.keep(torrent, raw, category="Movies > HD", language="English")
    folder.keep(torrent, raw, category="Movies > HD", language="English")
    (tmp_path / "same%20again.torrent").write_bytes(raw)
    (tmp_path / "broken.torrent").write_bytes(b"<html>")
    found = list(folder)
    assert [type(item) for item in found] == [KeptTorrent, RefusedTorrent]
    assert isinstance(found[0], KeptTorrent)
    assert (found[0].torrent, found[0].category, found[0].language) == (
        torrent,
        "Movies > HD",
        "English",
    )
    assert folder.index()[torrent.file_name]["size"] == torrent.size_bytes / 1e6


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 1}'])
def test_broken_index_is_named(tmp_path: Path, text: str) -> None:
    """An index.json of another form is an error that names it."""
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(StorageError, match=r"index\.json"):
        TorrentFolder(tmp_path).index()
