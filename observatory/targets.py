"""From what a user types to swarms to count: .torrent, folder, magnet, infohash, or a list."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from observatory.jobs import CrawlTarget
from storage.magnets import KeptMagnet
from storage.torrents import read_torrent
from swarm.errors import MalformedTorrent, SwarmError
from swarm.infohash import InfoHash
from swarm.magnet import parse_magnet
from swarm.torrent import Torrent

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.schema import TorrentRow

_MAX_LIST_BYTES = 100_000_000


def read_targets(inputs: Iterable[str]) -> tuple[list[CrawlTarget], list[str]]:
    """All swarms that the inputs name, each once, and what was passed over, with its reason.

    Raises:
        SwarmError: an input is neither a file or folder, nor a magnet, nor an infohash.
    """
    targets: list[CrawlTarget] = []
    refused: list[str] = []
    for text in inputs:
        for found in _read_input(text):
            if isinstance(found, str):
                refused.append(found)
            else:
                targets.append(found)
    return list(distinct_targets(targets)), refused


def distinct_targets(targets: Iterable[CrawlTarget]) -> tuple[CrawlTarget, ...]:
    """Each swarm once: of targets that share a DHT key, the one that says most stays."""
    chosen: dict[str, CrawlTarget] = {}  # by DHT key
    for target in sorted(targets, key=_richness, reverse=True):
        if not any(key in chosen for key in target.dht_keys):
            chosen |= dict.fromkeys(target.dht_keys, target)
    kept = {target.infohash: target for target in chosen.values()}
    return tuple(kept.values())


def _richness(target: CrawlTarget) -> tuple[bool, int, bool, bool]:
    """How much a target says: that it is private, all its keys, its size, a name of its own."""
    return (
        target.private,
        len(target.dht_keys),
        target.size_bytes is not None,
        target.name != target.infohash,
    )


def _read_input(text: str) -> Iterator[CrawlTarget | str]:
    target = _from_text(text)
    if target is not None:
        yield target
        return
    path = Path(text)
    mode = _mode(path) if text else 0  # an empty path would be this folder
    if stat.S_ISDIR(mode):
        for torrent_path in sorted(path.glob("*.torrent")):
            yield _from_file(torrent_path)
    elif stat.S_ISREG(mode) and path.suffix == ".torrent":
        yield _from_file(path)
    elif stat.S_ISREG(mode):
        yield from _from_list(path)
    else:
        raise SwarmError(
            f"{text[:80]!r} is no .torrent file, folder, list, magnet link or 40-digit infohash"
        )


def _mode(path: Path) -> int:
    """What stands at the path; 0 for nothing, or where the text cannot even be a path."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _from_list(path: Path) -> Iterator[CrawlTarget | str]:
    if path.stat().st_size > _MAX_LIST_BYTES:
        raise SwarmError(f"{path} is larger than {_MAX_LIST_BYTES:,} bytes: split the list")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        entry = line.strip()
        if entry and not entry.startswith("#"):
            target = _from_text(entry)
            yield target or f"{path.name}, line {number}: {entry[:60]!r} is no magnet or infohash"


def _from_text(text: str) -> CrawlTarget | None:
    try:
        if text.lower().startswith("magnet:"):
            magnet = parse_magnet(text)
            keys = [magnet.infohash.hex]
            if magnet.infohash_v2 is not None:
                keys.append(magnet.infohash_v2[:20].hex())
            return CrawlTarget(
                infohash=keys[0],
                dht_keys=tuple(dict.fromkeys(keys)),
                name=magnet.name or keys[0],
                trackers=magnet.trackers,
            )
        infohash = InfoHash.from_hex(text)
    except ValueError:
        return None
    return infohash_target(infohash)


def infohash_target(infohash: InfoHash) -> CrawlTarget:
    """What to ask the DHT where only an infohash is known."""
    return CrawlTarget(infohash=infohash.hex, dht_keys=(infohash.hex,), name=infohash.hex)


def _from_file(path: Path) -> CrawlTarget | str:
    try:
        return torrent_to_target(read_torrent(path))
    except MalformedTorrent as error:
        return f"{path.name}: {error}"


def row_keys(row: TorrentRow) -> tuple[str, ...]:
    """The DHT keys of a collected torrent: a hybrid one is two lookups (BEP 52)."""
    if row.infohash_v2 is None or row.infohash_v2[:40] == row.infohash:
        return (row.infohash,)
    return (row.infohash, row.infohash_v2[:40])


def torrent_target(row: TorrentRow, torrent: Torrent) -> CrawlTarget:
    """What to ask for a collected torrent, and of whom: its own file alone says the latter."""
    return CrawlTarget(
        infohash=row.infohash,
        dht_keys=row_keys(row),
        name=row.name,
        size_bytes=row.size_bytes,
        category=row.category,
        language=row.language,
        private=torrent.private,
        trackers=torrent.trackers,
    )


def magnet_target(kept: KeptMagnet) -> CrawlTarget:
    """What to ask the DHT for a magnet that has no .torrent yet."""
    return CrawlTarget(
        infohash=kept.infohash.hex,
        dht_keys=tuple(key.hex for key in kept.dht_keys),
        name=kept.name or kept.infohash.hex,
        size_bytes=kept.size_bytes,
        category=kept.category,
        language=kept.language,
        trackers=kept.magnet.trackers,
    )


def torrent_to_target(torrent: Torrent) -> CrawlTarget:
    """What to ask the DHT for a parsed torrent."""
    return CrawlTarget(
        infohash=torrent.infohash.hex,
        dht_keys=tuple(key.hex for key in torrent.dht_keys),
        name=torrent.name,
        size_bytes=torrent.size_bytes,
        private=torrent.private,
        trackers=torrent.trackers,
    )
