"""analysis.classic_export: what old notebooks find in an export."""

from __future__ import annotations

import json

import polars as pl
import pytest

from analysis.classic import parse_run_record
from analysis.classic_export import (
    bar_document,
    bar_sums,
    bin_label,
    index_document,
    run_records,
)
from swarm.columns import SIGHTING_COLUMNS, SWARM_COLUMNS, TALLY_COLUMNS, polars_schema
from tests.classic_folders import (
    RUN_DATE,
    SAMPLES,
    export_objects,
    import_folder,
    import_records,
    read_records,
)

INFOHASH = "ab" * 20


def crawled_swarms() -> pl.DataFrame:
    rows = [
        {"swarm": 0, "infohash": INFOHASH, "name": "Film", "size_bytes": 355_400_000},
        {"swarm": 1, "infohash": "cd" * 20, "name": "Nobody", "size_bytes": 99_999_999},
    ]
    return pl.DataFrame(rows, schema=polars_schema(SWARM_COLUMNS))


def crawled_sightings(address: str | None) -> pl.DataFrame:
    port = None if address is None else 6881
    rows = [
        {"swarm": 0, "country": "FR", "latitude": 48.8566, "longitude": 2.3522},
        {"swarm": 0, "country": "ZZ", "latitude": None, "longitude": None},
    ]
    more = {"source": "dht", "address": address, "port": port}
    return pl.DataFrame([row | more for row in rows], schema=polars_schema(SIGHTING_COLUMNS))


def crawled_tallies() -> pl.DataFrame:
    rows = [(0, "ZZ", "ZZ", 1), (0, "FR", "FR", 1)]
    return pl.DataFrame(rows, schema=polars_schema(TALLY_COLUMNS), orient="row")


def test_a_crawled_swarm_as_a_record() -> None:
    """Every classic key, MB decimal, locs in the order of the peers, no address unless stored."""
    records = dict(
        run_records(crawled_swarms(), crawled_sightings(None), crawled_tallies(), run_date=RUN_DATE)
    )
    assert records[f"{INFOHASH}.torrent.json"] == {
        "date": "2026-11-21",
        "total people": 2,
        "size": 355.4,
        "cat": None,
        "lang": None,
        "ip": [],
        "locs": ["48.8566,2.3522", "Unknown"],
        "countries": {"FR": 1, "ZZ": 1},
    }


def test_a_swarm_without_peers_has_a_record_too() -> None:
    """Nobody found is a result."""
    records = dict(
        run_records(crawled_swarms(), crawled_sightings(None), crawled_tallies(), run_date=RUN_DATE)
    )
    empty = records[f"{'cd' * 20}.torrent.json"]
    assert (empty["total people"], empty["locs"], empty["countries"]) == (0, [], {})


def test_stored_addresses_are_written() -> None:
    """With store_addresses=yes the record has `ip` in the order of `locs`."""
    records = run_records(
        crawled_swarms(), crawled_sightings("192.0.2.1"), crawled_tallies(), run_date=RUN_DATE
    )
    assert next(records)[1]["ip"] == [["192.0.2.1", 6881]] * 2


def test_the_index_names_files_as_the_records_do() -> None:
    """index.json and runs/ belong together by the torrent's file name."""
    index = index_document(crawled_swarms())
    assert index[f"{INFOHASH}.torrent"] == {"size": 355.4, "cat": None, "lang": None}
    assert [f"{name}.json" for name in index] == [
        name
        for name, _ in run_records(
            crawled_swarms(), crawled_sightings(None), crawled_tallies(), run_date=RUN_DATE
        )
    ]


def test_bars_in_classic_bins() -> None:
    """100 MB bins in axis order under "abs"; unknown countries under ZZ."""
    assert bar_document(crawled_swarms(), crawled_tallies()) == {
        "abs": {"sizes": ["0 - 99", "300 - 399"], "amounts": [0, 0]},
        "FR": {"sizes": ["300 - 399"], "amounts": [1]},
        "ZZ": {"sizes": ["300 - 399"], "amounts": [1]},
    }


@pytest.mark.parametrize(
    ("low_mb", "label"), [(0, "0 - 99"), (300, "300 - 399"), (12300, "12300 - 12399")]
)
def test_bin_labels(low_mb: int, label: str) -> None:
    """The classic spelling of a bin."""
    assert bin_label(low_mb) == label


def test_a_country_called_abs_does_not_replace_the_axis() -> None:
    """A hostile label cannot break bar.json: its peers stand under ZZ."""
    run = import_records(
        [parse_run_record("a.json", {"size": 5.0, "countries": {"abs": 2, "FR": 1}})]
    )
    bar = bar_document(run.swarms, run.tallies)
    assert bar["abs"] == {"sizes": ["0 - 99"], "amounts": [0]}
    assert bar_sums(bar) == {("ZZ", "0 - 99"): 2, ("FR", "0 - 99"): 1}


def test_equality_of_bars_is_by_sums() -> None:
    """Repeated labels add up, zeros do not count, the axis is only an order."""
    repeated = {
        "abs": {"sizes": ["0 - 99", "0 - 99"], "amounts": [0, 0]},
        "FR": {"sizes": ["0 - 99", "0 - 99"], "amounts": [1, 2]},
        "DE": {"sizes": ["0 - 99"], "amounts": [0]},
    }
    once = {
        "abs": {"sizes": ["0 - 99"], "amounts": [0]},
        "FR": {"sizes": ["0 - 99"], "amounts": [3]},
    }
    assert bar_sums(repeated) == bar_sums(once)


@pytest.mark.parametrize("sample", ["classic-plain", "classic-unicode"])
def test_well_formed_folders_come_out_as_they_went_in(sample: str) -> None:
    """Every record object, the index and the bars of a classic folder survive unchanged."""
    folder = SAMPLES / sample
    run = import_folder(folder)
    assert export_objects(run) == json.loads((folder / "json" / "geo.json").read_text())
    assert index_document(run.swarms) == json.loads(
        (folder / "bulkTorrents" / "index.json").read_text()
    )
    bars = json.loads((folder / "json" / "bar.json").read_text())
    assert bar_sums(bar_document(run.swarms, run.tallies)) == bar_sums(bars)


def test_the_odd_folder_loses_nothing() -> None:
    """Its bars are equal too, but for peers that the classic tool could not draw at all."""
    folder = SAMPLES / "classic-odd"
    run = import_folder(folder)
    ours = bar_sums(bar_document(run.swarms, run.tallies))
    theirs = bar_sums(json.loads((folder / "json" / "bar.json").read_text()))
    assert {key: ours[key] for key in theirs} == theirs
    assert {key: ours[key] for key in ours.keys() - theirs.keys()} == {
        ("DE", "Unknown"): 2,  # a torrent of unknown size
        ("FR", "Unknown"): 1,
        ("ZZ", "400 - 499"): 2,  # a record without `countries`
    }


def test_the_odd_folder_says_what_it_passed_over() -> None:
    """Five broken files, each with its reason; ten records read."""
    records, refused = read_records(SAMPLES / "classic-odd")
    assert len(records) == 10
    assert sorted(refused) == [
        "Count_Is_Text.torrent.json",
        "Empty.torrent.json",
        "List.torrent.json",
        "Other.torrent.json",
        "Truncated.torrent.json",
    ]
    assert "not JSON" in refused["Truncated.torrent.json"]
    assert "countries" in refused["Count_Is_Text.torrent.json"]


@pytest.mark.parametrize("sample", ["classic-plain", "classic-odd", "classic-unicode"])
def test_an_export_is_a_fixed_point(sample: str) -> None:
    """Reading an export and exporting it again gives the same objects."""
    once = export_objects(import_folder(SAMPLES / sample))
    read = [parse_run_record(name, json.loads(json.dumps(obj))) for name, obj in once.items()]
    assert export_objects(import_records(read)) == once
