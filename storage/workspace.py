"""Workspace: where a world keeps its things. One directory, the classic names below it."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from storage.durable import ASIDE_PREFIX, sole_writer, write_durably
from swarm.errors import StorageError


@dataclass(frozen=True, slots=True)
class Workspace:
    """A directory with config.txt, bulkTorrents/, runs/ and json/.

    The real world's is the project's root; the lab has one of its own, so that what is tried
    there never mixes with what was measured.
    """

    root: Path

    @property
    def config_path(self) -> Path:
        """config.txt, which the user edits."""
        return self.root / "config.txt"

    @property
    def optout_path(self) -> Path:
        """optout.txt, the networks that are never contacted; may be missing."""
        return self.root / "optout.txt"

    @property
    def canaries_path(self) -> Path:
        """canaries.txt, peers that are known to be in some swarm; may be missing."""
        return self.root / "canaries.txt"

    @property
    def torrents_dir(self) -> Path:
        """Collected .torrent files and their index.json."""
        return self.root / "bulkTorrents"

    @property
    def runs_dir(self) -> Path:
        """One folder per run, the catalogue and the pseudonym key."""
        return self.root / "runs"

    @property
    def json_dir(self) -> Path:
        """bar.json and geo.json of the latest run."""
        return self.root / "json"

    @property
    def catalogue_path(self) -> Path:
        """The SQLite catalogue; unused where `database_url` names a database on a server."""
        return self.runs_dir / "catalogue.sqlite"

    def identity(self) -> str:
        """What a database on a server knows this workspace by: random, made once, never shown.

        Raises:
            StorageError: the disk refuses.
        """
        path = self.runs_dir / "workspace.id"
        with sole_writer(self.runs_dir):
            if not path.exists():
                write_durably(path, secrets.token_hex(16).encode())
            return path.read_text()

    @property
    def key_path(self) -> Path:
        """The secret behind the peers' pseudonyms, mode 600."""
        return self.runs_dir / "pseudonym.key"

    @property
    def token_path(self) -> Path:
        """The secret that opens the page from other machines, mode 600."""
        return self.runs_dir / "access.token"

    @property
    def cache_dir(self) -> Path:
        """What can be made again, such as the patched browser driver."""
        return self.runs_dir / "cache"

    @property
    def nodes_path(self) -> Path:
        """DHT nodes that answered the latest runs, mode 600; a run without it starts slower."""
        return self.cache_dir / "nodes.bin"

    @property
    def geoip_dir(self) -> Path:
        """Geolocation databases that `geoip update` got; may be missing."""
        return self.root / "geoip"

    @property
    def logs_dir(self) -> Path:
        """What the worker processes log, one file per job."""
        return self.runs_dir / "logs"

    def prepare(self) -> None:
        """Make the folders that are missing.

        Raises:
            StorageError: one cannot be made; names it.
        """
        for folder in (self.torrents_dir, self.runs_dir, self.json_dir):
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StorageError(f"cannot make {folder}: {error.strerror or error}") from None

    def sweep(self) -> None:
        """Delete what killed writers left half-written; call only while no job runs."""
        with sole_writer(self.torrents_dir):  # torrents are added by hand while no job runs
            sweep_aside(self.torrents_dir)
        for folder in (self.runs_dir, self.json_dir):
            sweep_aside(folder)


def sweep_aside(folder: Path) -> None:
    """Delete the half-written files of one folder; call only while nobody writes there."""
    for leftover in folder.glob(f"{ASIDE_PREFIX}*"):
        if not leftover.is_dir():  # those are swept by who makes them
            leftover.unlink(missing_ok=True)


def size_on_disk(folder: Path) -> int:
    """The bytes of all files below a folder; those that vanish meanwhile count nothing."""
    sizes = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            sizes += path.stat().st_size if path.is_file() else 0
    return sizes
