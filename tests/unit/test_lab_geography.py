"""The lab's geography: its table and its database say the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path
from zoneinfo import ZoneInfo

import geoip2.database
import pytest
from babel import Locale
from geoip2.errors import AddressNotFoundError

from lab.geography import (
    cities,
    city_of,
    country_of,
    provider_of,
    unmapped_address,
    write_asn_mmdb,
    write_mmdb,
)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[geoip2.database.Reader]:
    path: Path = tmp_path_factory.mktemp("geography") / "lab.mmdb"
    write_mmdb(path)
    with geoip2.database.Reader(path) as opened:
        yield opened


def test_every_city_reads_back_from_the_database(reader: geoip2.database.Reader) -> None:
    """geoip2 reads of the .mmdb exactly what the table says, at both ends of each network."""
    for city in cities():
        for host in ("0.0", "255.255"):
            found = reader.city(f"127.{city.octet}.{host}")
            assert found.city.name == city.name
            assert found.country.iso_code == city.country
            assert found.location.latitude == city.point.latitude
            assert found.location.longitude == city.point.longitude
            assert found.location.accuracy_radius == city.radius_km
            assert found.location.time_zone == city.time_zone


def test_database_has_the_schema_of_geoip2_city(reader: geoip2.database.Reader) -> None:
    """Readers that look at the type and at IPv6 trees take it for what MaxMind ships."""
    assert reader.metadata().database_type.startswith("GeoIP2-City")
    assert reader.metadata().ip_version == 6


def test_table_has_real_countries_and_time_zones() -> None:
    """At least 200 cities of at least 60 countries; every code and zone exists; none is double."""
    known = cities()
    assert len(known) >= 200
    assert len({city.country for city in known}) >= 60
    assert {city.country for city in known} <= set(Locale("en").territories)
    assert len({(city.name, city.country) for city in known}) == len(known)
    for city in known:
        ZoneInfo(city.time_zone)


def test_some_of_loopback_is_in_no_city(reader: geoip2.database.Reader) -> None:
    """An unmapped address is unknown to table and database alike."""
    address = unmapped_address(random.Random(1))
    assert city_of(address) is None
    assert country_of(address) == "ZZ"
    with pytest.raises(AddressNotFoundError):
        reader.city(str(address))


def test_plain_loopback_is_in_a_city() -> None:
    """127.0.0.1, where other programs of the machine are, has a country."""
    city = city_of(IPv4Address("127.0.0.1"))
    assert city is not None
    assert (city.name, city.country) == ("Reykjavík", "IS")


def test_addresses_outside_loopback_have_no_city() -> None:
    """The table speaks of 127.0.0.0/8 only."""
    assert country_of(IPv4Address("128.1.0.1")) == "ZZ"


def test_drawn_addresses_lie_in_their_city() -> None:
    """A host that is drawn from a city is placed there."""
    rng = random.Random(2)
    for city in cities():
        assert city_of(city.address(rng)) == city


def test_the_providers_are_as_the_table_says(tmp_path: Path) -> None:
    """geoip2 reads the ASN file; each city has both kinds, and unmapped addresses are nobody's."""
    path = tmp_path / "networks.mmdb"
    write_asn_mmdb(path)
    rng = random.Random(3)
    with geoip2.database.Reader(path) as opened:
        for city in cities():
            for third in (0, rng.randrange(192), 192, 255):
                address = IPv4Address(bytes((127, city.octet, third, 1)))
                said = opened.asn(str(address))
                provider = provider_of(address)
                assert provider is not None
                assert said.autonomous_system_number == provider.number
                assert said.autonomous_system_organization == provider.name
                assert ("Hosting" in provider.name) == (third >= 192)
        with pytest.raises(AddressNotFoundError):
            opened.asn(str(unmapped_address(rng)))
    assert provider_of(unmapped_address(rng)) is None
