"""analysis.pack: the bundled database answers what its files say, and says when they are bad."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from analysis.pack import PACK_DIR, PackLocator, open_pack
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.errors import GeolocationError
from tests.geo_databases import packed, write_pack

PLACES = [("FR", "Paris", 48.85, 2.35), ("IS", None, 64.13, -21.9)]
# 0.0.0.0/8 unknown, 1.0.0.0/8 Paris, 2.0.0.0/8 Iceland, the rest unknown.
V4 = [(2**24, 0), (2**24, 1), (2**24, 2), (2**32 - 3 * 2**24, 0)]
# ::/64 unknown, 0:0:0:1::/64 Paris, the rest Iceland.
V6 = [(1, 0), (1, 1), (2**64 - 2, 2)]


@pytest.fixture(scope="module")
def bundled() -> PackLocator:
    return open_pack()


def small_pack(folder: Path, **tags: str) -> Path:
    return write_pack(folder, PLACES, V4, V6, **tags)


def test_places_come_in_the_order_asked(tmp_path: Path) -> None:
    """Both families, in any order and twice, are answered row by row; columns are exact."""
    asked = packed("2.0.0.9", "0:0:0:1::5", "1.0.0.0", "9.9.9.9", "1.255.255.255", "1.0.0.0", "::1")
    frame = open_pack(small_pack(tmp_path)).locate(asked)
    assert frame.schema == polars_schema(PLACE_COLUMNS)
    assert frame["country"].to_list() == ["IS", "FR", "FR", "ZZ", "FR", "FR", "ZZ"]
    assert frame["city"].to_list() == [None, "Paris", "Paris", None, "Paris", "Paris", None]
    assert frame["radius_km"].null_count() == frame["time_zone"].null_count() == 7


def test_unknown_is_null_never_zero_zero(tmp_path: Path) -> None:
    """An address in no range has country ZZ and no coordinates."""
    frame = open_pack(small_pack(tmp_path)).locate(packed("127.0.0.1"))
    assert frame.row(0) == ("ZZ", None, None, None, None, None)


def test_edges_of_the_address_space_are_covered(tmp_path: Path) -> None:
    """The first and the last address of both families are answered."""
    locator = open_pack(small_pack(tmp_path))
    last_v6 = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    frame = locator.locate(packed("0.0.0.0", "255.255.255.255", "::", last_v6))
    assert frame["country"].to_list() == ["ZZ", "ZZ", "ZZ", "IS"]


def test_no_addresses_give_an_empty_frame(tmp_path: Path) -> None:
    """Nothing asked is nothing answered, with the same columns."""
    frame = open_pack(small_pack(tmp_path)).locate(b"")
    assert frame.schema == polars_schema(PLACE_COLUMNS)
    assert frame.height == 0


def test_half_an_address_is_refused(tmp_path: Path) -> None:
    """Bytes that are no whole addresses are an error of the caller."""
    with pytest.raises(ValueError, match="16 bytes"):
        open_pack(small_pack(tmp_path)).locate(b"123")


@pytest.mark.parametrize("name", ["places.parquet", "ranges-v4.parquet", "ranges-v6.parquet"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half"])
def test_a_damaged_pack_is_one_sentence(tmp_path: Path, name: str, damage: str) -> None:
    """A missing or cut file is a GeolocationError that names the folder and the way out."""
    file = small_pack(tmp_path) / name
    raw = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes(raw[: len(raw) // 2] if damage == "half" else b"")
    with pytest.raises(GeolocationError, match="geoip_city") as caught:
        open_pack(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_files_of_two_builds_are_refused(tmp_path: Path) -> None:
    """Ranges of one month with the places of another would place peers wrongly."""
    small_pack(tmp_path / "new", built_on="2026-07-01")
    pack = small_pack(tmp_path / "old")
    (tmp_path / "new" / "places.parquet").replace(pack / "places.parquet")
    with pytest.raises(GeolocationError, match="different builds"):
        open_pack(pack)


def test_ranges_must_cover_the_whole_space(tmp_path: Path) -> None:
    """Lengths that do not add up to the address space are refused."""
    with pytest.raises(GeolocationError, match="whole address space"):
        open_pack(write_pack(tmp_path, PLACES, V4[:-1], V6))


def test_ranges_must_name_places_that_are_there(tmp_path: Path) -> None:
    """A row number past the end of the places is refused at opening."""
    with pytest.raises(GeolocationError, match="not there"):
        open_pack(write_pack(tmp_path, PLACES[:1], V4, V6))


def test_the_bundled_database_says_what_it_is(bundled: PackLocator) -> None:
    """Name, build date and the attribution that the licence demands travel with the pack."""
    assert bundled.database.name == "DB-IP City Lite"
    assert bundled.database.built_on is not None
    assert date(2026, 1, 1) < bundled.database.built_on
    assert bundled.database.attribution == "IP Geolocation by DB-IP"
    assert bundled.database.attribution_url == "https://db-ip.com"
    licence = (PACK_DIR / "LICENSE.txt").read_text(encoding="utf-8")
    assert "CC BY 4.0" in licence
    assert str(bundled.database.built_on) in licence


def test_the_bundled_database_places_known_networks(bundled: PackLocator) -> None:
    """Networks of national providers and universities stand in their countries."""
    networks = {
        "18.9.22.69": "US",  # a university in Massachusetts
        "129.132.1.1": "CH",  # ETH Zurich
        "133.11.0.1": "JP",  # the University of Tokyo
        "130.216.1.1": "NZ",  # the University of Auckland
        "2001:da8::1": "CN",  # CERNET
        "2001:620::1": "CH",  # SWITCH
    }
    frame = bundled.locate(packed(*networks))
    assert frame["country"].to_list() == list(networks.values())
    assert frame["latitude"].null_count() == 0


def test_private_addresses_are_unknown(bundled: PackLocator) -> None:
    """Nobody lives at 10.0.0.1 or fe80::1 for a database of the public internet."""
    frame = bundled.locate(packed("10.0.0.1", "192.168.1.1", "127.0.0.1", "::1", "fe80::1"))
    assert set(frame["country"]) == {"ZZ"}


def test_no_place_of_the_bundle_is_zero_zero(bundled: PackLocator) -> None:
    """Absent coordinates are null in the whole pack; countries are all of two capitals."""
    places = bundled.places
    zero = places.filter((pl.col("latitude") == 0) & (pl.col("longitude") == 0))
    assert zero.height == 0
    assert places["country"].str.contains("^[A-Z]{2}$").all()
    assert np.isfinite(places["latitude"].drop_nulls().to_numpy()).all()
