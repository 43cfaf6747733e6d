"""From a tracker's peers to sightings: no bogons, nobody twice, not ourselves. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from crawler.trackers import announcement
from crawler.trackers.admission import AddressRule
from crawler.trackers.replies import PEER_BYTES, AnnounceReply, Counts
from swarm.endpoint import Endpoint, address_to_packed16
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

MAX_PEERS = 5 * announcement.WANTED_PEERS  # of one answer; beyond that it is flooding
_OUR_PORT = announcement.PORT.to_bytes(2)


def to_sightings(
    reply: AnnounceReply,
    infohash: InfoHash,
    *,
    told_by: Endpoint,
    seen_at: datetime,
    rule: AddressRule,
) -> SightingColumns:
    """The peers of one answer; `told_by` is the tracker.

    Peers at the port that we announce are left out: that is us, or another observer like us.
    """
    peers = [
        entry
        for entry in dict.fromkeys(_entries(reply.peers))
        if entry[16:] != _OUR_PORT and not rule.is_bogus_peer(entry)
    ][:MAX_PEERS]
    told = address_to_packed16(told_by.address) + told_by.port.to_bytes(2)
    return SightingColumns(
        infohash,
        Source.TRACKER,
        b"".join(entry[:16] for entry in peers),
        b"".join(entry[16:] for entry in peers),
        told * len(peers),
        round(seen_at.timestamp() * 1_000_000).to_bytes(8) * len(peers),
    )


def without_ourselves(reply: AnnounceReply) -> Counts:
    """The counts, less one leecher where the tracker lists us: it counted us as well."""
    leechers = reply.counts.leechers
    if leechers and any(entry[16:] == _OUR_PORT for entry in _entries(reply.peers)):
        return replace(reply.counts, leechers=leechers - 1)
    return reply.counts


def _entries(column: bytes) -> list[bytes]:
    return [column[at : at + PEER_BYTES] for at in range(0, len(column), PEER_BYTES)]
