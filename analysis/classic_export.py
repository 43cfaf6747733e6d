"""A run in the classic forms: record objects, bar.json, index.json.

`docs/classic-files.md` says what each value is. Reading an export again and exporting it gives
the same documents.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import polars as pl

UNKNOWN_LOC = "Unknown"  # stands in `locs` for a peer without coordinates: no comma, no number
UNKNOWN_BIN = "Unknown"  # bin of a torrent whose size nobody knows; last on the axis
# What of SIGHTING_COLUMNS a record is made of.
RECORD_COLUMNS = ("swarm", "latitude", "longitude", "recorded_loc", "address", "port")
_BIN_MB = 100
_AXIS_KEY = "abs"  # not a country: fixes the order of the bins


def run_records(
    swarms: pl.DataFrame, sightings: pl.DataFrame, tallies: pl.DataFrame, *, run_date: date
) -> Iterator[tuple[str, dict[str, Any]]]:
    """File name and object of every swarm's record, in the order of `swarms`.

    Args:
        swarms: SWARM_COLUMNS.
        sightings: RECORD_COLUMNS, in the order the peers shall have.
        tallies: TALLY_COLUMNS.
        run_date: for swarms that carry no date of their own.
    """
    peers_of = _by_swarm(sightings)
    tallies_of = _by_swarm(tallies.sort("peers", "label", descending=[True, False]))
    no_peers, no_tallies = sightings.clear(), tallies.clear()
    for swarm in swarms.iter_rows(named=True):
        peers = peers_of.get(swarm["swarm"], no_peers)
        counts = tallies_of.get(swarm["swarm"], no_tallies)
        yield record_name(swarm), _record(swarm, peers, counts, run_date)


def record_name(swarm: dict[str, Any]) -> str:
    """`<torrent file name>.json`: the imported file's own name, else by infohash."""
    return f"{torrent_file_name(swarm)}.json"


def torrent_file_name(swarm: dict[str, Any]) -> str:
    """The name of the .torrent file that a row of SWARM_COLUMNS is filed under."""
    name = swarm["file_name"]
    if name is None:
        return f"{swarm['infohash'] or swarm['swarm']}.torrent"
    return str(name).removesuffix(".json")


def index_document(swarms: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """bulkTorrents/index.json: `{torrent file name: {"size": MB, "cat": str, "lang": str}}`."""
    return {
        torrent_file_name(swarm): {
            "size": _size_mb(swarm),
            "cat": swarm["category"],
            "lang": swarm["language"],
        }
        for swarm in swarms.iter_rows(named=True)
    }


def bar_document(swarms: pl.DataFrame, tallies: pl.DataFrame) -> dict[str, dict[str, list[Any]]]:
    """json/bar.json: peers by country label and size bin, each bin once per label.

    "abs" lists the bins in axis order with zeros. A label "abs" would be taken for the axis:
    its peers stand under ZZ.
    """
    size_mb = pl.coalesce("recorded_size_mb", pl.col("size_bytes") / 1_000_000)
    low = (size_mb.floor().cast(pl.Int64) // _BIN_MB * _BIN_MB).alias("low_mb")
    label = pl.when(pl.col("label") == _AXIS_KEY).then(pl.lit("ZZ")).otherwise(pl.col("label"))
    sized = swarms.select("swarm", low)
    rows = (
        tallies.with_columns(label.alias("label"))
        .join(sized, on="swarm", how="left")
        .group_by("label", "low_mb")
        .agg(pl.col("peers").sum())
        .sort("label", "low_mb", nulls_last=True)
    )
    axis = sized["low_mb"].unique().sort(nulls_last=True)
    document: dict[str, dict[str, list[Any]]] = {
        _AXIS_KEY: {"sizes": [bin_label(at) for at in axis], "amounts": [0] * len(axis)}
    }
    for name, low_mb, peers in rows.iter_rows():
        bars = document.setdefault(name, {"sizes": [], "amounts": []})
        bars["sizes"].append(bin_label(low_mb))
        bars["amounts"].append(peers)
    return document


def bar_sums(document: dict[str, dict[str, list[Any]]]) -> dict[tuple[str, str], int]:
    """Peers per country label and bin: two bar documents are equal when these are.

    Labels repeat in files of the classic tool, where two torrents share a bin.
    """
    sums: dict[tuple[str, str], int] = {}
    for name, bars in document.items():
        if name == _AXIS_KEY:
            continue
        for size, amount in zip(bars["sizes"], bars["amounts"], strict=True):
            sums[name, size] = sums.get((name, size), 0) + amount
    return {key: peers for key, peers in sums.items() if peers}


def bin_label(low_mb: int | None) -> str:
    """`300` -> `300 - 399`; None is the bin of unknown sizes."""
    return UNKNOWN_BIN if low_mb is None else f"{low_mb} - {low_mb + _BIN_MB - 1}"


def _record(
    swarm: dict[str, Any], peers: pl.DataFrame, tallies: pl.DataFrame, run_date: date
) -> dict[str, Any]:
    total = swarm["recorded_total"]
    return {
        "date": swarm["recorded_on"] if swarm["recorded_on"] is not None else run_date.isoformat(),
        "total people": len(peers) if total is None else total,
        "size": _size_mb(swarm),
        "cat": swarm["category"],
        "lang": swarm["language"],
        "ip": _addresses(peers),
        "locs": _locs(peers),
        "countries": dict(tallies.select("label", "peers").iter_rows()),
    }


def _size_mb(swarm: dict[str, Any]) -> float | None:
    recorded, size_bytes = swarm["recorded_size_mb"], swarm["size_bytes"]
    if recorded is not None:
        return float(recorded)
    return None if size_bytes is None else float(size_bytes / 1_000_000)


def _addresses(peers: pl.DataFrame) -> list[list[Any]]:
    """`[[ip, port], ...]` up to the last stored address; none stored, none written."""
    entries = [list(entry) for entry in peers.select("address", "port").iter_rows()]
    while entries and entries[-1][0] is None:
        entries.pop()
    return entries


def _locs(peers: pl.DataFrame) -> list[str]:
    """The record's own words where there are any, else the coordinates."""
    # Float32 as text is the shortest that reads back as the same Float32.
    coordinates = pl.concat_str(
        pl.col("latitude").cast(pl.String), pl.lit(","), pl.col("longitude").cast(pl.String)
    )
    loc = pl.coalesce("recorded_loc", coordinates, pl.lit(UNKNOWN_LOC))
    return peers.select(loc.alias("loc"))["loc"].to_list()


def _by_swarm(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    parts = frame.partition_by("swarm", as_dict=True, maintain_order=True)
    return {key[0]: part for key, part in parts.items()}
