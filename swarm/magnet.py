"""Magnet links (BEP 9, BEP 19, BEP 52): an infohash, a name, trackers, peers, web seeds."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash

# Links that are passed around have some dozens of trackers; this is room for a hundred.
MAX_LINK_CHARACTERS = 8_192
_BTIH = re.compile(r"urn:btih:([0-9a-fA-F]{40}|[A-Za-z2-7]{32})")
# BEP 52: a multihash; 0x12 0x20 says SHA-256, 32 bytes.
_BTMH = re.compile(r"urn:btmh:1220([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True)
class Magnet:
    """What a magnet link names. `infohash` is v1, or v2 cut to 20 bytes where there is no v1."""

    infohash: InfoHash
    infohash_v2: bytes | None
    name: str | None
    trackers: tuple[str, ...]
    peers: tuple[Endpoint, ...] = ()  # x.pe; those given by host name are left out
    web_seeds: tuple[str, ...] = ()  # ws


def parse_magnet(text: str) -> Magnet:
    """Read a magnet link.

    Raises:
        ValueError: it is no magnet link, or names no BitTorrent infohash.
    """
    parts = urlsplit(text.strip())
    if parts.scheme.lower() != "magnet":
        raise ValueError(f"no magnet link: {text[:60]!r}")
    fields = parse_qs(parts.query)
    topics = fields.get("xt", [])
    v1 = next((m[1] for topic in topics if (m := _BTIH.fullmatch(topic))), None)
    v2 = next((m[1] for topic in topics if (m := _BTMH.fullmatch(topic))), None)
    if v1 is None and v2 is None:
        raise ValueError(f"magnet link without a BitTorrent infohash: {text[:60]!r}")
    digest_v2 = None if v2 is None else bytes.fromhex(v2)
    digest = _v1_digest(v1) if v1 is not None else (digest_v2 or b"")[:20]
    names = fields.get("dn", [])
    return Magnet(
        InfoHash(digest),
        digest_v2,
        names[0] if names else None,
        tuple(fields.get("tr", [])),
        tuple(_peers(fields.get("x.pe", []))),
        tuple(fields.get("ws", [])),
    )


def magnet_link(infohash: InfoHash, infohash_v2: bytes | None = None, name: str = "") -> str:
    """A magnet link of nothing but infohashes and a name: trackers may hold a passkey.

    A torrent that is v2 alone is named by its whole infohash (BEP 52), a hybrid by both.
    """
    topics = []
    if infohash_v2 is None or infohash_v2[:20] != infohash.digest:
        topics.append(f"xt=urn:btih:{infohash.hex}")
    if infohash_v2 is not None:
        topics.append(f"xt=urn:btmh:1220{infohash_v2.hex()}")
    named = [f"dn={quote(name, safe='', errors='replace')}"] if name else []
    return "magnet:?" + "&".join((*topics, *named))


def _peers(texts: list[str]) -> Iterator[Endpoint]:
    for text in texts:
        with suppress(ValueError):
            yield Endpoint.parse(text)


def read_link(text: str) -> tuple[str, Magnet]:
    """A magnet link, or a bare infohash, as a magnet link and what it names.

    A bare infohash is 40 hexadecimal or 32 base32 digits (v1), or 64 hexadecimal ones (v2).

    Raises:
        ValueError: it is neither, or longer than MAX_LINK_CHARACTERS.
    """
    text = text.strip()
    if len(text) > MAX_LINK_CHARACTERS:
        raise ValueError(f"longer than {MAX_LINK_CHARACTERS:,} characters: {text[:60]!r}")
    if not text.isprintable():
        raise ValueError(f"characters that no link has: {text[:60]!r}")
    if text[:7].lower() == "magnet:":
        return text, parse_magnet(text)
    topic = f"urn:btmh:1220{text}" if len(text) == 64 else f"urn:btih:{text}"
    if not (_BTIH.fullmatch(topic) or _BTMH.fullmatch(topic)):
        raise ValueError(f"neither a magnet link nor an infohash: {text[:60]!r}")
    uri = f"magnet:?xt={topic.lower() if len(text) != 32 else topic}"
    return uri, parse_magnet(uri)


def _v1_digest(text: str) -> bytes:
    if len(text) == 40:
        return bytes.fromhex(text)
    try:
        return base64.b32decode(text.upper())
    except binascii.Error as error:
        raise ValueError(f"bad base32 infohash {text!r}: {error}") from None
