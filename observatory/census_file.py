"""One run as a file to take away: a line per infohash (.jsonl), or a row per peer (.parquet)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage.durable import replace_durably, write_durably
from swarm.errors import StorageError

if TYPE_CHECKING:  # the suffixes are checked before anything heavy is loaded
    import polars as pl

    from storage.runs import RunReader

SUFFIXES = (".jsonl", ".parquet")


def write_census_file(run: RunReader, path: Path) -> None:
    """Write the run's swarms and peers; the suffix of `path` chooses the form.

    A `.jsonl` line holds `infohash`, `peers`, `queries`, `unique`, `estimate` with its 95 %
    interval `low` to `high` (of what the DHT knows), and `state`; `sources`, how many peers each
    source named, null where it was not asked; `between_sources`, the size estimated from the DHT
    and the trackers as two catches, null where no tracker was asked for peers. Peers are
    `["address", port]` where the run stores addresses, else pseudonyms of 16 hex digits.

    Raises:
        StorageError: the suffix is neither, or the file cannot be written.
    """
    if path.suffix == ".jsonl":
        text = "".join(json.dumps(line) + "\n" for line in census_lines(run))
        write_durably(path, text.encode())
    elif path.suffix == ".parquet":
        swarms = run.swarms().select("swarm", "infohash", "name", "size_bytes", "category")
        rows = run.sightings().join(swarms, on="swarm").drop("swarm").collect()
        from storage.polars_files import write_parquet

        replace_durably(path, lambda aside: write_parquet(aside, rows))
    else:
        raise StorageError(f"{path}: the file's name must end in {' or '.join(SUFFIXES)}")


def census_lines(run: RunReader) -> Iterator[dict[str, Any]]:
    """The lines of the `.jsonl` form, one for each finished swarm, in the run's order."""
    addresses = run.manifest.addresses_stored
    columns = ["address", "port"] if addresses else ["peer"]
    peers = run.sightings().group_by("swarm").agg(columns)
    frame = (
        run.outcomes()
        .join(run.swarms().select("swarm", "infohash"), on="swarm")
        .join(peers, on="swarm", how="left")
        .sort("swarm")
        .collect()
    )
    for row in frame.iter_rows(named=True):
        if addresses:
            found: list[Any] = [
                list(p) for p in zip(row["address"] or (), row["port"] or (), strict=True)
            ]
        else:
            found = [f"{peer:016x}" for peer in row["peer"] or ()]
        yield {
            "infohash": row["infohash"],
            "peers": found,
            "queries": row["queries"],
            "unique": row["unique_peers"],
            "estimate": row["estimate"],
            "low": row["low"],
            "high": row["high"],
            "state": row["state"],
            "sources": {
                "dht": row["peers_dht"],
                "tracker": row["peers_trackers"],
                "pex": row["peers_pex"],
            },
            "between_sources": _between(row),
        }


def _between(row: dict[str, Any]) -> dict[str, float | None] | None:
    if row["between"] is None:
        return None
    return {
        "estimate": row["between"],
        "low": row["between_low"],
        "high": row["between_high"],
    }


def country_counts(run: RunReader) -> pl.DataFrame:
    """Per swarm: name, state, peers by source, its countries as `FR 12, DE 3`, most first."""
    import polars as pl

    ordered = run.tallies().sort("peers", "country", descending=[True, False])
    countries = ordered.group_by("swarm", maintain_order=True).agg(
        pl.format("{} {}", "country", "peers").str.join(", ").alias("countries")
    )
    return (
        run.swarms()
        .select("swarm", "infohash", "name")
        .join(run.outcomes(), on="swarm", how="left")
        .join(countries, on="swarm", how="left")
        .sort("unique_peers", "swarm", descending=[True, False], nulls_last=True)
        .select(
            *("infohash", "name", "state", "unique_peers", "queries", "countries"),
            *("peers_dht", "peers_trackers", "peers_pex"),
        )
        .collect()
    )
