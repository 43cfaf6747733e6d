"""The lab's geography: which real city each /16 of 127.0.0.0/8 stands for, and its .mmdb files.

Line n of cities.csv (after the head) is 127.n.0.0/16. What is beyond the table's last line is in
no city: addresses there are unknown to the database, as some are on the internet.
The database is in the GeoIP2-City schema, so that the very code that reads MaxMind's files reads
it; the same table, asked directly, is the truth that a check compares with.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

import mmdb_writer
import netaddr
from babel import Locale

from swarm.place import UNKNOWN_COUNTRY, GeoPoint

_TABLE = Path(__file__).with_name("cities.csv")
_LOOPBACK = 127
# Readers look for "GeoIP2-City" in it; people read under each figure that it is made up.
_DATABASE_TYPE = "GeoIP2-City (made up for the lab)"
# Likewise; it must not begin with that, or MaxMind would be thanked for what we made up.
_ASN_DATABASE_TYPE = "Made up for the lab, as GeoLite2-ASN"
_DESCRIPTION = "Swarm Atlas lab: 127.0.0.0/8 dealt out to real cities"


@dataclass(frozen=True, slots=True)
class City:
    """A real city and the /16 of 127.0.0.0/8 that stands for it."""

    name: str
    country: str  # ISO 3166-1 alpha-2
    point: GeoPoint
    radius_km: int
    time_zone: str  # IANA name
    octet: int  # the city's network is 127.<octet>.0.0/16

    @property
    def network(self) -> str:
        """The city's network, as 127.n.0.0/16."""
        return f"{_LOOPBACK}.{self.octet}.0.0/16"

    def address(self, rng: random.Random) -> IPv4Address:
        """Draw one host address of the city's network (neither .0 nor .255 at its end)."""
        return IPv4Address(bytes((_LOOPBACK, self.octet, rng.randrange(256), rng.randint(1, 254))))


@cache
def cities() -> tuple[City, ...]:
    """All cities of the table; `cities()[n].octet == n`."""
    with _TABLE.open(encoding="utf-8", newline="") as table:
        return tuple(_city(row, octet) for octet, row in enumerate(csv.DictReader(table)))


def _city(row: dict[str, str], octet: int) -> City:
    return City(
        name=row["city"],
        country=row["country"],
        point=GeoPoint(float(row["latitude"]), float(row["longitude"])),
        radius_km=int(row["radius_km"]),
        time_zone=row["time_zone"],
        octet=octet,
    )


def city_of(address: IPv4Address) -> City | None:
    """The city whose network the address is in; None outside the table."""
    first, octet, _, _ = address.packed
    known = cities()
    return known[octet] if first == _LOOPBACK and octet < len(known) else None


def country_of(address: IPv4Address) -> str:
    """ISO 3166-1 alpha-2 of the address; "ZZ" where no city has it."""
    city = city_of(address)
    return city.country if city else UNKNOWN_COUNTRY


def unmapped_address(rng: random.Random) -> IPv4Address:
    """Draw a loopback address that the database does not know."""
    octet = rng.randint(len(cities()), 254)
    return IPv4Address(bytes((_LOOPBACK, octet, rng.randrange(256), rng.randint(1, 254))))


def write_mmdb(path: Path) -> None:
    """Write the cities as a GeoIP2-City .mmdb; IPv4 stands under ::/96, as in MaxMind's files."""
    writer = mmdb_writer.MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type=_DATABASE_TYPE,
        languages=["en"],
        description={"en": _DESCRIPTION},
        float_type="f64",
    )
    names = Locale("en").territories
    for city in cities():
        network = netaddr.IPSet([city.network])
        writer.insert_network(network, _record(city, names[city.country]))
    writer.to_db_file(str(path))


@dataclass(frozen=True, slots=True)
class Provider:
    """A made-up network of the lab; the number is one of those for private use (RFC 6996)."""

    number: int
    name: str


_HOST = Provider(64512, "Lab Hosting")
_FIRST_HOSTED = 192  # the third byte from which on a city's addresses are the host's


def provider_of(address: IPv4Address) -> Provider | None:
    """Whose network the address is in: of each city a quarter is a host's; None outside them."""
    city = city_of(address)
    if city is None:
        return None
    return _HOST if address.packed[2] >= _FIRST_HOSTED else _carriers()[city.country]


@cache
def _carriers() -> dict[str, Provider]:
    """One for each country that has a city."""
    names = Locale("en").territories
    countries = sorted({city.country for city in cities()})
    return {
        country: Provider(_HOST.number + number, f"Lab Telecom {names[country]}")
        for number, country in enumerate(countries, start=1)
    }


def write_asn_mmdb(path: Path) -> None:
    """Write the providers as a GeoLite2-ASN .mmdb."""
    writer = mmdb_writer.MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type=_ASN_DATABASE_TYPE,
        languages=["en"],
        description={"en": _DESCRIPTION},
    )
    for city in cities():
        hosted = f"{_LOOPBACK}.{city.octet}.{_FIRST_HOSTED}.0/18"
        for network, provider in ((city.network, _carriers()[city.country]), (hosted, _HOST)):
            record = {
                "autonomous_system_number": mmdb_writer.MmdbU32(provider.number),
                "autonomous_system_organization": provider.name,
            }
            writer.insert_network(netaddr.IPSet([network]), record)
    writer.to_db_file(str(path))


def _record(city: City, country_name: str) -> dict[str, object]:
    country = {"iso_code": city.country, "names": {"en": country_name}}
    return {
        "city": {"names": {"en": city.name}},
        "country": country,
        "registered_country": country,
        "location": {
            "latitude": city.point.latitude,
            "longitude": city.point.longitude,
            "accuracy_radius": mmdb_writer.MmdbU16(city.radius_km),
            "time_zone": city.time_zone,
        },
    }
