"""Takes the magnets that a scrape finds into magnets.json, several at a time."""

from __future__ import annotations

from datetime import UTC, datetime

from scraper.events import MagnetFound
from storage.magnets import KeptMagnet, MagnetList
from storage.workspace import Workspace
from swarm.magnet import parse_magnet
from swarm.text import one_line

# The list is written whole each time; so many are few enough to find again after a kill.
_AT_ONCE = 100


class MagnetIntake:
    """Keeps magnets as they come; `close` keeps the last of them.

    `taken` counts all, `kept` those that were new and have been written.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._list = MagnetList(workspace.torrents_dir)
        self._waiting: list[KeptMagnet] = []
        self.taken = 0
        self.kept = 0

    def take(self, found: MagnetFound) -> None:
        """Note one.

        Raises:
            StorageError: the disk refuses.
        """
        self.taken += 1
        self._waiting.append(
            KeptMagnet(
                uri=found.uri,
                magnet=parse_magnet(found.uri),
                name=None if found.name is None else one_line(found.name)[:500] or None,
                size_bytes=found.size_bytes,
                category=found.category,
                added_at=datetime.now(UTC),
            )
        )
        if len(self._waiting) >= _AT_ONCE:
            self.close()

    def close(self) -> None:
        """Write what waits.

        Raises:
            StorageError: the disk refuses.
        """
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.kept += len(self._list.add(waiting))
