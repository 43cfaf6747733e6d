"""swarm.metainfo: what a .torrent file says, and what is refused with which reason."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import bencode2
import libtorrent as lt
import pytest

from swarm.errors import MalformedTorrent
from swarm.metainfo import MAX_TORRENT_BYTES, MAX_VALUES, parse_torrent

SHIPPED = sorted((Path(__file__).parents[2] / "bulkTorrents").glob("*.torrent"))


def single(**changes: Any) -> bytes:
    info: dict[bytes, Any] = {
        b"length": 40_000,
        b"name": b"film.mkv",
        b"piece length": 16384,
        b"pieces": b"\0" * 60,
    }
    info |= {key.replace("_", " ").encode(): value for key, value in changes.items()}
    return bencode2.bencode({b"info": {k: v for k, v in info.items() if v is not None}})


def multi(*files: dict[bytes, Any]) -> bytes:
    return single(length=None, files=list(files))


def made_by_libtorrent(folder: Path, flags: int) -> bytes:
    (folder / "set" / "sub").mkdir(parents=True)
    (folder / "set" / "a.csv").write_bytes(b"a" * 100_000)
    (folder / "set" / "sub" / "b.csv").write_bytes(b"b" * 50_000)
    maker = lt.create_torrent(lt.list_files(str(folder / "set")), 16384, flags)
    lt.set_piece_hashes(maker, str(folder))
    return lt.bencode(maker.generate())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name[:8])
def test_shipped_torrents_agree_with_libtorrent(path: Path) -> None:
    """Each torrent that ships reads as libtorrent reads it: infohash, name, size, files."""
    raw = path.read_bytes()
    ours, theirs = parse_torrent(raw), lt.torrent_info(lt.bdecode(raw))
    assert ours.infohash.digest == theirs.info_hashes().v1.to_bytes()
    assert ours.name == theirs.name()
    assert ours.size_bytes == theirs.total_size()
    assert len(ours.files) == theirs.num_files()
    assert path.name == ours.file_name


def test_there_are_shipped_torrents() -> None:
    """A fresh clone has torrents to try."""
    assert len(SHIPPED) >= 3


def test_infohash_is_over_the_raw_bytes_of_info() -> None:
    """Keys that a decoder would reorder or drop still count: the digest is of the bytes as sent."""
    info = b"d6:lengthi5e4:name1:x12:piece lengthi16384e6:pieces20:" + b"h" * 20 + b"1:zi1ee"
    raw = b"d4:info" + info + b"e"
    assert parse_torrent(raw).infohash.digest == hashlib.sha1(info).digest()


def test_multi_file_paths_and_sizes() -> None:
    """A v1 folder lists its files, padding left out of the list and the size."""
    raw = single(
        length=None,
        name=b"set",
        pieces=b"\0" * 20,
        files=[
            {b"length": 10, b"path": [b"a", b"b.csv"]},
            {b"length": 6, b"path": [b".pad", b"6"], b"attr": b"p"},
            {b"length": 20, b"path": [b"c.csv"]},
        ],
    )
    torrent = parse_torrent(raw)
    assert [(f.path, f.size_bytes) for f in torrent.files] == [
        (("a", "b.csv"), 10),
        (("c.csv",), 20),
    ]
    assert torrent.size_bytes == 30


def test_trackers_and_web_seeds() -> None:
    """announce-list replaces announce (BEP 12); url-list may be a string or a list (BEP 19)."""
    body = bencode2.bdecode(single())
    both = {**body, b"announce": b"http://a/", b"announce-list": [[b"http://b/"], [b"udp://c:1"]]}
    assert parse_torrent(bencode2.bencode(both)).trackers == ("http://b/", "udp://c:1")
    assert parse_torrent(bencode2.bencode({**body, b"announce": b"http://a/"})).trackers == (
        "http://a/",
    )
    seeds = parse_torrent(bencode2.bencode({**body, b"url-list": b"http://seed/f"})).web_seeds
    assert seeds == ("http://seed/f",)


@pytest.mark.parametrize(
    ("flags", "version", "keys"),
    [(lt.create_torrent.v1_only, "v1", 1), (lt.create_torrent.v2_only, "v2", 1), (0, "hybrid", 2)],
)
def test_versions_agree_with_libtorrent(
    tmp_path: Path, flags: int, version: str, keys: int
) -> None:
    """v1, v2 and hybrid torrents have libtorrent's infohashes; a hybrid has two DHT keys."""
    raw = made_by_libtorrent(tmp_path, flags)
    ours, theirs = parse_torrent(raw), lt.torrent_info(lt.bdecode(raw)).info_hashes()
    assert (ours.version, len(ours.dht_keys)) == (version, keys)
    if theirs.has_v1():
        assert ours.infohash.digest == theirs.v1.to_bytes()
    if theirs.has_v2():
        assert ours.infohash_v2 == theirs.v2.to_bytes()
        assert ours.dht_keys[-1].digest == theirs.v2.to_bytes()[:20]
    assert (ours.name, ours.size_bytes) == ("set", 150_000)


REFUSED = {
    "empty": (b"", "not bencoded"),
    "html": (b"<html>", "not bencoded"),
    "list": (b"le", "starts with 'd'"),
    "no info": (b"d3:abci1ee", "no 'info'"),
    "two infos": (b"d4:infode4:infodee", "two 'info'"),
    "cut off": (single()[:-30], "cut off"),
    "trailing": (single() + b"xx", "2 bytes after the end"),
    "deep lists": (b"d4:info" + b"l" * 200_000 + b"e" * 200_000 + b"e", "nested deeper"),
    "deep dicts": (b"d4:info" + b"d1:a" * 200_000 + b"e" * 200_001, "nested deeper"),
    "long integer": (b"d4:infod6:lengthi" + b"9" * 2_000_000 + b"eee", "has no end"),
    "long string length": (b"d4:info99999999999999999999:xe", "no string"),
    "string past the end": (b"d4:info9999999:xe", "ends after the file"),
    "negative size": (single(length=-1), "size -1"),
    "huge size": (single(length=2**60), "size"),
    "no name": (single(name=None), "'name'"),
    "name dotdot": (single(name=b".."), "'..'"),
    "name with slash": (single(name=b"../../etc/passwd"), "path holds"),
    "name with backslash": (single(name=b"a\\b"), "path holds"),
    "name with nul": (single(name=b"a\0b"), "path holds"),
    "path dotdot": (multi({b"length": 40_000, b"path": [b"..", b"x"]}), "'..'"),
    "path empty": (multi({b"length": 40_000, b"path": []}), "no path"),
    "path absolute": (multi({b"length": 40_000, b"path": [b"/etc", b"x"]}), "path holds"),
    "files no list": (single(length=None, files=b"x"), "'files'"),
    "file no dict": (single(length=None, files=[1]), "no dictionary"),
    "piece length zero": (single(piece_length=0), "piece length"),
    "piece length text": (single(piece_length=b"x"), "piece length"),
    "pieces odd": (single(pieces=b"\0" * 61), "20-byte"),
    "pieces too few": (single(pieces=b"\0" * 20), "need 3"),
    "neither v1 nor v2": (single(pieces=None), "neither"),
    "v2 without meta version": (single(pieces=None, file_tree={}), "meta version"),
    "many values": (b"d4:info" + b"l" + b"le" * MAX_VALUES + b"ee", "values"),
    "long name": (single(name=b"x" * 5_000), "5,000 bytes"),
    "long paths": (
        multi(*[{b"length": 1, b"path": [b"x" * 4_000] * 50} for _ in range(101)]),
        "paths have more",
    ),
    "long paths in a tree": (
        single(pieces=None, file_tree={b"%04000d" % n: {b"": {b"length": 1}} for n in range(5_001)},
               meta_version=2),
        "paths have more",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_reason(case: str) -> None:
    """Each kind of bad or hostile file is refused, and the reason says what was wrong."""
    raw, reason = REFUSED[case]
    with pytest.raises(MalformedTorrent, match=reason):
        parse_torrent(raw)


def test_a_file_that_is_too_large_is_not_read() -> None:
    """101 MB are the limit: metadata of 100 MB, and what stands around it."""
    with pytest.raises(MalformedTorrent, match="at most 101,000,000"):
        parse_torrent(b"d" + b" " * MAX_TORRENT_BYTES)


def test_deep_file_tree_is_refused() -> None:
    """A v2 file tree deeper than any file system is refused, not recursed into."""
    tree: dict[bytes, Any] = {b"": {b"length": 1}}
    for _ in range(110):
        tree = {b"d": tree}
    raw = single(pieces=None, length=None, file_tree=tree, meta_version=2)
    with pytest.raises(MalformedTorrent, match=r"deeper|nested"):
        parse_torrent(raw)
