"""Takes in what the user has already: .torrent files, folders, magnets, infohashes, lists of them.

No job, since it asks nobody: it also works while a job runs. Whatever is offered is hostile until
it has passed the checks of a scrape, libtorrent's second opinion included, and ends as exactly one
outcome; what is offered by name of a file is never used as a path.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from scraper.second_opinion import check_with_libtorrent
from storage.magnets import KeptMagnet, MagnetList
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.errors import MalformedTorrent
from swarm.magnet import Magnet, read_link
from swarm.metainfo import MAX_TORRENT_BYTES, parse_torrent
from swarm.text import one_line

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue

MAX_LIST_BYTES = 20_000_000
_SHOWN = 120


class IntakeState(StrEnum):
    """What became of something that was offered."""

    KEPT = "kept"
    KNOWN = "known"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeOutcome:
    """One thing that was offered, and what became of it.

    `given` names it to the one who offered it, on one line, without a tracker's address; `infohash`
    and `name` are what it turned out to be; `reason` says why it was refused.
    """

    given: str
    state: IntakeState
    infohash: str | None = None
    name: str | None = None
    reason: str | None = None


class Intake:
    """Checks and keeps what is offered to one workspace."""

    def __init__(self, workspace: Workspace, catalogue: Catalogue) -> None:
        self._folder = TorrentFolder(workspace.torrents_dir)
        self._magnets = MagnetList(workspace.torrents_dir)
        self._catalogue = catalogue
        self._known: set[str] = set()
        for row in catalogue.torrents():
            self._known |= {row.infohash, (row.infohash_v2 or row.infohash)[:40]}

    def add_inputs(self, inputs: Iterable[str]) -> Iterator[IntakeOutcome]:
        """Files, folders, magnets and infohashes as the command line names them.

        Raises:
            StorageError: the disk refuses.
        """
        for text in inputs:
            mode = _mode(text)
            if stat.S_ISDIR(mode):
                paths = sorted(p for p in Path(text).rglob("*") if p.suffix.lower() == ".torrent")
                if not paths:
                    yield _refused(text, "is a folder without a .torrent file")
                for path in paths:
                    yield from self._add_path(path)
            elif stat.S_ISREG(mode):
                yield from self._add_path(Path(text))
            else:
                yield from self.add_links(text, empty="is no file, folder, magnet or infohash")

    def _add_path(self, path: Path) -> Iterator[IntakeOutcome]:
        try:
            with path.open("rb") as file:
                content = file.read(MAX_TORRENT_BYTES + 1)
        except OSError as error:
            yield _refused(path.name, f"cannot be read: {error.strerror or error}")
            return
        yield from self.add_file(path.name, content)

    def add_file(self, name: str, content: bytes) -> Iterator[IntakeOutcome]:
        """A .torrent file, or a text file of magnets and infohashes, one a line.

        Raises:
            StorageError: the disk refuses.
        """
        if name.lower().endswith(".torrent") or (content[:1] == b"d" and b"4:info" in content):
            yield self._add_torrent(name, content[: MAX_TORRENT_BYTES + 1])
        elif len(content) > MAX_LIST_BYTES:
            yield _refused(name, f"is larger than {MAX_LIST_BYTES:,} bytes: split the list")
        elif b"\0" in content[:4_096]:
            yield _refused(name, "is neither a .torrent nor a text")
        else:
            text = content.decode("utf-8-sig", errors="replace")
            yield from self.add_links(text, within=name, empty="names no magnet or infohash")

    def add_links(
        self, text: str, *, within: str | None = None, empty: str = "is empty"
    ) -> Iterator[IntakeOutcome]:
        """Magnets and infohashes, one a line; empty lines and those that begin with # are none.

        Raises:
            StorageError: the disk refuses.
        """
        lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
        lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
        if not lines:
            yield _refused(within or text, empty)
        found: list[tuple[str, str, Magnet]] = []
        for number, line in lines:
            where = _shown(line) if within is None else f"{_shown(within)}, line {number}"
            try:
                uri, magnet = read_link(line)
            except ValueError as error:
                yield _refused(where, str(error))
                continue
            found.append((where, uri, magnet))
        yield from self._add_magnets(found)

    def _add_torrent(self, name: str, raw: bytes) -> IntakeOutcome:
        try:
            torrent = parse_torrent(raw)
            check_with_libtorrent(raw)
        except MalformedTorrent as error:
            return _refused(name, str(error))
        keys = {key.hex for key in torrent.dht_keys}
        known = not self._known.isdisjoint(keys)
        if not known:
            self._folder.keep(torrent, raw, category=None, language=None)
            kept = KeptTorrent(torrent, torrent.file_name, None, None)
            self._catalogue.put_torrent(kept, datetime.now(UTC))
            self._known |= keys
        return IntakeOutcome(
            given=_shown(name),
            state=IntakeState.KNOWN if known else IntakeState.KEPT,
            infohash=torrent.infohash.hex,
            name=one_line(torrent.name)[:_SHOWN],
        )

    def _add_magnets(self, found: list[tuple[str, str, Magnet]]) -> Iterator[IntakeOutcome]:
        """All at once, since the list is written whole."""
        now = datetime.now(UTC)
        offered = [
            KeptMagnet(uri=uri, magnet=magnet, name=_name(magnet), added_at=now)
            for _, uri, magnet in found
        ]
        new = [magnet for magnet in offered if self._known.isdisjoint(_keys(magnet))]
        fresh = {id(magnet) for magnet in self._magnets.add(new)}
        for (given, _, _), magnet in zip(found, offered, strict=True):
            yield IntakeOutcome(
                given=given if magnet.name is None else magnet.name,
                state=IntakeState.KEPT if id(magnet) in fresh else IntakeState.KNOWN,
                infohash=magnet.infohash.hex,
                name=magnet.name,
            )


def _keys(magnet: KeptMagnet) -> set[str]:
    return {key.hex for key in magnet.dht_keys}


def _name(magnet: Magnet) -> str | None:
    return one_line(magnet.name or "")[:_SHOWN] or None


def _refused(given: str, reason: str) -> IntakeOutcome:
    return IntakeOutcome(
        given=_shown(given), state=IntakeState.REFUSED, reason=one_line(reason)[:300]
    )


def _shown(text: str) -> str:
    """On one line, and of a magnet link no tracker: its address may hold a passkey."""
    shown = one_line(text)
    if shown[:7].lower() == "magnet:":
        shown = shown.partition("&tr")[0]
    return shown[:_SHOWN] or "(nothing)"


def _mode(text: str) -> int:
    """What stands at the path; 0 for nothing, or where the text cannot even be a path."""
    try:
        return Path(text).stat().st_mode if text else 0
    except (OSError, ValueError):
        return 0
