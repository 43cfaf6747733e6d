"""magnets.json: what is known by a magnet alone survives, once, until its .torrent is kept."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bencode2
import pytest

from storage.durable import ASIDE_PREFIX
from storage.magnets import MAGNETS_NAME, KeptMagnet, MagnetList
from storage.torrents import TorrentFolder
from storage.workspace import Workspace
from swarm.errors import StorageError
from swarm.magnet import read_link
from swarm.metainfo import parse_torrent

NOW = datetime(2026, 11, 21, 14, 0, tzinfo=UTC)
V1, V2 = "a" * 40, "b" * 64


def magnet(link: str, *, name: str | None = None, minutes: int = 0) -> KeptMagnet:
    uri, read = read_link(link)
    added_at = NOW + timedelta(minutes=minutes)
    return KeptMagnet(uri=uri, magnet=read, name=name, size_bytes=7, added_at=added_at)


def names(magnets: Iterable[KeptMagnet]) -> list[str | None]:
    return [kept.name for kept in magnets]


def film(folder: Path) -> str:
    """Keep a tiny torrent; its infohash."""
    piece = hashlib.sha1(b"film").digest()
    info = {b"name": b"film", b"length": 9, b"piece length": 16_384, b"pieces": piece}
    raw = bencode2.bencode({b"info": info})
    torrent = parse_torrent(raw)
    TorrentFolder(folder).keep(torrent, raw, category=None, language=None)
    return torrent.infohash.hex


def test_what_is_added_is_read_again_as_it_was(tmp_path: Path) -> None:
    """Every field survives the file, in the order of time."""
    late, early = magnet(V1, name="late", minutes=9), magnet("c" * 40, name="early")
    assert names(MagnetList(tmp_path).add([late, early])) == ["late", "early"]
    assert MagnetList(tmp_path).all() == [early, late]
    assert MagnetList(tmp_path).count() == 2


def test_a_swarm_is_listed_once(tmp_path: Path) -> None:
    """The same infohash again, or either key of a hybrid, adds nothing; the first word stays."""
    hybrid = f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}"
    assert names(MagnetList(tmp_path).add([magnet(hybrid, name="hybrid")])) == ["hybrid"]
    again = [magnet(V1, name="v1"), magnet(V2, name="v2"), magnet(V1.upper(), name="upper")]
    assert MagnetList(tmp_path).add(again) == []
    assert names(MagnetList(tmp_path).all()) == ["hybrid"]


def test_a_kept_torrent_takes_its_magnet_off_the_list(tmp_path: Path) -> None:
    """`TorrentFolder.keep` is enough; other magnets stay."""
    infohash = film(tmp_path / "elsewhere")
    MagnetList(tmp_path).add([magnet(infohash, name="film"), magnet(V1, name="other")])
    assert film(tmp_path) == infohash
    assert names(MagnetList(tmp_path).all()) == ["other"]


def test_writers_do_not_lose_each_others_magnets(tmp_path: Path) -> None:
    """Eight threads add ten each, at once: eighty are there."""
    together = threading.Barrier(8)

    def add(thread: int) -> None:
        together.wait()
        for number in range(10):
            MagnetList(tmp_path).add([magnet(f"{thread * 10 + number:040x}")])

    threads = [threading.Thread(target=add, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert MagnetList(tmp_path).count() == 80


def test_a_killed_writer_leaves_the_list_whole(tmp_path: Path) -> None:
    """A half-written file aside is passed over, and swept when no job runs."""
    workspace = Workspace(tmp_path)
    workspace.prepare()
    listed = MagnetList(workspace.torrents_dir)
    listed.add([magnet(V1, name="film")])
    aside = workspace.torrents_dir / f"{ASIDE_PREFIX}dead"
    aside.write_bytes(b"{")
    assert names(listed.all()) == ["film"]
    workspace.sweep()
    assert [path.name for path in workspace.torrents_dir.iterdir()] == [MAGNETS_NAME]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "does not read"),
        ("[]", "is not"),
        ('{"aa": 1}', "is not"),
        ('{"aa": {"magnet": "magnet:?xt=urn:btih:aa", "added": "2026-11-21"}}', "without a Bit"),
        ('{"aa": {"magnet": "magnet:?xt=urn:btih:' + V1 + '"}}', "isoformat"),
    ],
)
def test_a_broken_list_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    """What is no list of magnets is an error that names the file; nothing is overwritten."""
    (tmp_path / MAGNETS_NAME).write_text(text)
    with pytest.raises(StorageError, match=rf"{MAGNETS_NAME}.*{complaint}"):
        MagnetList(tmp_path).all()
    assert (tmp_path / MAGNETS_NAME).read_text() == text
