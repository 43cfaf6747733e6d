"""From raw sightings to rows that may be kept: placed and pseudonymised, in memory.

Past this point no address exists any more, unless the user asked for addresses to be stored.
Whoever names a peer of a swarm, it is one row of it: with all who named it, and who did so first.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.locator import Locator
from analysis.place_code import place_code
from analysis.prefixes import network_prefixes
from analysis.pseudonyms import pseudonymise
from swarm.address_keeping import AddressKeeping
from swarm.columns import SIGHTING_COLUMNS, VISIT_COLUMNS, polars_schema
from swarm.endpoint import address_to_packed16, packed16_to_address
from swarm.sighting import SightingColumns
from swarm.visit import PeerVisit

_MAPPED = b"\x00" * 10 + b"\xff\xff"
_SCHEMA = polars_schema(SIGHTING_COLUMNS)
_VISITS = polars_schema(VISIT_COLUMNS)
_KEPT_COLUMNS = ("address", "port", "prefix")


def place_sightings(
    swarms: Sequence[tuple[int, SightingColumns]],
    *,
    locator: Locator,
    key: bytes,
    store_addresses: AddressKeeping,
) -> pl.DataFrame:
    """Locate and pseudonymise sightings of several swarms at once.

    Args:
        swarms: number of the swarm in its run, and its sightings by one source; a swarm that
            several sources told of comes several times, and each of its peers becomes one row.
        locator: where addresses are looked up, once for the whole batch.
        key: the installation's pseudonym key, 32 bytes.
        store_addresses: what of the raw address stays as columns, beside its pseudonym.

    Returns:
        SIGHTING_COLUMNS, in the order given; a peer stands where it came first.
    """
    lengths = np.array([len(columns) for _, columns in swarms], dtype=np.int64)
    if not lengths.sum():
        return pl.DataFrame(schema=_SCHEMA)
    addresses = b"".join(columns.addresses for _, columns in swarms)
    ports = b"".join(columns.ports for _, columns in swarms)
    told_by = b"".join(columns.told_by for _, columns in swarms)
    seen_us = np.frombuffer(b"".join(columns.seen_at_us for _, columns in swarms), dtype=">i8")
    numbers = np.repeat(np.array([number for number, _ in swarms], dtype=np.uint32), lengths)
    sources = np.repeat(np.array([columns.source.value for _, columns in swarms]), lengths)
    bits = np.repeat(np.array([columns.source.bit for _, columns in swarms], np.uint8), lengths)
    frame = pl.DataFrame(
        {
            "swarm": numbers,
            "peer": pseudonymise(_endpoints(addresses, ports), 18, key),
            "host": pseudonymise(addresses, 16, key),
            "ip_version": _ip_versions(addresses),
            "source": sources,
            "sources": bits,
            "told_by": pseudonymise(told_by, 18, key),
            "seen_at": pl.Series(seen_us.astype(np.int64)).cast(pl.Datetime("us", "UTC")),
        }
    )
    places = locator.locate(addresses)
    kept = pl.DataFrame(_kept(addresses, ports, store_addresses))
    frame = pl.concat([part for part in (frame, places, kept) if part.width], how="horizontal")
    if len({number for number, _ in swarms}) < len(swarms):
        frame = _united(frame)
    missing = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in _SCHEMA.items()
        if name not in frame.columns
    ]
    filled = frame.with_columns(missing).with_columns(place=place_code())
    return filled.select(list(_SCHEMA)).cast(_SCHEMA)


def _united(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per swarm and peer: what the first said of it, and the bits of all who spoke."""
    earliest = pl.col("seen_at").arg_min()
    said = ("source", "told_by", "seen_at")
    others = [name for name in frame.columns if name not in ("swarm", "peer", "sources", *said)]
    return frame.group_by("swarm", "peer", maintain_order=True).agg(
        pl.col("sources").bitwise_or(),
        *[pl.col(name).get(earliest) for name in said],
        *[pl.col(name).first() for name in others],
    )


def place_visits(
    visits: Sequence[tuple[int, PeerVisit]],
    *,
    locator: Locator,
    key: bytes,
    store_addresses: AddressKeeping,
) -> pl.DataFrame:
    """Visits, each with the number of its swarm, as VISIT_COLUMNS; see `place_sightings`."""
    if not visits:
        return pl.DataFrame(schema=_VISITS)
    addresses = b"".join(address_to_packed16(visit.peer.address) for _, visit in visits)
    ports = b"".join(visit.peer.port.to_bytes(2) for _, visit in visits)
    frame = pl.DataFrame(
        {
            "swarm": [number for number, _ in visits],
            "peer": pseudonymise(_endpoints(addresses, ports), 18, key),
            "host": pseudonymise(addresses, 16, key),
            "outcome": [visit.outcome.value for _, visit in visits],
            "seed": [visit.seed for _, visit in visits],
            "client": [visit.client for _, visit in visits],
            "named": [None if visit.peers is None else len(visit.peers) for _, visit in visits],
            "seconds": [visit.seconds for _, visit in visits],
            "country": locator.locate(addresses)["country"],
            **dict.fromkeys(_KEPT_COLUMNS),
            **_kept(addresses, ports, store_addresses),
        }
    )
    return frame.select(list(_VISITS)).cast(_VISITS)


def _ip_versions(addresses: bytes) -> npt.NDArray[np.uint8]:
    """4 or 6 for each packed address; IPv4 is mapped (RFC 4291, 2.5.5.2)."""
    table = np.frombuffer(addresses, dtype=np.uint8).reshape(-1, 16)
    mapped = (table[:, :12] == np.frombuffer(_MAPPED, dtype=np.uint8)).all(axis=1)
    return np.where(mapped, np.uint8(4), np.uint8(6))


def _endpoints(addresses: bytes, ports: bytes) -> bytes:
    """18 bytes each: address, then port."""
    rows = len(ports) // 2
    table = np.empty((rows, 18), dtype=np.uint8)
    table[:, :16] = np.frombuffer(addresses, dtype=np.uint8).reshape(rows, 16)
    table[:, 16:] = np.frombuffer(ports, dtype=np.uint8).reshape(rows, 2)
    return table.tobytes()


def _kept(addresses: bytes, ports: bytes, keeping: AddressKeeping) -> dict[str, object]:
    """The columns that hold something of the address, by choice."""
    match keeping:
        case AddressKeeping.YES:
            return _raw(addresses, ports)
        case AddressKeeping.PREFIX:
            return {"prefix": network_prefixes(addresses)}
        case _:
            return {}


def _raw(addresses: bytes, ports: bytes) -> dict[str, object]:
    hosts: list[IPv4Address | IPv6Address] = [
        packed16_to_address(addresses[i : i + 16]) for i in range(0, len(addresses), 16)
    ]
    return {
        "address": [str(host) for host in hosts],
        "port": np.frombuffer(ports, dtype=">u2").astype(np.uint16),
    }
