"""analysis.classic_import: records become frames without a loss, in the words of the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.classic import parse_run_record
from analysis.classic_import import parse_coordinates
from analysis.mmdb import MmdbLocator
from swarm.address_keeping import AddressKeeping
from swarm.columns import SIGHTING_COLUMNS, SWARM_COLUMNS, TALLY_COLUMNS, polars_schema
from tests.classic_folders import import_records
from tests.geo_databases import city_record, write_mmdb

INFOHASH = "0123456789abcdef0123456789abcdef01234567"


def record(name: str = "Film.torrent.json", **keys: Any) -> Any:
    spelt = {key.replace("_", " "): value for key, value in keys.items()}
    return parse_run_record(name, {"date": "2021-05-03"} | spelt)


def test_frames_have_the_project_s_columns() -> None:
    """Names and types are exact, with rows and without."""
    for run in (import_records([]), import_records([record(locs=["1,2"], countries={"FR": 1})])):
        assert run.swarms.schema == polars_schema(SWARM_COLUMNS)
        assert run.sightings.schema == polars_schema(SIGHTING_COLUMNS)
        assert run.tallies.schema == polars_schema(TALLY_COLUMNS)


def test_places_are_the_record_s_own() -> None:
    """Coordinates come from locs, verbatim beside them; the country is not in the record."""
    sightings = import_records([record(locs=["48.5,2.25", "E", "0,0"])]).sightings
    assert sightings["latitude"].to_list() == [48.5, None, None]
    assert sightings["longitude"].to_list() == [2.25, None, None]
    assert sightings["recorded_loc"].to_list() == ["48.5,2.25", "E", "0,0"]
    assert set(sightings["country"]) == {"ZZ"}
    assert set(sightings["source"]) == {"record"}


def test_labels_stay_and_unknown_ones_are_zz() -> None:
    """'Error 429' and single letters are counted as unknown and keep their words."""
    tallies = import_records([record(countries={"FR": 3, "Error 429": 2, "E": 1})]).tallies
    assert tallies.rows() == [
        (0, "FR", "FR", 3),
        (0, "Error 429", "ZZ", 2),
        (0, "E", "ZZ", 1),
    ]


def test_a_record_without_countries_is_counted_as_unknown() -> None:
    """Peers that no country was written down for are tallied, not dropped."""
    assert import_records([record(locs=["1,2", "3,4"])]).tallies.rows() == [(0, "ZZ", "ZZ", 2)]


@pytest.mark.parametrize(("ips", "locs", "rows"), [(1, 3, 3), (3, 1, 3), (0, 2, 2), (2, 0, 2)])
def test_the_longer_list_counts(ips: int, locs: int, rows: int) -> None:
    """No peer is lost where ip and locs differ in length."""
    peers = record(ip=[[f"192.0.2.{i}", 6881] for i in range(ips)], locs=["1,2"] * locs)
    assert import_records([peers]).sightings.height == rows


def test_addresses_are_kept_only_when_asked_for() -> None:
    """By default an import holds pseudonyms alone; the same peer has the same one in both."""
    peers = [record(ip=[["192.0.2.1", 6881], ["nonsense", 1], ["2001:db8::1%eth0", 2]])]
    stored, bare = import_records(peers), import_records(peers, store_addresses=AddressKeeping.NO)
    assert stored.sightings["address"].to_list() == ["192.0.2.1", None, "2001:db8::1"]
    assert stored.sightings["port"].to_list() == [6881, None, 2]
    near = import_records(peers, store_addresses=AddressKeeping.PREFIX).sightings
    assert near["prefix"].to_list() == ["192.0.2.0/24", None, "2001:db8::/48"]
    assert near["address"].null_count() == near["port"].null_count() == 3
    assert near["peer"].equals(stored.sightings["peer"])
    assert bare.sightings["address"].null_count() == bare.sightings["port"].null_count() == 3
    assert stored.sightings["peer"].equals(bare.sightings["peer"])


def test_one_address_is_one_host_in_all_swarms() -> None:
    """Host is the address alone, peer the address with its port."""
    a, b = record("a.json", ip=[["192.0.2.1", 1]]), record("b.json", ip=[["192.0.2.1", 2]])
    sightings = import_records([a, b]).sightings
    assert sightings["host"].n_unique() == 1
    assert sightings["peer"].n_unique() == 2


def test_peers_without_address_are_apart() -> None:
    """Unknown addresses are different peers, and the same ones when the file is read again."""
    records = [record("a.json", locs=["1,2"] * 3), record("b.json", locs=["1,2"] * 3)]
    once, again = import_records(records).sightings, import_records(records).sightings
    assert once["peer"].n_unique() == 6
    assert once.equals(again)


def test_the_swarm_row_tells_the_record() -> None:
    """Names are readable, the file name exact, size in bytes by decimal megabytes."""
    name = "Big%20Buck%20Bunny%20%5B4K%5D.torrent.json"
    whole = record(name, size=355.4, cat="Movies", lang="English", total_people=50)
    row = import_records([whole]).swarms.row(0, named=True)
    assert row == {
        "swarm": 0,
        "infohash": None,
        "name": "Big Buck Bunny [4K]",
        "size_bytes": 355_400_000,
        "category": "Movies",
        "language": "English",
        "file_name": name,
        "recorded_on": "2021-05-03",
        "recorded_size_mb": 355.4,
        "recorded_total": 50,
    }


def test_our_own_exports_carry_the_infohash() -> None:
    """A record filed under its infohash is that swarm again."""
    swarms = import_records([record(f"{INFOHASH}.torrent.json", locs=[])]).swarms
    assert swarms["infohash"].to_list() == [INFOHASH]


def test_the_index_fills_gaps_only() -> None:
    """What the record itself says goes before the index; size null is filled or stays null."""
    index = {"Film.torrent": {"size": 10.0, "cat": "Index", "lang": "Index"}, "B.torrent": 5}
    records = [record(cat="Own", size=None), record("B.torrent.json", size=None)]
    swarms = import_records(records, index).swarms
    assert swarms["category"].to_list() == ["Own", None]
    assert swarms["language"].to_list() == ["Index", None]
    assert swarms["size_bytes"].to_list() == [10_000_000, None]
    assert swarms["recorded_size_mb"].null_count() == 2


def test_relocating_replaces_the_record_s_word(tmp_path: Path) -> None:
    """With a locator, recorded addresses get its places, and the tallies are counted from them."""
    path = write_mmdb(tmp_path / "c.mmdb", {"192.0.2.0/28": city_record("IS", "Hof", 64, -15)})
    peers = record(
        ip=[["192.0.2.1", 1], ["192.0.2.200", 1], ["nonsense", 1]],
        locs=["48.5,2.25", "48.5,2.25", "48.5,2.25"],
        countries={"FR": 3},
    )
    kept = record("no-ip.json", locs=["48.5,2.25"], countries={"FR": 1})
    run = import_records([peers, kept], relocate_with=MmdbLocator.open(path))
    sightings = run.sightings
    assert sightings["country"].to_list() == ["IS", "ZZ", "ZZ", "ZZ"]
    assert sightings["city"].to_list() == ["Hof", None, None, None]
    assert sightings["latitude"].to_list() == [64.0, None, 48.5, 48.5]
    assert sightings["recorded_loc"].to_list() == [None, None, "48.5,2.25", "48.5,2.25"]
    assert run.tallies.filter(pl.col("swarm") == 0).rows() == [
        (0, "IS", "IS", 1),
        (0, "ZZ", "ZZ", 2),
    ]
    assert run.tallies.filter(pl.col("swarm") == 1).rows() == [(1, "FR", "FR", 1)]


@pytest.mark.parametrize(
    ("loc", "point"),
    [
        ("48.8582,2.3387", (48.8582, 2.3387)),
        (" -23.5 , -46.6 ", (-23.5, -46.6)),
        ("90,-180", (90.0, -180.0)),
        ("1e-05,2", (0.00001, 2.0)),
        ("0,5", (0.0, 5.0)),
        ("0,0", None),
        ("0.0,-0.0", None),
        ("91,0", None),
        ("999.0,12.0", None),
        ("nan,nan", None),
        ("48.8582", None),
        ("48,2,3", None),
        ("١٢,٣", None),
        ("1_0,2", None),
        ("Error 429", None),
        ("E", None),
        ("", None),
    ],
)
def test_coordinates(loc: str, point: tuple[float, float] | None) -> None:
    """Only two plain numbers on Earth are a place; 0,0 is how failures were written."""
    assert parse_coordinates(loc) == point
