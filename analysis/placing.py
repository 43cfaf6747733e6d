"""From raw sightings to rows that may be kept: placed and pseudonymised, in memory.

Past this point no address exists any more, unless the user asked for addresses to be stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

import numpy as np
import polars as pl

from analysis.locator import Locator
from analysis.pseudonyms import pseudonymise
from swarm.columns import SIGHTING_COLUMNS, polars_schema
from swarm.endpoint import packed16_to_address
from swarm.sighting import SightingColumns

_SCHEMA = polars_schema(SIGHTING_COLUMNS)


def place_sightings(
    swarms: Sequence[tuple[int, SightingColumns]],
    *,
    locator: Locator,
    key: bytes,
    store_addresses: bool,
) -> pl.DataFrame:
    """Locate and pseudonymise sightings of several swarms at once.

    Args:
        swarms: number of the swarm in its run, and its sightings.
        locator: where addresses are looked up, once for the whole batch.
        key: the installation's pseudonym key, 32 bytes.
        store_addresses: whether the raw address and port stay as columns.

    Returns:
        SIGHTING_COLUMNS, in the order given.
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
    frame = pl.DataFrame(
        {
            "swarm": numbers,
            "peer": pseudonymise(_endpoints(addresses, ports), 18, key),
            "host": pseudonymise(addresses, 16, key),
            "source": sources,
            "told_by": pseudonymise(told_by, 18, key),
            "seen_at": pl.Series(seen_us.astype(np.int64)).cast(pl.Datetime("us", "UTC")),
        }
    )
    places = locator.locate(addresses)
    kept = pl.DataFrame(_raw(addresses, ports)) if store_addresses else pl.DataFrame()
    frame = pl.concat([part for part in (frame, places, kept) if part.width], how="horizontal")
    missing = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in _SCHEMA.items()
        if name not in frame.columns
    ]
    return frame.with_columns(missing).select(list(_SCHEMA)).cast(_SCHEMA)


def _endpoints(addresses: bytes, ports: bytes) -> bytes:
    """18 bytes each: address, then port."""
    rows = len(ports) // 2
    table = np.empty((rows, 18), dtype=np.uint8)
    table[:, :16] = np.frombuffer(addresses, dtype=np.uint8).reshape(rows, 16)
    table[:, 16:] = np.frombuffer(ports, dtype=np.uint8).reshape(rows, 2)
    return table.tobytes()


def _raw(addresses: bytes, ports: bytes) -> dict[str, object]:
    hosts: list[IPv4Address | IPv6Address] = [
        packed16_to_address(addresses[i : i + 16]) for i in range(0, len(addresses), 16)
    ]
    return {
        "address": [str(host) for host in hosts],
        "port": np.frombuffer(ports, dtype=">u2").astype(np.uint16),
    }
