"""analysis.locator: which database answers, and what is said when the named one cannot."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.locator import open_locator
from analysis.placing import place_sightings
from swarm.address_keeping import AddressKeeping
from swarm.columns import NETWORK_COLUMNS, PLACE_COLUMNS, polars_schema
from swarm.endpoint import Endpoint
from swarm.errors import GeolocationError
from swarm.infohash import InfoHash
from swarm.sighting import PeerSighting, SightingColumns, Source
from tests.geo_databases import city_record, packed, write_mmdb


def test_the_bundled_database_answers_by_default() -> None:
    """Without geoip_city a fresh clone places addresses."""
    locator = open_locator(None)
    assert locator.databases.places.name == "DB-IP City Lite"
    assert locator.locate(packed("129.132.1.1"))["country"].item() == "CH"


def test_places_and_networks_come_together() -> None:
    """One row per address has both; each of the three sources is named."""
    locator = open_locator(None)
    frame = locator.locate(packed("129.132.1.1", "10.0.0.1"))
    assert frame.schema == polars_schema((*PLACE_COLUMNS, *NETWORK_COLUMNS))
    assert frame.select("country", "asn", "hosting").rows() == [
        ("CH", 559, False),
        ("ZZ", None, None),
    ]
    databases = locator.databases
    assert databases.networks is not None
    assert databases.networks.name == "ip-location-db ASN"
    assert databases.hosting is not None


def test_a_sighting_is_placed_in_its_network() -> None:
    """What a run keeps of a peer has the network's columns filled."""
    key = InfoHash(b"k" * 20)
    peers = [Endpoint.parse("129.132.1.1:6881"), Endpoint.parse("[2001:620::1]:6881")]
    now = datetime(2026, 11, 21, tzinfo=UTC)
    told = [PeerSighting(key, peer, Source.DHT, peers[0], now) for peer in peers]
    frame = place_sightings(
        [(0, SightingColumns.of(key, Source.DHT, told))],
        locator=open_locator(None),
        key=bytes(32),
        store_addresses=AddressKeeping.NO,
    )
    assert frame["asn"].to_list() == [559, 559]
    assert frame["as_name"].is_not_null().all()
    assert frame["hosting"].to_list() == [False, False]


def test_downloads_come_before_the_bundle_and_after_config(tmp_path: Path) -> None:
    """The named file, then GeoLite2, then DB-IP, then the bundled database."""
    folder = tmp_path / "geoip"
    assert open_locator(None, folder=folder).databases.places.name == "DB-IP City Lite"
    folder.mkdir()

    def city(path: Path, country: str) -> Path:
        return write_mmdb(path, {"1.0.0.0/8": city_record(country, "Hof", 64, -15)})

    def asn(path: Path, number: int) -> Path:
        return write_mmdb(path, {"1.0.0.0/8": {"autonomous_system_number": number}})

    def answers(**named: Path) -> tuple[object, ...]:
        locator = open_locator(named.get("city"), named.get("asn"), folder=folder)
        return locator.locate(packed("1.1.1.1")).select("country", "asn").row(0)

    city(folder / "dbip-city-lite.mmdb", "IS")
    asn(folder / "dbip-asn-lite.mmdb", 64496)
    assert answers() == ("IS", 64496)
    city(folder / "GeoLite2-City.mmdb", "FR")
    asn(folder / "GeoLite2-ASN.mmdb", 64497)
    assert answers() == ("FR", 64497)
    mine = {"city": city(tmp_path / "c.mmdb", "DE"), "asn": asn(tmp_path / "a.mmdb", 64498)}
    assert answers(**mine) == ("DE", 64498)


@pytest.mark.parametrize("name", ["GeoLite2-City.mmdb", "GeoLite2-ASN.mmdb"])
def test_a_broken_download_is_said_and_not_passed_over(tmp_path: Path, name: str) -> None:
    """Stepping down silently would name another source under the figures than the user expects."""
    (tmp_path / name).write_bytes(b"half a download")
    with pytest.raises(GeolocationError, match="geoip update") as said:
        open_locator(None, folder=tmp_path)
    assert str(tmp_path / name) in str(said.value)


def test_the_named_database_answers(tmp_path: Path) -> None:
    """With geoip_city that file is the only word."""
    path = write_mmdb(tmp_path / "mine.mmdb", {"1.0.0.0/8": city_record("IS", "Hof", 64, -15)})
    frame = open_locator(path).locate(packed("1.1.1.1", "129.132.1.1"))
    assert frame["country"].to_list() == ["IS", "ZZ"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.mmdb", "no such file"),
        ("folder.mmdb", "not a readable MaxMind database"),
        ("empty.mmdb", "not a readable MaxMind database"),
        ("page.mmdb", "not a readable MaxMind database"),
        ("asn.mmdb", "which holds no countries or cities"),
    ],
)
def test_a_bad_file_is_one_sentence(tmp_path: Path, name: str, said: str) -> None:
    """Path, what is wrong, and what to do."""
    (tmp_path / "folder.mmdb").mkdir()
    (tmp_path / "empty.mmdb").touch()
    (tmp_path / "page.mmdb").write_text("<html>Please log in</html>" * 1000)
    write_mmdb(tmp_path / "asn.mmdb", {"1.0.0.0/8": {"autonomous_system_number": 1}})
    with pytest.raises(GeolocationError) as caught:
        open_locator(tmp_path / name)
    sentence = str(caught.value)
    assert str(tmp_path / name) in sentence
    assert said in sentence
    assert "leave geoip_city empty to use" in sentence
    assert "\n" not in sentence
