"""analysis.mmdb: a database of the user's own is read as geoip2 reads it, in whole columns."""

from __future__ import annotations

import random
from datetime import date
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import geoip2.database
import geoip2.errors
import numpy as np
import polars as pl
import pytest

from analysis.mmdb import MmdbLocator
from swarm.columns import PLACE_COLUMNS, polars_schema
from swarm.endpoint import address_to_packed16
from swarm.errors import GeolocationError
from tests.geo_databases import city_record, packed, write_mmdb

PARIS = city_record("FR", "Paris", 48.8566, 2.3522, accuracy_radius=20, time_zone="Europe/Paris")
BERLIN = city_record("DE", "Berlin", 52.52, 13.405)
NOWHERE = {
    "country": {"iso_code": "US"},
    "location": {"latitude": 37.751, "longitude": -97.822, "accuracy_radius": 1000},
}


UNKNOWN = ("ZZ", None, None, None, None, None)


def locate_one(path: Path, address: str) -> tuple[Any, ...]:
    return MmdbLocator.open(path).locate(packed(address)).row(0)


def test_a_city_record_gives_every_column(tmp_path: Path) -> None:
    """Country, English city name, coordinates, radius and time zone come through, typed."""
    locator = MmdbLocator.open(write_mmdb(tmp_path / "c.mmdb", {"1.2.0.0/16": PARIS}))
    frame = locator.locate(packed("1.2.3.4"))
    assert frame.schema == polars_schema(PLACE_COLUMNS)
    country, city, latitude, longitude, radius_km, time_zone = frame.row(0)
    assert (country, city, radius_km, time_zone) == ("FR", "Paris", 20, "Europe/Paris")
    assert (np.float32(latitude), np.float32(longitude)) == (
        np.float32(48.8566),
        np.float32(2.3522),
    )


def test_the_answer_is_in_the_order_asked(tmp_path: Path) -> None:
    """Known, unknown, repeated, IPv4 and IPv6 addresses each get their own row."""
    path = write_mmdb(tmp_path / "c.mmdb", {"1.2.0.0/16": PARIS, "2a00::/16": BERLIN})
    asked = packed("2a00::1", "1.2.3.4", "9.9.9.9", "1.2.3.5", "2b00::1", "2a00::1")
    frame = MmdbLocator.open(path).locate(asked)
    assert frame["country"].to_list() == ["DE", "FR", "ZZ", "FR", "ZZ", "DE"]


def test_the_narrowest_network_wins(tmp_path: Path) -> None:
    """A network inside another answers for its own addresses, down to a single one."""
    networks = {"1.0.0.0/8": BERLIN, "1.2.0.0/16": PARIS, "1.2.3.4/32": NOWHERE}
    path = write_mmdb(tmp_path / "c.mmdb", networks)
    frame = MmdbLocator.open(path).locate(packed("1.2.3.4", "1.2.3.5", "1.3.0.0"))
    assert frame["country"].to_list() == ["US", "FR", "DE"]


def test_a_wide_radius_is_passed_on(tmp_path: Path) -> None:
    """What to believe is decided later: no city and 1,000 km are told as they stand."""
    country, city, latitude, _, radius_km, _ = locate_one(
        write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": NOWHERE}), "1.1.1.1"
    )
    assert (country, city, radius_km) == ("US", None, 1000)
    assert latitude is not None


def test_a_country_database_has_no_cities(tmp_path: Path) -> None:
    """A Country database answers countries; everything else is null."""
    record = {"country": {"iso_code": "BR", "names": {"en": "Brazil"}}, "continent": {"code": "SA"}}
    path = write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": record}, database_type="GeoLite2-Country")
    assert locate_one(path, "1.1.1.1") == ("BR", None, None, None, None, None)


def test_a_flat_database_reads_too(tmp_path: Path) -> None:
    """The flat schema of ip-location-db: empty texts are absent."""
    record = {
        "country_code": "JP",
        "city": "Setagaya",
        "latitude": 35.5,
        "longitude": 139.5,
        "timezone": "",
    }
    path = write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": record}, database_type="city ipv4")
    assert locate_one(path, "1.1.1.1") == ("JP", "Setagaya", 35.5, 139.5, None, None)


@pytest.mark.parametrize(
    "record",
    [
        {"country": {"iso_code": "FR"}, "location": {"latitude": 0.0, "longitude": 0.0}},
        {"country": {"iso_code": "FR"}, "location": {"latitude": 48.0}},
        {"country": {"iso_code": "FR"}, "location": {"latitude": 91.0, "longitude": 3.0}},
        {"country": {"iso_code": "FR"}, "location": {"latitude": float("nan"), "longitude": 1.0}},
        {"country": {"iso_code": "FR"}, "location": {"latitude": "48", "longitude": "2"}},
        {"country": {"iso_code": "FR"}, "location": "Paris", "city": ["Paris"]},
        {"country": {"iso_code": "FR"}, "city": {"names": "Paris"}},
    ],
    ids=["zero", "half", "off earth", "nan", "text", "other shape", "names no map"],
)
def test_absent_or_odd_fields_are_null(tmp_path: Path, record: dict[str, Any]) -> None:
    """Values that are no place on Earth become null; the country still stands."""
    path = write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": record})
    assert locate_one(path, "1.1.1.1") == ("FR", None, None, None, None, None)


@pytest.mark.parametrize("code", ["fr", "FRA", "F", "", "É1"])
def test_a_code_that_is_no_iso2_is_unknown(tmp_path: Path, code: str) -> None:
    """Only two capitals are a country."""
    path = write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": {"country": {"iso_code": code}}})
    assert locate_one(path, "1.1.1.1")[0] == "ZZ"


def test_private_addresses_are_placed_where_the_database_knows_them(tmp_path: Path) -> None:
    """The lab's own geography lives on 127.0.0.0/8."""
    path = write_mmdb(tmp_path / "c.mmdb", {"127.0.0.0/16": PARIS})
    frame = MmdbLocator.open(path).locate(packed("127.0.0.1", "127.1.0.1"))
    assert frame["country"].to_list() == ["FR", "ZZ"]


def test_an_ipv4_database_knows_no_ipv6(tmp_path: Path) -> None:
    """IPv6 addresses asked of an IPv4 tree are unknown, not misread."""
    path = write_mmdb(tmp_path / "c.mmdb", {"0.0.0.0/1": PARIS}, ip_version=4)
    frame = MmdbLocator.open(path).locate(packed("1.1.1.1", "1.1.1.2", "::1.1.1.1", "2a00::1"))
    assert frame["country"].to_list() == ["FR", "FR", "ZZ", "ZZ"]


def test_the_build_is_told(tmp_path: Path) -> None:
    """Name and day of the database stand with every run; GeoLite2 demands its sentence."""
    path = write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": PARIS}, database_type="GeoLite2-City")
    database = MmdbLocator.open(path).database
    assert database.name == "GeoLite2-City"
    assert isinstance(database.built_on, date)
    assert database.attribution is not None
    assert "MaxMind" in database.attribution


def _geoip2_row(reader: geoip2.database.Reader, address: str) -> tuple[Any, ...]:
    try:
        said = reader.city(address)
    except geoip2.errors.AddressNotFoundError:
        return UNKNOWN
    where = said.location
    return (
        said.country.iso_code or "ZZ",
        said.city.name,
        where.latitude,
        where.longitude,
        where.accuracy_radius,
        where.time_zone,
    )


def test_equal_to_geoip2_row_by_row(tmp_path: Path) -> None:
    """20,000 addresses, nested networks, both families, missing fields, aliases: no row differs."""
    chance = random.Random(7)
    whole = [
        city_record(
            chance.choice(["FR", "DE", "US"]),
            f"City {i}",
            chance.uniform(-80, 80),
            chance.uniform(-170, 170),
            accuracy_radius=chance.choice([5, 200, 1000]),
            time_zone="Europe/Paris",
        )
        for i in range(300)
    ]
    partial = [{key: record[key] for key in record if chance.random() < 0.7} for record in whole]
    networks: dict[str, Any] = {}
    for width in (6, 8, 12, 16, 20, 24, 28, 32):
        for _ in range(60):
            base = chance.getrandbits(width) << (32 - width)
            networks[f"{IPv4Address(base)}/{width}"] = chance.choice(partial)
    for width in (16, 24, 32, 48, 64, 96, 128):
        for _ in range(40):
            base = 0x2A << 120 | chance.getrandbits(width - 8) << (128 - width)
            networks[f"{IPv6Address(base)}/{width}"] = chance.choice(partial)
    path = write_mmdb(tmp_path / "c.mmdb", networks, with_aliases=True)
    asked: list[IPv4Address | IPv6Address] = [
        IPv4Address(chance.getrandbits(32)) for _ in range(10_000)
    ]
    asked += [IPv6Address(0x2A << 120 | chance.getrandbits(120)) for _ in range(6_000)]
    for prefix, after_v4 in ((0xFFFF, 0), (0x2001_0000, 64), (0x2002, 80)):
        for _ in range(1_000):
            v4, rest = chance.getrandbits(32), chance.getrandbits(after_v4)
            asked.append(IPv6Address((prefix << 32 | v4) << after_v4 | rest))
    for network in networks:
        first = network.split("/")[0]
        asked.append(IPv6Address(first) if ":" in first else IPv4Address(first))
    frame = MmdbLocator.open(path).locate(b"".join(map(address_to_packed16, asked)))
    with geoip2.database.Reader(path) as reader:
        rows = [_geoip2_row(reader, str(address)) for address in asked]
    aliased = rows[16_000:19_000]
    assert sum(row != UNKNOWN for row in aliased) > 1_000
    assert frame.equals(pl.DataFrame(rows, schema=polars_schema(PLACE_COLUMNS), orient="row"))


def test_a_database_cut_short_is_refused(tmp_path: Path) -> None:
    """Half a download says that it does not read, at opening."""
    path = write_mmdb(tmp_path / "c.mmdb", {"1.2.3.0/24": PARIS})
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(GeolocationError, match="not a readable MaxMind database"):
        MmdbLocator.open(path)


def test_a_hole_in_the_middle_is_found(tmp_path: Path) -> None:
    """A file that lost its head but kept its tail is refused, at opening or at the lookup."""
    networks = {f"{i}.0.0.0/8": PARIS for i in range(1, 120)}
    path = write_mmdb(tmp_path / "c.mmdb", networks)
    path.write_bytes(path.read_bytes()[-400:])
    with pytest.raises(GeolocationError, match=r"not a readable|damaged|holds no countries"):
        MmdbLocator.open(path).locate(packed("1.1.1.1", "119.1.1.1"))


def test_another_kind_of_database_is_refused(tmp_path: Path) -> None:
    """An ASN database is a fine .mmdb that places nobody: the sentence names its type."""
    record = {"autonomous_system_number": 64496, "autonomous_system_organization": "Example"}
    path = write_mmdb(tmp_path / "asn.mmdb", {"1.0.0.0/8": record}, database_type="GeoLite2-ASN")
    with pytest.raises(GeolocationError, match="GeoLite2-ASN"):
        MmdbLocator.open(path)


def test_a_tree_that_runs_in_circles_is_refused(tmp_path: Path) -> None:
    """A damaged tree could lead round for ever: it is found out at opening."""
    path = write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": PARIS}, ip_version=4)
    raw = bytearray(path.read_bytes())
    raw[:3] = bytes(3)  # the first node's left child is the first node
    path.write_bytes(raw)
    with pytest.raises(GeolocationError, match="runs in circles"):
        MmdbLocator.open(path)
