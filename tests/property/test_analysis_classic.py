"""analysis.classic*: whatever record is read, its export is read back as itself."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.classic import parse_run_record
from analysis.classic_export import bar_document, bar_sums, index_document, run_records
from analysis.classic_import import parse_coordinates
from swarm.address_keeping import AddressKeeping
from swarm.columns import SIGHTING_COLUMNS, SWARM_COLUMNS, TALLY_COLUMNS, polars_schema
from swarm.errors import StorageError
from tests.classic_folders import RUN_DATE, export_objects, import_records

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
LABELS = st.sampled_from(["FR", "US", "ZZ", "Error 429", "E", "abs", ""]) | st.text(max_size=5)
COORDINATES = st.tuples(st.floats(-90, 90), st.floats(-180, 180)).map(lambda p: f"{p[0]},{p[1]}")
ADDRESSES = st.ip_addresses().map(str) | st.text(max_size=8)
OPTIONAL_TEXT = st.none() | st.text(max_size=8)
RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "date": st.none() | st.dates().map(str),
        "total people": st.none() | st.integers(0, 2**63 - 1),
        "size": st.none() | st.floats(0, 1e9) | st.integers(0, 10**9),
        "cat": OPTIONAL_TEXT,
        "lang": OPTIONAL_TEXT,
        "ip": st.lists(st.tuples(ADDRESSES, JSON).map(list) | ADDRESSES | JSON, max_size=6),
        "locs": st.lists(COORDINATES | st.sampled_from(["E", "0,0"]) | JSON, max_size=6),
        "countries": st.dictionaries(LABELS, st.integers(0, 10**6), max_size=6),
    },
).filter(bool)


def read(objects: dict[str, Any]) -> list[Any]:
    # By way of JSON text, as from a file.
    return [parse_run_record(name, json.loads(json.dumps(obj))) for name, obj in objects.items()]


@given(st.dictionaries(st.text(max_size=8), RECORDS, max_size=4), st.sampled_from(AddressKeeping))
@settings(max_examples=150, deadline=None)
def test_export_and_import_are_a_fixed_point(
    records: dict[str, dict[str, Any]], store_addresses: AddressKeeping
) -> None:
    """An export, read and exported again, is the same: records, index, bars."""
    first = import_records(read(records), store_addresses=store_addresses)
    once = export_objects(first)
    second = import_records(read(once), store_addresses=store_addresses)
    assert export_objects(second) == once
    assert index_document(second.swarms) == index_document(first.swarms)
    bars = bar_document(first.swarms, first.tallies)
    assert bar_document(second.swarms, second.tallies) == bars


@given(RECORDS)
@settings(max_examples=150, deadline=None)
def test_no_peer_is_lost(record: dict[str, Any]) -> None:
    """Every entry is a sighting, every count a tally, and the bars hold all of them."""
    run = import_records(read({"a.json": record}))
    locs, ips = record.get("locs") or [], record.get("ip") or []
    assert run.sightings.height == max(len(locs), len(ips))
    counted = sum(record["countries"].values()) if "countries" in record else run.sightings.height
    assert run.tallies["peers"].sum() == counted
    assert sum(bar_sums(bar_document(run.swarms, run.tallies)).values()) == counted


@given(st.text(max_size=5), JSON | st.dictionaries(st.sampled_from(["locs", "size", "ip"]), JSON))
@settings(deadline=None)
def test_any_json_reads_or_is_refused_by_name(name: str, content: Any) -> None:
    """Nothing but StorageError leaves the parser, and what it lets through becomes frames."""
    try:
        record = parse_run_record(name, content)
    except StorageError:
        return
    assert import_records([record]).swarms.height == 1


@given(st.text(max_size=30))
def test_coordinates_are_on_earth_or_none(loc: str) -> None:
    """No text becomes a point off the globe."""
    point = parse_coordinates(loc)
    assert point is None or (abs(point[0]) <= 90 and abs(point[1]) <= 180)


@given(
    st.lists(
        st.tuples(st.floats(-90, 90, width=32), st.floats(-180, 180, width=32)).filter(
            lambda point: point != (0, 0)
        ),
        max_size=5,
    )
)
@settings(deadline=None)
def test_exported_coordinates_read_back_exactly(points: list[tuple[float, float]]) -> None:
    """A crawled run's Float32 coordinates survive export and import bit by bit."""
    swarms = pl.DataFrame(
        [{"swarm": 0, "infohash": "ab" * 20, "name": "Film", "size_bytes": 1}],
        schema=polars_schema(SWARM_COLUMNS),
    )
    rows = [{"swarm": 0, "latitude": a, "longitude": b} for a, b in points]
    sightings = pl.DataFrame(rows, schema=polars_schema(SIGHTING_COLUMNS))
    tallies = pl.DataFrame(schema=polars_schema(TALLY_COLUMNS))
    objects = dict(run_records(swarms, sightings, tallies, run_date=RUN_DATE))
    back = import_records(read(objects)).sightings
    assert back["latitude"].to_list() == np.array([a for a, _ in points], np.float32).tolist()
    assert back["longitude"].to_list() == np.array([b for _, b in points], np.float32).tolist()
