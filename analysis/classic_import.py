"""Classic records as the frames of a run: swarms, sightings, tallies.

What the record says of places is kept and is all that is said of them, unless a locator is given
to place the recorded addresses anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from itertools import zip_longest
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.classic import ClassicRecord, RecordedPeer, parse_index_entry
from analysis.countries import is_country
from analysis.locator import Locator
from analysis.prefixes import network_prefixes
from swarm.address_keeping import AddressKeeping
from swarm.columns import SIGHTING_COLUMNS, SWARM_COLUMNS, TALLY_COLUMNS, polars_schema
from swarm.endpoint import address_to_packed16
from swarm.place import UNKNOWN_COUNTRY
from swarm.sighting import Source

# Packed records and their width in bytes -> one 64-bit pseudonym each.
Pseudonymise = Callable[[bytes, int], npt.NDArray[np.uint64]]
_SWARMS = polars_schema(SWARM_COLUMNS)
_SIGHTINGS = polars_schema(SIGHTING_COLUMNS)
_TALLIES = polars_schema(TALLY_COLUMNS)
_NUMBER = r"\s*([-+]?\d{1,3}(?:\.\d*)?(?:[eE][-+]?\d{1,2})?)\s*"
_COORDINATES = re.compile(f"{_NUMBER},{_NUMBER}", re.ASCII)
_OWN_NAME = re.compile(r"([0-9a-f]{40})\.torrent\.json")


@dataclass(frozen=True, slots=True)
class RunFrames:
    """An imported run: SWARM_COLUMNS, SIGHTING_COLUMNS and TALLY_COLUMNS."""

    swarms: pl.DataFrame
    sightings: pl.DataFrame
    tallies: pl.DataFrame


def records_to_frames(
    records: Sequence[ClassicRecord],
    *,
    index: Mapping[str, object],
    pseudonymise: Pseudonymise,
    store_addresses: AddressKeeping,
    relocate_with: Locator | None = None,
) -> RunFrames:
    """Turn records into one run; swarms are numbered in the order given.

    Args:
        records: of one folder.
        index: bulkTorrents/index.json of the folder, for what a record itself leaves out.
        pseudonymise: with the installation's key, as `analysis.pseudonyms`.
        store_addresses: what of recorded addresses stays as columns; ports only with the whole.
        relocate_with: places every peer whose address is recorded anew; the tallies of such
            swarms are then counted from the new places. None keeps the record's word.

    Each peer is a sighting with source "record", once for every entry of `locs` or `ip`,
    whichever list is longer. Its country is ZZ, as the record counts countries per swarm only.

    Raises:
        GeolocationError: the locator's database is damaged.
    """
    swarms = [_swarm_row(number, record, index) for number, record in enumerate(records)]
    peers = [_peer_table(number, record) for number, record in enumerate(records)]
    sightings = _pseudonymised(_concat(peers, _PEERS), pseudonymise)
    if relocate_with is not None:
        sightings = _relocated(sightings, relocate_with)
    tallies = _tallies(records, sightings, relocated=relocate_with is not None)
    if store_addresses is AddressKeeping.PREFIX:
        recorded = pl.when(pl.col("address").is_not_null())
        networks = network_prefixes(b"".join(end[:16] for end in sightings["endpoint"]))
        sightings = sightings.with_columns(prefix=recorded.then(pl.lit(networks)))
    if store_addresses is not AddressKeeping.YES:
        nothing = (pl.lit(None).alias(name) for name in ("address", "port"))
        sightings = sightings.with_columns(nothing)
    return RunFrames(
        pl.DataFrame(swarms, schema=_SWARMS, orient="row"),
        sightings.select(pl.col(name).cast(dtype) for name, dtype in _SIGHTINGS.items()),
        tallies,
    )


def parse_coordinates(loc: str) -> tuple[float, float] | None:
    """Latitude and longitude of `"lat,lon"`; None where the text is no place on Earth.

    `0,0` is none either: it is how failed lookups were written.
    """
    match = _COORDINATES.fullmatch(loc)
    if match is None:
        return None
    latitude, longitude = float(match[1]), float(match[2])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or latitude == longitude == 0:
        return None
    return latitude, longitude


def _swarm_row(
    number: int, record: ClassicRecord, index: Mapping[str, object]
) -> tuple[object, ...]:
    torrent_name = record.name.removesuffix(".json")
    entry = parse_index_entry(index.get(torrent_name))
    size_mb = entry.size_mb if record.size_mb is None else record.size_mb
    own = _OWN_NAME.fullmatch(record.name)
    return (
        number,
        own[1] if own else None,
        unquote(torrent_name.removesuffix(".torrent")) or torrent_name or record.name,
        None if size_mb is None else round(size_mb * 1_000_000),
        record.category if record.category is not None else entry.category,
        record.language if record.language is not None else entry.language,
        record.name,
        record.recorded_on,
        record.size_mb,
        record.total_people,
    )


_PEERS = pl.Schema(
    {
        "swarm": pl.UInt32(),
        "endpoint": pl.Binary(),  # 18 bytes: address, port; or a digest where none is recorded
        "latitude": pl.Float32(),
        "longitude": pl.Float32(),
        "recorded_loc": pl.String(),
        "address": pl.String(),
        "port": pl.UInt16(),
    }
)


def _peer_table(number: int, record: ClassicRecord) -> pl.DataFrame:
    rows = []
    for position, (peer, loc) in enumerate(zip_longest(record.peers, record.locs)):
        point = (parse_coordinates(loc) if loc is not None else None) or (None, None)
        packed, address, port = _read_peer(peer)
        endpoint = packed or _stand_in(record.name, position)
        rows.append((number, endpoint, *point, loc, address, port))
    return pl.DataFrame(rows, schema=_PEERS, orient="row")


def _read_peer(peer: RecordedPeer | None) -> tuple[bytes | None, str | None, int | None]:
    """18-byte endpoint (port 0 where none is recorded), address as text, port."""
    if peer is None or peer.address is None:
        return None, None, None
    try:
        # A zone ("%eth0") belongs to the recording machine, not to the peer.
        address = ip_address(peer.address.strip().partition("%")[0])
    except ValueError:
        return None, None, None
    return address_to_packed16(address) + (peer.port or 0).to_bytes(2), str(address), peer.port


def _stand_in(record_name: str, position: int) -> bytes:
    """18 bytes for a peer of unknown address: always the same for the same entry of a record."""
    return blake2b(f"{position}\0{record_name}".encode(), digest_size=18).digest()


def _pseudonymised(peers: pl.DataFrame, pseudonymise: Pseudonymise) -> pl.DataFrame:
    """All sighting columns, with the record as the only source."""
    endpoints = b"".join(peers["endpoint"])
    hosts = np.frombuffer(endpoints, dtype=np.uint8).reshape(-1, 18)[:, :16].tobytes()
    complete = peers.with_columns(
        peer=pl.Series(pseudonymise(endpoints, 18), dtype=pl.UInt64),
        host=pl.Series(pseudonymise(hosts, 16), dtype=pl.UInt64),
        source=pl.lit(Source.RECORD.value),
        country=pl.lit(UNKNOWN_COUNTRY),
    )
    absent = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in _SIGHTINGS.items()
        if name not in complete.columns
    ]
    return complete.with_columns(absent)


def _relocated(sightings: pl.DataFrame, locator: Locator) -> pl.DataFrame:
    """Sightings whose recorded address is placed anew; their recorded place is given up.

    So each row has one source for its place. Rows without an address keep the record's.
    """
    addresses = b"".join(endpoint[:16] for endpoint in sightings["endpoint"])
    anew = locator.locate(addresses).with_columns(recorded_loc=pl.lit(None, dtype=pl.String))
    has_address = pl.col("address").is_not_null()
    return sightings.with_columns(
        pl.when(has_address).then(column).otherwise(pl.col(column.name)).alias(column.name)
        for column in anew
    )


def _tallies(
    records: Sequence[ClassicRecord], sightings: pl.DataFrame, *, relocated: bool
) -> pl.DataFrame:
    """The records' own counts; counted from the sightings where a record has none."""
    counted_anew = {number for number, r in enumerate(records) if r.countries is None}
    if relocated:
        counted_anew |= set(sightings.filter(pl.col("address").is_not_null())["swarm"].unique())
    recorded = [
        (number, label, label if is_country(label) else UNKNOWN_COUNTRY, peers)
        for number, record in enumerate(records)
        if number not in counted_anew
        for label, peers in record.countries or ()
    ]
    counted = (
        sightings.filter(pl.col("swarm").is_in(sorted(counted_anew)))
        .group_by("swarm", "country", maintain_order=True)
        .agg(peers=pl.len().cast(pl.Int64))
        .select("swarm", pl.col("country").alias("label"), "country", "peers")
    )
    kept = pl.DataFrame(recorded, schema=_TALLIES, orient="row")
    return pl.concat([kept, counted]).sort("swarm", maintain_order=True)


def _concat(parts: list[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    return pl.concat(parts) if parts else pl.DataFrame(schema=schema)
