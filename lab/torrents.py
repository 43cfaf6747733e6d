"""The lab's torrents: three or more of each category, from a seed, and their payload on disk.

One torrent of each category is small and of random bytes, and is shared whole. The others declare
sizes as real torrents do, 20 MB to 8 GB spread evenly over the orders of magnitude, and consist of
zeros: sparse files, which cost no disk, honestly described and really shared.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from lab.metainfo import MetainfoVersion, PayloadFile, make_torrent
from lab.titles import TITLES, Title
from swarm.errors import WorldError
from swarm.infohash import InfoHash
from swarm.metainfo import parse_torrent

PER_CATEGORY = 4
_SMALL_BYTES = (64_000, 512_000)
_BIG_BYTES = (20_000_000, 8_000_000_000)
_FIRST_DAY, _DAYS = date(2025, 1, 1), 660
# Of twenty torrents so many are of each kind: v1 still leads outside the lab.
_VERSION_SHARES = {MetainfoVersion.V1: 11, MetainfoVersion.HYBRID: 6, MetainfoVersion.V2: 3}


@dataclass(frozen=True, slots=True)
class LabTorrent:
    """A torrent of the lab: its .torrent, what the site says of it, and its payload."""

    raw: bytes
    infohash: InfoHash
    dht_keys: tuple[InfoHash, ...]
    name: str  # as the .torrent says
    title: str  # as the site says
    category: str
    subcategory: str
    language: str
    size_bytes: int
    uploaded_on: date
    version: MetainfoVersion
    files: tuple[PayloadFile, ...]
    piece_bytes: int

    @property
    def is_sparse(self) -> bool:
        """Whether the payload is zeros, of which nobody should download all."""
        return self.files[0].content is None


def make_torrents(*, seed: int, per_category: int = PER_CATEGORY) -> tuple[LabTorrent, ...]:
    """The torrents of a world, category after category; the same for the same seed."""
    available = min(len(titles) for titles in TITLES.values())
    if not 3 <= per_category <= available:
        raise WorldError(f"the lab has 3 to {available} torrents a category, not {per_category}")
    rng = random.Random(f"{seed}/torrents")
    versions = _deal_versions(rng, per_category * len(TITLES))
    torrents: list[LabTorrent] = []
    for category, titles in TITLES.items():
        for rank, title in enumerate(rng.sample(titles, per_category)):
            version = versions[len(torrents)]
            torrents.append(_make(rng, title, category, version, is_small=rank == 0))
    return tuple(torrents)


def _deal_versions(rng: random.Random, count: int) -> list[MetainfoVersion]:
    deck = [version for version, share in _VERSION_SHARES.items() for _ in range(share)]
    rng.shuffle(deck)
    # From a shuffled deck of 20, any 24 have all three kinds.
    return [deck[i % len(deck)] for i in range(count)]


def _make(
    rng: random.Random, title: Title, category: str, version: MetainfoVersion, *, is_small: bool
) -> LabTorrent:
    if is_small:
        size_bytes = rng.randint(*_SMALL_BYTES)
    else:
        smallest, biggest = _BIG_BYTES
        size_bytes = round(smallest * (biggest / smallest) ** rng.random())
    files = _cut(rng, title, size_bytes, is_small=is_small)
    piece_bytes = _piece_bytes(size_bytes)
    uploaded_on = _FIRST_DAY + timedelta(days=rng.randrange(_DAYS))
    raw = make_torrent(
        title.paths()[0][0] if title.parts == 1 else title.name,
        files,
        version=version,
        piece_bytes=piece_bytes,
        comment=f"Made by a lab: {'noise' if is_small else 'zeros'} under a real name",
        created_s=int(datetime.combine(uploaded_on, datetime.min.time(), UTC).timestamp()),
    )
    parsed = parse_torrent(raw)
    return LabTorrent(
        raw, parsed.infohash, parsed.dht_keys, parsed.name, title.name, category,
        title.subcategory, title.language, size_bytes, uploaded_on, version, files, piece_bytes,
    )  # fmt: skip


def _cut(
    rng: random.Random, title: Title, size_bytes: int, *, is_small: bool
) -> tuple[PayloadFile, ...]:
    """The work's files, of unequal sizes that add up."""
    paths = title.paths()
    cuts = sorted(rng.sample(range(1, size_bytes), len(paths) - 1))
    edges = [0, *cuts, size_bytes]
    return tuple(
        PayloadFile(path, end - start, rng.randbytes(end - start) if is_small else None)
        for path, start, end in zip(paths, edges, edges[1:], strict=False)
    )


def _piece_bytes(size_bytes: int) -> int:
    """Small pieces: leechers of sparse torrents fetch a few, and a few must stay cheap."""
    if size_bytes < 1_000_000:
        return 32 * 1024
    return 256 * 1024 if size_bytes < 1_000_000_000 else 1024 * 1024


def write_payload(torrent: LabTorrent, folder: Path) -> None:
    """Put the torrent's files under `folder`, where a client expects them; zeros as holes."""
    is_single = torrent.files[0].path == (torrent.name,)
    base = folder if is_single else folder / torrent.name
    for file in torrent.files:
        path = base.joinpath(*file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            out.write(file.content or b"")
            out.truncate(file.size_bytes)
