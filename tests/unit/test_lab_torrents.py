"""The lab's torrents: honest, of all kinds, the same for the same seed."""

from __future__ import annotations

from pathlib import Path

import libtorrent
import pytest

from lab.metainfo import BLOCK_BYTES, MetainfoVersion, PayloadFile, make_torrent
from lab.titles import TITLES
from lab.torrents import LabTorrent, make_torrents, write_payload
from swarm.errors import WorldError
from swarm.metainfo import parse_torrent

SITE_CATEGORIES = ("TV", "Movies", "Software", "Music", "Games", "Anime", "Books", "Other")


@pytest.fixture(scope="module")
def torrents() -> tuple[LabTorrent, ...]:
    return make_torrents(seed=7)


def test_each_category_has_several(torrents: tuple[LabTorrent, ...]) -> None:
    """The eight categories in the site's order, at least three torrents each, none twice."""
    assert tuple(TITLES) == SITE_CATEGORIES
    for category in SITE_CATEGORIES:
        assert sum(torrent.category == category for torrent in torrents) >= 3
    assert len({torrent.infohash for torrent in torrents}) == len(torrents) >= 24


def test_sizes_and_kinds_are_spread(torrents: tuple[LabTorrent, ...]) -> None:
    """Small ones beside sizes up to gigabytes; v1, v2 and hybrid all occur."""
    sizes = sorted(torrent.size_bytes for torrent in torrents)
    assert sizes[0] < 1_000_000
    assert sum(size >= 100_000_000 for size in sizes) >= len(sizes) // 2
    assert 1_000_000_000 < sizes[-1] <= 8_000_000_000
    assert {torrent.version for torrent in torrents} == set(MetainfoVersion)


@pytest.mark.parametrize("seed", range(20))
def test_every_seed_has_all_kinds(seed: int) -> None:
    """Whatever the seed, the smallest world has v1, v2 and hybrid torrents."""
    kinds = {torrent.version for torrent in make_torrents(seed=seed, per_category=3)}
    assert kinds == set(MetainfoVersion)


def test_libtorrent_agrees(torrents: tuple[LabTorrent, ...]) -> None:
    """A real client reads the same infohashes, name and kind from the .torrent."""
    for torrent in torrents:
        metainfo = libtorrent.load_torrent_buffer(torrent.raw).ti
        assert metainfo is not None
        hashes = metainfo.info_hashes()
        keys = []
        if hashes.has_v1():
            keys.append(hashes.v1.to_bytes())
        if hashes.has_v2():
            keys.append(hashes.v2.to_bytes()[:20])
        assert [key.digest for key in torrent.dht_keys] == keys
        assert metainfo.name() == torrent.name
        assert torrent.size_bytes == sum(file.size_bytes for file in torrent.files)
        assert parse_torrent(torrent.raw).size_bytes == torrent.size_bytes


def test_same_seed_same_torrents(torrents: tuple[LabTorrent, ...]) -> None:
    """Byte for byte; another seed gives other torrents."""
    assert [t.raw for t in make_torrents(seed=7)] == [t.raw for t in torrents]
    others = {t.infohash for t in make_torrents(seed=8)}
    assert not others & {t.infohash for t in torrents}


def test_big_payload_costs_no_disk(torrents: tuple[LabTorrent, ...], tmp_path: Path) -> None:
    """Files of gigabytes are holes; their size is what the .torrent says."""
    biggest = max(torrents, key=lambda torrent: torrent.size_bytes)
    write_payload(biggest, tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) == biggest.size_bytes
    assert sum(path.stat().st_blocks * 512 for path in files) < 1_000_000


@pytest.mark.parametrize("per_category", [2, 100])
def test_impossible_numbers_are_refused(per_category: int) -> None:
    """Fewer than three a category, or more than there are titles: one sentence."""
    with pytest.raises(WorldError):
        make_torrents(seed=1, per_category=per_category)


@pytest.mark.parametrize("version", list(MetainfoVersion))
@pytest.mark.parametrize("size_bytes", [1, BLOCK_BYTES, 65_536, 65_537, 300_001])
def test_zeros_hash_like_bytes(version: MetainfoVersion, size_bytes: int) -> None:
    """The short cut for zeros gives the same .torrent as hashing real zeros."""
    sparse, stored = (
        make_torrent(
            "zeros",
            [
                PayloadFile(("a",), size_bytes, content),
                PayloadFile(("b",), 5, content and b"\0" * 5),
            ],
            version=version,
            piece_bytes=65_536,
            comment="",
            created_s=0,
        )
        for content in (None, bytes(size_bytes))
    )
    assert sparse == stored


def test_content_must_have_its_size() -> None:
    """A file that claims another length than its content has is a mistake of the caller."""
    with pytest.raises(ValueError, match="2 bytes"):
        PayloadFile(("a",), 2, b"abc")
