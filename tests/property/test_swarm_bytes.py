"""Hostile and random bytes: the parsers give a value or their one error, and forms round-trip."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import bencode2
from hypothesis import given
from hypothesis import strategies as st

from swarm.endpoint import (
    Endpoint,
    address_to_packed16,
    compact_to_endpoint,
    endpoint_to_compact,
    packed16_to_address,
)
from swarm.errors import MalformedMessage, MalformedTorrent, SettingsError
from swarm.infohash import InfoHash
from swarm.metainfo import parse_torrent
from swarm.settings import read_settings
from swarm.sighting import PeerSighting, SightingColumns, Source

SHIPPED = next((Path(__file__).parents[2] / "bulkTorrents").glob("*.torrent")).read_bytes()
addresses = st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(2**48, 2**128 - 1).map(
    IPv6Address
)
endpoints = st.builds(Endpoint, addresses, st.integers(1, 65535))
bencodable = st.recursive(
    st.integers() | st.binary(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([b"info", b"name", b"files", b"length", b"path", b"pieces", b""]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_read(raw: bytes) -> None:
    """No bytes make the .torrent parser raise anything but MalformedTorrent."""
    try:
        parse_torrent(raw)
    except MalformedTorrent as error:
        assert str(error)


@given(st.dictionaries(st.sampled_from([b"info", b"announce", b"url-list"]), bencodable))
def test_wrong_shapes_are_refused_or_read(document: dict[bytes, object]) -> None:
    """Well-formed bencoding of the wrong shape is refused by name, never by another exception."""
    try:
        parse_torrent(bencode2.bencode(document))
    except MalformedTorrent as error:
        assert str(error)


@given(st.integers(0, len(SHIPPED) - 1), st.binary(min_size=1, max_size=8))
def test_damaged_torrents_are_refused_or_read(position: int, patch: bytes) -> None:
    """A real torrent with some bytes overwritten gives a value or MalformedTorrent."""
    raw = SHIPPED[:position] + patch + SHIPPED[position + len(patch) :]
    try:
        parse_torrent(raw)
    except MalformedTorrent as error:
        assert str(error)


@given(endpoints)
def test_compact_round_trip(endpoint: Endpoint) -> None:
    """Compact form (BEP 5, BEP 32), packed form and text give the same endpoint back."""
    assert compact_to_endpoint(endpoint_to_compact(endpoint)) == endpoint
    assert packed16_to_address(address_to_packed16(endpoint.address)) == endpoint.address
    assert Endpoint.parse(str(endpoint)) == endpoint


@given(st.binary(max_size=24))
def test_compact_refuses_or_reads(raw: bytes) -> None:
    """Only 6 or 18 bytes with a port read; the rest is MalformedMessage."""
    try:
        endpoint = compact_to_endpoint(raw)
    except MalformedMessage:
        assert len(raw) not in (6, 18) or raw[-2:] == b"\0\0"
    else:
        assert endpoint_to_compact(endpoint) == raw


@given(st.lists(st.tuples(endpoints, endpoints, st.integers(0, 2**40)), max_size=10))
def test_sighting_columns_round_trip(
    rows: list[tuple[Endpoint, Endpoint, int]],
) -> None:
    """Sightings survive the column form, times to the microsecond."""
    key = InfoHash(b"k" * 20)
    sightings = [
        PeerSighting(key, peer, Source.DHT, node, datetime.fromtimestamp(us // 1000, UTC))
        for peer, node, us in rows
    ]
    columns = SightingColumns.of(key, Source.DHT, sightings)
    assert list(columns) == sightings
    assert len(columns) == len(rows)


@given(st.text(max_size=200))
def test_any_config_text_reads_or_names_its_line(text: str) -> None:
    """config.txt of any content gives settings, or an error that names the file."""
    try:
        read_settings(text, file="config.txt", environment={})
    except SettingsError as error:
        assert "config.txt" in str(error)
