"""What is collected of one swarm: its .torrent, or the magnet that waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.trackers.address import read_tracker_address
from observatory.jobs import CrawlTarget
from observatory.targets import magnet_target, row_keys, torrent_target
from storage.magnets import KeptMagnet, MagnetList
from storage.torrents import KeptTorrent, RefusedTorrent, TorrentFolder, read_torrent
from storage.workspace import Workspace
from swarm.errors import JobRefused, MalformedTorrent, StorageError
from swarm.torrent import Torrent

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue


@dataclass(frozen=True, slots=True)
class CollectedSwarm:
    """One swarm's own documents. `target` is what a fetch asks for, None where it cannot be."""

    torrent: Torrent | None
    magnet: KeptMagnet | None
    target: CrawlTarget | None
    why_not: str | None = None  # why there is no target

    @property
    def tracker_labels(self) -> tuple[str, ...]:
        """Its trackers as `scheme://host:port`, each once: a path may hold a passkey."""
        source = self.torrent or (None if self.magnet is None else self.magnet.magnet)
        urls = () if source is None else source.trackers
        return tuple(dict.fromkeys(read_tracker_address(url).label for url in urls))


def collected_swarm(workspace: Workspace, catalogue: Catalogue, infohash: str) -> CollectedSwarm:
    """What is kept of the swarm of this infohash, 40 lower-case digits.

    Only a document that is here and reads gives a target: whether a torrent is private (BEP 27)
    is written there alone, and a private swarm must not be looked up in the DHT.

    Raises:
        StorageError: magnets.json does not read.
    """
    row = catalogue.torrent(infohash)
    if row is not None:
        try:
            torrent = read_torrent(workspace.torrents_dir / row.file_name)
        except MalformedTorrent as error:
            why = f"Its .torrent does not read ({error}), so nobody can say whether it is private."
            return CollectedSwarm(None, None, None, why)
        if torrent.infohash.hex != infohash:
            why = f"Another torrent lies in its place, as {row.file_name}."
            return CollectedSwarm(None, None, None, why)
        return CollectedSwarm(torrent, None, torrent_target(row, torrent))
    kept = MagnetList(workspace.torrents_dir).all()
    magnet = next((one for one in kept if one.infohash.hex == infohash), None)
    if magnet is not None:
        return CollectedSwarm(None, magnet, magnet_target(magnet))
    why = (
        "Neither its .torrent nor a magnet of it is collected here any more. By its infohash "
        "alone nobody can say whether it is private (BEP 27), so it is not asked for."
    )
    return CollectedSwarm(None, None, None, why)


def all_collected(
    workspace: Workspace, catalogue: Catalogue
) -> tuple[list[CrawlTarget], list[str]]:
    """What a fetch of everything asks for, and a line for each torrent that it leaves out.

    A torrent whose file does not read might be private (BEP 27): it is not asked for, and neither
    is a magnet of the same swarm.

    Raises:
        StorageError: index.json or magnets.json does not read.
    """
    torrents: dict[str, Torrent] = {}
    reasons: dict[str, str] = {}  # by file name
    for item in TorrentFolder(workspace.torrents_dir):
        match item:
            case KeptTorrent():
                torrents[item.torrent.infohash.hex] = item.torrent
            case RefusedTorrent():
                reasons[item.file_name] = item.reason
    unknown = {Path(name).stem for name in reasons}  # files are named after their infohash
    targets: list[CrawlTarget] = []
    for row in catalogue.torrents():
        torrent = torrents.get(row.infohash)
        if torrent is not None:
            targets.append(torrent_target(row, torrent))
        else:
            unknown |= set(row_keys(row))
            reasons.setdefault(row.file_name, "it is gone, or another torrent lies in its place")
    magnets = map(magnet_target, MagnetList(workspace.torrents_dir).all())
    targets += [target for target in magnets if unknown.isdisjoint(target.dht_keys)]
    might = "it might be private (BEP 27), so it is not asked for"
    left_out = [f"{name}: {reason}; {might}" for name, reason in reasons.items()]
    return targets, left_out


def collected_targets(
    workspace: Workspace, catalogue: Catalogue, infohashes: tuple[str, ...]
) -> list[CrawlTarget]:
    """What a fetch of these swarms alone asks for.

    Raises:
        JobRefused: one of them is not collected here; says why.
    """
    targets = []
    for infohash in infohashes:
        try:
            found = collected_swarm(workspace, catalogue, infohash)
        except StorageError as error:
            raise JobRefused(str(error)) from None
        if found.target is None:
            raise JobRefused(f"Swarm {infohash}: {found.why_not}")
        targets.append(found.target)
    return targets
