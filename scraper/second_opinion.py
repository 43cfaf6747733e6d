"""libtorrent's view of a .torrent file, compared with ours: a second opinion before it is kept.

Our own parser goes first, always: it is bounded in depth and size, and what it refuses never
reaches a parser written in C++.
"""

from __future__ import annotations

import libtorrent

from swarm.errors import MalformedTorrent
from swarm.metainfo import MAX_TORRENT_BYTES, parse_torrent
from swarm.torrent import Torrent

# libtorrent's own are 10 MB and two million pieces.
_LIMITS = {"max_buffer_size": MAX_TORRENT_BYTES, "max_pieces": MAX_TORRENT_BYTES // 20}


def check_with_libtorrent(raw: bytes) -> Torrent:
    """Let a torrent pass only where libtorrent loads it and sees the same infohashes.

    Returns what our own parser read.

    Raises:
        MalformedTorrent: our parser or libtorrent refuses it, or they disagree; says which.
    """
    torrent = parse_torrent(raw)
    try:
        # The stubs have the wrong type for what libtorrent calls limits.
        loaded = libtorrent.load_torrent_buffer(raw, _LIMITS).ti  # type: ignore[call-overload]
    except RuntimeError as error:
        raise MalformedTorrent(f"libtorrent refuses it: {error}") from None
    if loaded is None:
        raise MalformedTorrent("libtorrent finds no metadata in it")
    theirs = loaded.info_hashes()
    infohash_v2 = theirs.v2.to_bytes() if theirs.has_v2() else None
    infohash = theirs.v1.to_bytes() if theirs.has_v1() else (infohash_v2 or b"")[:20]
    if (infohash, infohash_v2) != (torrent.infohash.digest, torrent.infohash_v2):
        raise MalformedTorrent(f"libtorrent reads the infohash {infohash.hex()}, not the same")
    return torrent
