"""Whose torrents are wanted: from what was typed, or from the magnets kept, to one row each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from crawler.peers.assembly import MetadataKey
from observatory.jobs import MetadataArguments, MetadataRow
from observatory.metadata_keeping import Keeper
from storage.magnets import KeptMagnet, MagnetList
from storage.workspace import Workspace
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.magnet import Magnet, read_link
from swarm.sighting import SightingColumns
from swarm.text import one_line


@dataclass(slots=True)
class Wish:
    """One swarm whose torrent is wanted, and who was found in it so far."""

    key: MetadataKey
    magnet: Magnet
    category: str | None = None
    language: str | None = None
    peers: dict[Endpoint, None] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How to name it to a person, on one line: its name, else its infohash."""
        return one_line(self.magnet.name or "")[:100] or self.key.infohash.hex


def read_wishes(
    workspace: Workspace, arguments: MetadataArguments, rows: list[MetadataRow]
) -> list[Wish]:
    """Each swarm once; what does not read gets its row here."""
    listed = MagnetList(workspace.torrents_dir).all()
    kept = {magnet.infohash: magnet for magnet in listed}
    found: dict[InfoHash, Wish] = {}
    if arguments.inputs is None:
        magnets: list[Magnet] = [magnet.magnet for magnet in listed]
    else:
        magnets = []
        for text in arguments.inputs:
            try:
                magnets.append(read_link(text)[1])
            except ValueError as error:
                shown = one_line(text)[:100]
                said = one_line(str(error))[:200]
                rows.append(
                    MetadataRow(input=shown, infohash=None, outcome="unreadable", reason=said)
                )
    given = [Endpoint.parse(text) for text in arguments.peers]
    for magnet in magnets:
        wish = found.setdefault(magnet.infohash, _new_wish(magnet, kept.get(magnet.infohash)))
        wish.peers |= dict.fromkeys([*magnet.peers, *given])
    return list(found.values())


def _new_wish(magnet: Magnet, kept: KeptMagnet | None) -> Wish:
    wish = Wish(MetadataKey(magnet.infohash, magnet.infohash_v2), magnet)
    if kept is not None:
        wish.category, wish.language = kept.category, kept.language
    return wish


def leave_out_known(wishes: Iterable[Wish], keeper: Keeper, rows: list[MetadataRow]) -> list[Wish]:
    """Those whose torrent is not here yet; the others get their row."""
    left = []
    for wish in wishes:
        file_name = keeper.file_of(wish.key.wire_keys)
        if file_name is None:
            left.append(wish)
        else:
            rows.append(row_of(wish, "known", "Its .torrent is here already.", file_name=file_name))
    return left


def row_of(wish: Wish, outcome: str, reason: str | None, **more: object) -> MetadataRow:
    """The row of a wish; `more` are further fields of `MetadataRow`."""
    return MetadataRow.model_validate(
        {
            "input": wish.label,
            "infohash": wish.key.infohash.hex,
            "outcome": outcome,
            "reason": reason,
            **more,
        }
    )


def add_peers(wish: Wish, sightings: SightingColumns) -> None:
    """Take in whom a source named."""
    wish.peers |= dict.fromkeys(sighting.peer for sighting in sightings)
