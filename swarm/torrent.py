"""Torrent: what a .torrent file says, checked. Parsing is in `swarm.metainfo`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from swarm.infohash import InfoHash


@dataclass(frozen=True, slots=True)
class TorrentFile:
    """One file of a torrent: its path below the torrent's root, and its size."""

    path: tuple[str, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Torrent:
    """A checked torrent. `files` leaves out padding files (BEP 47)."""

    infohash: InfoHash  # v1, or the v2 infohash cut to 20 bytes where there is no v1
    infohash_v2: bytes | None  # 32 bytes, SHA-256 (BEP 52)
    name: str
    size_bytes: int
    files: tuple[TorrentFile, ...]
    trackers: tuple[str, ...]
    web_seeds: tuple[str, ...]
    private: bool

    @property
    def version(self) -> Literal["v1", "v2", "hybrid"]:
        """Which of the two formats of BEP 52 the file carries."""
        if self.infohash_v2 is None:
            return "v1"
        return "v2" if self.infohash.digest == self.infohash_v2[:20] else "hybrid"

    @property
    def dht_keys(self) -> tuple[InfoHash, ...]:
        """The keys under which its peers announce: one, or two for a hybrid (BEP 52)."""
        if self.infohash_v2 is None or self.version == "v2":
            return (self.infohash,)
        return (self.infohash, InfoHash(self.infohash_v2[:20]))

    @property
    def file_name(self) -> str:
        """The name under which the project keeps it."""
        return f"{self.infohash.hex}.torrent"
