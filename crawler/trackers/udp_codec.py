"""The UDP tracker protocol: bytes to replies, questions to bytes. Pure; opens nothing.

Follows BEP 15 (messages; 18-byte peers over IPv6) and BEP 41 (URL data after an announce). All
integers are big-endian.
"""

from __future__ import annotations

from collections.abc import Sequence

from crawler.trackers.announcement import LEFT_BYTES, PORT, Announcement, Event
from crawler.trackers.replies import AnnounceReply, Counts, widen_peers
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash

CONNECT, ANNOUNCE, SCRAPE, ERROR = 0, 1, 2, 3
TRANSACTION_BYTES = 4
CONNECTION_VALID_S = 60.0

_MAGIC = (0x41727101980).to_bytes(8)
_URL_DATA = 2  # BEP 41, option type
_END_OF_OPTIONS = 0
_HEADER_BYTES = 8


def encode_connect(transaction: bytes) -> bytes:
    """Ask for a connection id; 16 bytes."""
    return _MAGIC + CONNECT.to_bytes(4) + transaction


def encode_scrape(connection: bytes, transaction: bytes, infohashes: Sequence[InfoHash]) -> bytes:
    """Ask for the counts of up to 74 swarms."""
    if not 0 < len(infohashes) <= 74:
        raise ValueError(f"a UDP scrape asks for 1 to 74 swarms, not {len(infohashes)}")
    head = connection + SCRAPE.to_bytes(4) + transaction
    return head + b"".join(infohash.digest for infohash in infohashes)


def encode_announce(
    connection: bytes,
    transaction: bytes,
    announcement: Announcement,
    event: Event,
    *,
    url_data: str = "",
) -> bytes:
    """Announce; `url_data` is path and query of the tracker's address (ASCII), see BEP 41."""
    return b"".join(
        [
            connection,
            ANNOUNCE.to_bytes(4),
            transaction,
            announcement.infohash.digest,
            announcement.peer_id,
            bytes(8),  # downloaded
            LEFT_BYTES.to_bytes(8),
            bytes(8),  # uploaded
            event.value.to_bytes(4),
            bytes(4),  # address: that of the datagram
            announcement.key,
            event.wanted_peers.to_bytes(4),
            PORT.to_bytes(2),
            _options(url_data.encode("ascii")),
        ]
    )


def _options(url_data: bytes) -> bytes:
    """BEP 41: pieces of at most 255 bytes, then the end; nothing where there is nothing to say."""
    if not url_data:
        return b""
    pieces = [url_data[at : at + 255] for at in range(0, len(url_data), 255)]
    options = b"".join(bytes([_URL_DATA, len(piece)]) + piece for piece in pieces)
    return options + bytes([_END_OF_OPTIONS])


def open_envelope(datagram: bytes, transaction: bytes) -> tuple[int, bytes]:
    """The action and the body of a reply to `transaction`.

    Raises:
        MalformedMessage: it is too short, or answers something else.
    """
    if len(datagram) < _HEADER_BYTES:
        raise MalformedMessage(f"a tracker's reply has 8 bytes at least, got {len(datagram)}")
    if datagram[4:_HEADER_BYTES] != transaction:
        raise MalformedMessage("a reply to another transaction")
    return int.from_bytes(datagram[:4]), datagram[_HEADER_BYTES:]


def read_connection(body: bytes) -> bytes:
    """The 8-byte connection id of a connect reply's body.

    Raises:
        MalformedMessage: it is shorter.
    """
    if len(body) < 8:
        raise MalformedMessage(f"a connection id has 8 bytes, got {len(body)}")
    return body[:8]


def read_scrape(body: bytes, asked: Sequence[InfoHash]) -> dict[InfoHash, Counts]:
    """The counts in a scrape reply's body, in the order asked; a tracker may answer fewer.

    Raises:
        MalformedMessage: not even one swarm is in it.
    """
    if len(body) < 12:
        raise MalformedMessage(f"a scrape reply has 12 bytes a swarm, got {len(body)}")
    return {
        infohash: Counts(
            seeders=int.from_bytes(body[at : at + 4]),
            completed=int.from_bytes(body[at + 4 : at + 8]),
            leechers=int.from_bytes(body[at + 8 : at + 12]),
        )
        for infohash, at in zip(asked, range(0, len(body) - 11, 12), strict=False)
    }


def read_announce(body: bytes, peer_bytes: int) -> AnnounceReply:
    """An announce reply's body; `peer_bytes` is 6 over IPv4 and 18 over IPv6.

    A broken last peer is left out, and peers at port 0.

    Raises:
        MalformedMessage: the counts are not all there.
    """
    if len(body) < 12:
        raise MalformedMessage(f"an announce reply has 20 bytes at least, got {len(body) + 8}")
    leechers, seeders = int.from_bytes(body[4:8]), int.from_bytes(body[8:12])
    return AnnounceReply(Counts(seeders, leechers), widen_peers(body[12:], peer_bytes))
