"""analysis.networks, hosting: whose network an address is in, and what the name lets guess."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from analysis.hosting import is_hosting_name
from analysis.networks import (
    CLOUD_FILES,
    NETWORK_FILES,
    NetworkLocator,
    open_bundled,
    open_networks,
)
from analysis.pack import PACK_DIR
from swarm.columns import NETWORK_COLUMNS, polars_schema
from swarm.errors import GeolocationError
from tests.geo_databases import packed, write_mmdb


def network(number: int, name: str) -> dict[str, Any]:
    return {"autonomous_system_number": number, "autonomous_system_organization": name}


@pytest.fixture(scope="module")
def bundled() -> NetworkLocator:
    return open_bundled()


def test_known_networks_are_named(bundled: NetworkLocator) -> None:
    """Addresses whose networks are no secret, of both families, in the order asked."""
    asked = packed("129.132.1.1", "2001:620::1", "8.8.8.8", "129.132.1.2", "10.0.0.1", "::1")
    frame = bundled.locate(asked)
    assert frame.schema == polars_schema(NETWORK_COLUMNS)
    assert frame["asn"].to_list() == [559, 559, 15169, 559, None, None]
    assert frame["as_name"].to_list()[2] == "Google LLC"


def test_hosting_is_said_of_what_is_known_only(bundled: NetworkLocator) -> None:
    """A cloud is likely hosting, a home line is not, and of a private address nothing is said."""
    frame = bundled.locate(packed("52.94.76.1", "95.216.1.1", "73.1.1.1", "10.0.0.1"))
    assert frame["hosting"].to_list() == [True, True, False, None]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Hetzner Online GmbH", True),
        ("HostPapa", True),
        ("GTHost", True),
        ("Amazon.com, Inc.", True),
        ("Servers.com, Inc.", True),
        ("NTT Global Data Centers EMEA GmbH", True),
        ("CHINANET SiChuan Telecom Internet Data Center", True),
        ("Colocation America Corporation", True),
        ("Comcast Cable Communications, LLC", False),
        ("COLOMBIA TELECOMUNICACIONES S.A. ESP", False),
        ("Colorado State University", False),
        ("Google Fiber Inc.", False),
        ("AFRIHOST SP (PTY) LTD", False),
        ("Deutsche Telekom AG", False),
        (None, None),
    ],
)
def test_a_name_tells(name: str | None, expected: bool | None) -> None:
    """Words of the trade count as whole words, and home lines that bear such a name do not."""
    frame = pl.DataFrame({"name": [name]}, schema={"name": pl.String})
    assert frame.select(is_hosting_name(pl.col("name"))).item() is expected


def test_a_database_of_the_users_own_answers(tmp_path: Path) -> None:
    """GeoLite2-ASN: numbers and names by its word; the clouds' ranges count beside it."""
    records = {
        "1.0.0.0/8": network(64496, "Example Hosting"),
        "1.2.0.0/16": network(64497, "Example Telecom"),
        "2a00::/16": {"autonomous_system_number": 64498},
    }
    path = write_mmdb(tmp_path / "asn.mmdb", records, database_type="GeoLite2-ASN")
    locator = open_networks(path)
    asked = packed("1.2.3.4", "1.1.1.1", "2a00::1", "52.94.76.1", "9.9.9.9")
    assert locator.locate(asked).rows() == [
        (64497, "Example Telecom", False),
        # 1.1.1.0/24 is a cloud's and 64496 calls itself a host.
        (64496, "Example Hosting", True),
        (64498, None, None),
        (None, None, True),
        (None, None, None),
    ]
    assert locator.source.database.name == "GeoLite2-ASN"
    assert "MaxMind" in str(locator.source.database.attribution)


def test_nobody_asked_is_nobody_answered(tmp_path: Path, bundled: NetworkLocator) -> None:
    """No address gives no row, with the columns, from either source."""
    path = write_mmdb(tmp_path / "asn.mmdb", {"1.0.0.0/8": network(64496, "Example")})
    for locator in (bundled, open_networks(path)):
        frame = locator.locate(b"")
        assert frame.schema == polars_schema(NETWORK_COLUMNS)
        assert frame.height == 0


def test_a_city_database_is_refused(tmp_path: Path) -> None:
    """The sentence names key, file, what it is, and the bundled table as the way out."""
    path = write_mmdb(tmp_path / "c.mmdb", {"1.0.0.0/8": {"country": {"iso_code": "FR"}}})
    with pytest.raises(GeolocationError, match=r"geoip_asn = .*City.*bundled table") as said:
        open_networks(path, named=True)
    assert str(path) in str(said.value)


@pytest.mark.parametrize("name", [*NETWORK_FILES, *CLOUD_FILES])
def test_a_damaged_table_is_one_sentence(tmp_path: Path, name: str) -> None:
    """A missing file is a GeolocationError that names the folder and the way out."""
    for other in (*NETWORK_FILES, *CLOUD_FILES):
        if other != name:
            (tmp_path / other).symlink_to(PACK_DIR / other)
    with pytest.raises(GeolocationError, match="check the folder out again") as said:
        open_bundled(tmp_path)
    assert str(tmp_path) in str(said.value)


def test_the_sources_are_told(bundled: NetworkLocator) -> None:
    """Networks and clouds have names and dates, and the licences stand beside the files."""
    database, hosting = bundled.source.database, bundled.hosting.source
    assert database.built_on is not None
    assert hosting.built_on is not None
    assert date(2026, 1, 1) < min(database.built_on, hosting.built_on)
    assert "DB-IP" in str(database.attribution)
    assert "names of networks" in hosting.name
    licence = (PACK_DIR / "LICENSE-networks.txt").read_text(encoding="utf-8")
    for said in (database.built_on, hosting.built_on, "CC BY 4.0", "Route Views", "NRO", "MIT"):
        assert str(said) in licence
