"""The HTTP tracker protocol: queries to ask, bodies to replies. Pure; opens nothing.

Follows BEP 3 (announce, dictionary form), BEP 23 (compact peers), BEP 7 (`peers6`) and
BEP 48 (scrape).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlencode

import libtorrent
from bencode2 import bdecode

from crawler.trackers.announcement import LEFT_BYTES, PORT, Announcement, Event
from crawler.trackers.replies import (
    IPV4_PEER_BYTES,
    IPV6_PEER_BYTES,
    AnnounceReply,
    Counts,
    NoReply,
    ScrapeReply,
    widen_peers,
)
from swarm.endpoint import address_to_packed16
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash
from swarm.tracking import TrackerOutcome

MAX_BODY_BYTES = 1_000_000  # as sent, and as inflated
_MAX_COUNT = 2**32 - 1  # what the UDP protocol can say; more is a joke
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS  # zlib's own detection of either header


def scrape_query(query: str, infohashes: Sequence[InfoHash]) -> str:
    """The query of a scrape for these swarms; `query` is what the tracker's address has already."""
    wanted = "&".join(f"info_hash={_quoted(infohash.digest)}" for infohash in infohashes)
    return f"{query}&{wanted}" if query else wanted


def announce_query(query: str, announcement: Announcement, event: Event) -> str:
    """The query of an announce."""
    said = {
        "port": PORT,
        "uploaded": 0,
        "downloaded": 0,
        "left": LEFT_BYTES,
        "compact": 1,
        "numwant": event.wanted_peers,
        "event": event.word,
        "key": announcement.key.hex(),
    }
    who = f"info_hash={_quoted(announcement.infohash.digest)}"
    who += f"&peer_id={_quoted(announcement.peer_id)}&{urlencode(said)}"
    return f"{query}&{who}" if query else who


def _quoted(raw: bytes) -> str:
    return quote(raw, safe="")


def inflate(body: bytes, encoding: str) -> bytes:
    """The body without its Content-Encoding; never makes more than MAX_BODY_BYTES.

    Raises:
        MalformedMessage: it would be larger, is cut off, or the encoding was not asked for.
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise MalformedMessage("the answer is encoded in a way that was not asked for")
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        plain = inflater.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise MalformedMessage("the answer's compression is broken") from error
    if len(plain) > MAX_BODY_BYTES:
        raise MalformedMessage(f"the answer is larger than {MAX_BODY_BYTES} bytes")
    if not inflater.eof:
        raise MalformedMessage("the answer's compression is cut off")
    return plain


def read_scrape(body: bytes, asked: Sequence[InfoHash]) -> ScrapeReply | NoReply:
    """The counts of those asked for that the tracker knows, or its failure reason.

    Raises:
        MalformedMessage: it is no answer to a scrape.
    """
    answer = _read_dictionary(body)
    refusal = _refusal(answer)
    files = answer.get(b"files")
    if type(files) is not dict:
        if refusal is not None:
            return refusal
        raise MalformedMessage("a scrape answer without its files")
    return {
        infohash: Counts(
            _count(entry.get(b"complete")),
            _count(entry.get(b"incomplete")),
            _count(entry.get(b"downloaded")),
        )
        for infohash in asked
        if type(entry := files.get(infohash.digest)) is dict
    }


def read_announce(body: bytes) -> AnnounceReply | NoReply:
    """Peers and counts, or the tracker's failure reason. Peers that do not read are left out.

    Raises:
        MalformedMessage: it is no answer to an announce.
    """
    answer = _read_dictionary(body)
    refusal = _refusal(answer)
    if refusal is not None:
        return refusal
    if not answer.keys() & {b"peers", b"peers6", b"interval"}:
        raise MalformedMessage("an announce answer without peers and interval")
    warning = answer.get(b"warning message")
    counts = Counts(
        _count(answer.get(b"complete")),
        _count(answer.get(b"incomplete")),
        _count(answer.get(b"downloaded")),
    )
    peers = _read_peers(answer.get(b"peers"), IPV4_PEER_BYTES)
    peers += _read_peers(answer.get(b"peers6"), IPV6_PEER_BYTES)
    return AnnounceReply(counts, peers, _text(warning) if type(warning) is bytes else None)


def _read_dictionary(body: bytes) -> dict[bytes, Any]:
    """Strict and fast first; trackers with unsorted keys get a lenient second try."""
    answer: Any
    try:
        answer = bdecode(body)
    except ValueError:
        try:
            answer = libtorrent.bdecode(body)
        except RuntimeError as error:
            raise MalformedMessage("the answer is not bencoded") from error
    if type(answer) is not dict:
        raise MalformedMessage("a tracker's answer is a dictionary")
    return answer


def _refusal(answer: dict[bytes, Any]) -> NoReply | None:
    reason = answer.get(b"failure reason")
    if type(reason) is not bytes:
        return None
    return NoReply(TrackerOutcome.REFUSED, _text(reason))


def _text(raw: bytes) -> str:
    return raw[:1000].decode("utf-8", "replace")


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _MAX_COUNT else None


def _read_peers(value: Any, width: int) -> bytes:
    if type(value) is bytes:
        return widen_peers(value, width)
    if type(value) is list:
        return b"".join(_entries(value))
    return b""


def _entries(peers: list[Any]) -> Iterable[bytes]:
    """The dictionary form of BEP 3. A peer that gives a name for its address is left out."""
    for peer in peers:
        if type(peer) is not dict:
            continue
        ip, port = peer.get(b"ip"), peer.get(b"port")
        if type(ip) is not bytes or type(port) is not int or not 0 < port < 65536:
            continue
        try:
            address = ip_address(ip[:64].decode("ascii"))
        except ValueError:
            continue
        yield address_to_packed16(address) + port.to_bytes(2)
