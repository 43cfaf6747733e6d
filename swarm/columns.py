"""The columns of the tables that packages hand to each other and keep as Parquet.

The one place where a column is named, typed and explained: `storage` builds its Parquet schema
from it, `docs/data.md` is held to it by a test, `analysis` reads by these names.
Types are written as polars writes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

_DTYPES: dict[str, pl.DataType] = {
    "Boolean": pl.Boolean(),
    "String": pl.String(),
    "Float32": pl.Float32(),
    "Float64": pl.Float64(),
    "UInt8": pl.UInt8(),
    "UInt16": pl.UInt16(),
    "UInt32": pl.UInt32(),
    "UInt64": pl.UInt64(),
    "Int64": pl.Int64(),
    "Datetime(us, UTC)": pl.Datetime("us", "UTC"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, polars type, whether it may be null, and what it means."""

    name: str
    dtype: str
    meaning: str
    nullable: bool = False


def polars_schema(columns: Iterable[Column]) -> pl.Schema:
    """The polars schema of a table, in the order of its columns."""
    return pl.Schema({column.name: _DTYPES[column.dtype] for column in columns})


# What a Locator answers: one row per address asked, in the order asked.
PLACE_COLUMNS = (
    Column("country", "String", "ISO 3166-1 alpha-2; ZZ where no database knows"),
    Column("city", "String", "name in English, as the database has it", nullable=True),
    Column("latitude", "Float32", "degrees, WGS 84", nullable=True),
    Column("longitude", "Float32", "degrees, WGS 84", nullable=True),
    Column("radius_km", "UInt16", "accuracy radius the database claims", nullable=True),
    Column("time_zone", "String", "IANA name", nullable=True),
)

# Whose network an address is in; all null where no database of networks was asked.
NETWORK_COLUMNS = (
    Column("asn", "UInt32", "number of the autonomous system that announces it", nullable=True),
    Column("as_name", "String", "who runs it, as the database has it", nullable=True),
    Column("hosting", "Boolean", "likely hosting; null where the network is unknown", True),
)

# One row per (swarm, peer) of a run: runs/<run id>/sightings-*.parquet
SIGHTING_COLUMNS = (
    Column("swarm", "UInt32", "row of the swarm in this run's swarms.parquet"),
    Column("peer", "UInt64", "keyed pseudonym of the peer's address and port"),
    Column("host", "UInt64", "keyed pseudonym of the peer's address alone"),
    Column("source", "String", "who said so first: dht, tracker, pex, record"),
    Column("sources", "UInt8", "all who said so, added: 1 dht, 2 tracker, 4 pex, 8 record", True),
    Column("told_by", "UInt64", "keyed pseudonym of who first said it", nullable=True),
    Column("seen_at", "Datetime(us, UTC)", "when it was first said", nullable=True),
    *PLACE_COLUMNS,
    Column("recorded_loc", "String", "imported runs: the place as the file had it", nullable=True),
    Column("address", "String", "the raw address, only with store_addresses=yes", nullable=True),
    Column("port", "UInt16", "the raw port, only with store_addresses=yes", nullable=True),
    Column(
        "prefix",
        "String",
        "the /24 or /48 it is in, only with store_addresses=prefix",
        nullable=True,
    ),
    Column("ip_version", "UInt8", "4 or 6; null in imported and older runs", nullable=True),
    *NETWORK_COLUMNS,
    Column("place", "UInt64", "country and point as one number; null in older runs", nullable=True),
)

# One row per swarm asked, written before the first packet: runs/<run id>/swarms.parquet
SWARM_COLUMNS = (
    Column("swarm", "UInt32", "0, 1, 2, ... in this run"),
    Column("infohash", "String", "40 hex digits; null where an import has none", nullable=True),
    Column("name", "String", "what the torrent calls itself, or the imported file's name"),
    Column("size_bytes", "Int64", "sum of the files; null where unknown", nullable=True),
    Column("category", "String", "category on the site; null where unknown", nullable=True),
    Column("language", "String", "language on the site; null where unknown", nullable=True),
    Column("file_name", "String", "classic name of the record", nullable=True),
    Column("recorded_on", "String", "imported runs: date of the record", nullable=True),
    Column("recorded_size_mb", "Float64", "imported runs: size in the record", nullable=True),
    Column("recorded_total", "Int64", "imported runs: 'total people'", nullable=True),
)

# One row per swarm that is finished: runs/<run id>/outcomes-*.parquet
OUTCOME_COLUMNS = (
    Column("swarm", "UInt32", "row of the swarm in this run's swarms.parquet"),
    Column("state", "String", "complete, timeout, unreachable, private"),
    Column("queries", "UInt32", "get_peers queries the lookup cost"),
    Column("unique_peers", "UInt32", "distinct endpoints found"),
    Column("ended_at", "Datetime(us, UTC)", "when the lookup ended"),
    Column("estimate", "Float64", "estimated size: distinct endpoints", nullable=True),
    Column("low", "Float64", "lower end of its 95 % interval", nullable=True),
    Column("high", "Float64", "upper end; null where nothing bounds it", nullable=True),
    Column("seeds", "Float64", "estimated addresses of seeds (BEP 33)", nullable=True),
    Column("seeds_low", "Float64", "lower end of the seeds' interval", nullable=True),
    Column("seeds_high", "Float64", "upper end of the seeds' interval", nullable=True),
    Column("downloaders", "Float64", "estimated addresses of downloaders (BEP 33)", nullable=True),
    Column("downloaders_low", "Float64", "lower end of the downloaders' interval", nullable=True),
    Column("downloaders_high", "Float64", "upper end of the downloaders' interval", nullable=True),
    Column(
        "peers_dht", "UInt32", "of them, those that the DHT named; null if private", nullable=True
    ),
    Column("peers_trackers", "UInt32", "those that trackers named; null if not asked", True),
    Column("peers_pex", "UInt32", "those that peers named; null if none was visited", True),
    Column("between", "Float64", "size estimated between the DHT and the trackers", nullable=True),
    Column("between_low", "Float64", "lower end of its 95 % interval", nullable=True),
    Column("between_high", "Float64", "its upper end; null where nothing bounds it", nullable=True),
    Column("dht4_peers", "UInt32", "peers of the DHT of IPv4; null if it was not asked", True),
    Column("dht4_estimate", "Float64", "their number, estimated; null if unreachable", True),
    Column("dht4_low", "Float64", "lower end of its 95 % interval", nullable=True),
    Column("dht4_high", "Float64", "its upper end; null where nothing bounds it", nullable=True),
    Column("dht6_peers", "UInt32", "peers of the DHT of IPv6; null if it was not asked", True),
    Column("dht6_estimate", "Float64", "their number, estimated; null if unreachable", True),
    Column("dht6_low", "Float64", "lower end of its 95 % interval", nullable=True),
    Column("dht6_high", "Float64", "its upper end; null where nothing bounds it", nullable=True),
    Column("reached", "UInt32", "visited peers that shook hands; null if none was visited", True),
    Column("seeds_met", "UInt32", "of these, how many said that they have all", nullable=True),
    Column("leechers_met", "UInt32", "of these, how many said that they lack some", nullable=True),
    Column("canaries", "UInt32", "known peers (canaries) that the DHT named", nullable=True),
)

# One row per question to a tracker: runs/<run id>/trackers-*.parquet. Counts of several trackers
# overlap by an unknown part, so nothing here is ever added up over trackers.
TRACKER_COLUMNS = (
    Column("swarm", "UInt32", "row of the swarm in this run's swarms.parquet"),
    Column("infohash", "String", "the 20-byte key that was asked for, as 40 hex digits"),
    Column("tracker", "String", "scheme, host and port; never the path, which may be a secret"),
    Column("action", "String", "scrape, announce"),
    Column("outcome", "String", "how it ended: answered, refused, unknown, timeout, ..."),
    Column("seeders", "Int64", "peers that have all, as this tracker counts", nullable=True),
    Column("leechers", "Int64", "peers that lack some, as this tracker counts", nullable=True),
    Column("completed", "Int64", "downloads that were ever finished, likewise", nullable=True),
    Column("peers", "UInt32", "how many peers it named; null if it was not asked to", True),
    Column("message", "String", "its own words, or why it was not asked", nullable=True),
    Column("seconds", "Float32", "how long the answer took", nullable=True),
)

# One row per visit to a peer: runs/<run id>/visits-*.parquet
VISIT_COLUMNS = (
    Column("swarm", "UInt32", "row of the swarm in this run's swarms.parquet"),
    Column("peer", "UInt64", "keyed pseudonym of the peer's address and port"),
    Column("host", "UInt64", "keyed pseudonym of the peer's address alone"),
    Column("outcome", "String", "how it ended: reached, timeout, refused, closed, ..."),
    Column("seed", "Boolean", "whether it has all; null where it did not say", nullable=True),
    Column("client", "String", "what its program calls itself", nullable=True),
    Column("named", "UInt32", "how many peers it named; null if it named none", nullable=True),
    Column("seconds", "Float32", "how long the visit took", nullable=True),
    Column("country", "String", "ISO 3166-1 alpha-2; ZZ where no database knows"),
    Column("address", "String", "the raw address, only with store_addresses=yes", nullable=True),
    Column("port", "UInt16", "the raw port, only with store_addresses=yes", nullable=True),
    Column(
        "prefix",
        "String",
        "the /24 or /48 it is in, only with store_addresses=prefix",
        nullable=True,
    ),
)

# Peers per swarm and country. Imported runs keep the record's own in tallies.parquet; for a
# crawled run it is counted from the sightings.
TALLY_COLUMNS = (
    Column("swarm", "UInt32", "row of the swarm in this run's swarms.parquet"),
    Column("label", "String", "the country as the record had it, 'Error 429' and all"),
    Column("country", "String", "ISO 3166-1 alpha-2; ZZ where the label is none"),
    Column("peers", "Int64", "distinct peers"),
)
