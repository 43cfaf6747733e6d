"""libtorrent's second opinion on .torrent files, and who is asked first."""

from __future__ import annotations

import hashlib
from typing import Any

import bencode2
import libtorrent
import pytest

from scraper.second_opinion import check_with_libtorrent
from swarm.errors import MalformedTorrent


def _info(**changes: Any) -> dict[bytes, Any]:
    info: dict[bytes, Any] = {
        b"name": b"film",
        b"length": 40_000,
        b"piece length": 16_384,
        b"pieces": hashlib.sha1(b"x").digest() * 3,
    }
    return info | {key.replace("_", " ").encode(): value for key, value in changes.items()}


def _torrent(**changes: Any) -> bytes:
    return bencode2.bencode({b"info": _info(**changes)})


def test_a_good_torrent_passes() -> None:
    """Both parsers read it and agree."""
    check_with_libtorrent(_torrent())


@pytest.mark.parametrize("flags", [0, libtorrent.create_torrent.v1_only])
def test_what_libtorrent_makes_passes(flags: int, tmp_path: Any) -> None:
    """Hybrid and v1 torrents made by libtorrent itself pass."""
    (tmp_path / "a").write_bytes(b"a" * 50_000)
    (tmp_path / "b").write_bytes(b"b" * 20_000)
    files = [
        libtorrent.create_file_entry(f"set/{name}", size)
        for name, size in (("a", 50_000), ("b", 20_000))
    ]
    (tmp_path / "set").mkdir()
    for name in ("a", "b"):
        (tmp_path / name).rename(tmp_path / "set" / name)
    maker = libtorrent.create_torrent(files, 16_384, flags)
    libtorrent.set_piece_hashes(maker, str(tmp_path))
    check_with_libtorrent(libtorrent.bencode(maker.generate()))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>not a torrent</html>",
        _torrent()[:-5],
        _torrent() + b"x",
        _torrent(length=-1),
        _torrent(name=b"../../etc/passwd"),
        _torrent(piece_length=0),
        _torrent(pieces=b"short"),
        b"d4:info" + b"l" * 200_000 + b"e" * 200_000 + b"e",
        b"d4:infod6:lengthi" + b"9" * 2_000_000 + b"eee",
    ],
    ids=[
        "empty",
        "html",
        "cut",
        "tail",
        "negative",
        "traversal",
        "piece0",
        "pieces",
        "deep",
        "int",
    ],
)
def test_hostile_torrents_are_refused_with_a_reason(raw: bytes) -> None:
    """Whatever is wrong, the outcome is MalformedTorrent with a text."""
    with pytest.raises(MalformedTorrent, match=r"\w"):
        check_with_libtorrent(raw)


def test_our_parser_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What our bounded parser refuses never reaches libtorrent."""
    asked: list[bytes] = []
    monkeypatch.setattr(libtorrent, "load_torrent_buffer", asked.append)
    with pytest.raises(MalformedTorrent):
        check_with_libtorrent(b"d4:info" + b"l" * 200_000)
    assert asked == []
