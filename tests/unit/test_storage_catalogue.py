"""storage.catalogue and the files beside it: rows, the one active job, keys, torrents."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from storage.catalogue import Catalogue
from storage.durable import write_durably
from storage.manifest import RunState
from storage.pseudonym_key import load_or_make_key
from storage.torrents import KeptTorrent, RefusedTorrent, TorrentFolder
from swarm.errors import JobRefused, StorageError
from swarm.metainfo import parse_torrent
from tests import frames

SHIPPED = Path(__file__).parents[2] / "bulkTorrents"


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    opened = Catalogue(tmp_path / "catalogue.sqlite")
    yield opened
    opened.close()


def test_one_job_at_a_time(catalogue: Catalogue) -> None:
    """A second job is refused with a sentence that names the first, until that one ends."""
    first = catalogue.add_job("fetch", {}, frames.NOON)
    with pytest.raises(JobRefused, match=rf"job {first.id} \(fetch\) is still running"):
        catalogue.add_job("scrape", {}, frames.NOON)
    catalogue.update_job(first.id, active=None, state="done")
    assert catalogue.add_job("scrape", {}, frames.NOON).id > first.id


def test_clicks_cannot_race(tmp_path: Path) -> None:
    """Of many starts at the same instant exactly one wins."""
    Catalogue(tmp_path / "c.sqlite").close()

    def click(_: int) -> bool:
        opened = Catalogue(tmp_path / "c.sqlite")
        try:
            opened.add_job("fetch", {}, frames.NOON)
        except JobRefused:
            return False
        finally:
            opened.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(click, range(16))) == 1


def test_update_tells_whether_to_cancel(catalogue: Catalogue) -> None:
    """A report to the table brings back the user's wish to stop."""
    job = catalogue.add_job("fetch", {"a": 1}, frames.NOON)
    assert not catalogue.update_job(job.id, doing="asking", done=3, counts={"peers": 7})
    assert catalogue.update_job(job.id, cancel_requested=True)
    row = catalogue.job(job.id)
    assert (row.doing, row.done, row.counts, row.arguments) == ("asking", 3, {"peers": 7}, {"a": 1})
    assert row.created_at == frames.NOON


def test_runs_are_listed_newest_first(catalogue: Catalogue) -> None:
    """Runs come back as their manifests, the last one first."""
    old = frames.manifest("20261120-120000-aaaa")
    new = frames.manifest("20261121-120000-bbbb", started_at=frames.NOON + timedelta(days=1))
    catalogue.put_run(old)
    catalogue.put_run(new)
    catalogue.put_run(old.model_copy(update={"state": RunState.COMPLETE}))
    assert [m.run_id for m in catalogue.runs()] == [new.run_id, old.run_id]
    assert catalogue.runs()[1].state is RunState.COMPLETE
    assert catalogue.latest_run_id() == new.run_id
    catalogue.forget_run(new.run_id)
    assert catalogue.latest_run_id() == old.run_id


def test_torrents_keep_their_first_date(catalogue: Catalogue) -> None:
    """Reading the folder again changes no torrent's date of arrival."""
    kept = [item for item in TorrentFolder(SHIPPED) if isinstance(item, KeptTorrent)]
    catalogue.replace_torrents(kept, frames.NOON)
    catalogue.replace_torrents(kept[1:], frames.NOON + timedelta(days=1))
    catalogue.put_torrent(kept[1], frames.NOON + timedelta(days=2))
    rows = catalogue.torrents()
    assert len(rows) == catalogue.count_torrents() == len(kept) - 1
    assert {row.added_at for row in rows} == {frames.NOON}


def test_foreign_file_is_named(tmp_path: Path) -> None:
    """A file that is no database is an error that says what is lost by moving it away."""
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(b"not a database, long enough to be read as a header" * 10)
    with pytest.raises(StorageError, match=r"catalogue\.sqlite is no catalogue"):
        Catalogue(path)


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
