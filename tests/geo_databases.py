"""Small geolocation databases for tests: .mmdb files, and a pack in the bundled form."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

import polars as pl
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from swarm.endpoint import address_to_packed16

BUILD_TAGS = {
    "name": "DB-IP City Lite",
    "built_on": "2026-06-05",
    "attribution": "IP Geolocation by DB-IP",
    "attribution_url": "https://db-ip.com",
}


def packed(*addresses: str) -> bytes:
    """The addresses as a Locator takes them."""
    return b"".join(address_to_packed16(ip_address(address)) for address in addresses)


def city_record(
    country: str, city: str, latitude: float, longitude: float, **more: Any
) -> dict[str, Any]:
    """A record of the GeoIP2 City schema, with names in two languages."""
    return {
        "country": {"iso_code": country, "names": {"en": f"Land {country}", "de": f"L {country}"}},
        "city": {"geoname_id": 7, "names": {"en": city, "de": f"{city}burg"}},
        "location": {"latitude": latitude, "longitude": longitude, **more},
    }


def write_mmdb(
    path: Path,
    networks: dict[str, Any],
    *,
    database_type: str = "GeoIP2-City",
    ip_version: int = 6,
    with_aliases: bool = False,
) -> Path:
    """Write `networks` in their order; later, narrower ones cut into earlier ones.

    With aliases, as in MaxMind's files: IPv4 is found at ::ffff:0:0/96, Teredo and 6to4 too.
    """
    writer = MMDBWriter(
        ip_version,
        database_type,
        languages=["en"],
        ipv4_compatible=ip_version == 6,
        description="test",
    )
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    if with_aliases:
        v4_root = node_at(writer.tree, 0, 96)
        for prefix, width in ((0xFFFF, 96), (0x2001_0000, 32), (0x2002, 16)):
            node_at(writer.tree, prefix >> 1, width - 1)[prefix & 1] = v4_root
    writer.to_db_file(str(path))
    return path


def node_at(root: Any, prefix: int, width: int) -> Any:
    """The node of the writer's tree that `width` bits lead to."""
    node = root
    for shift in range(width - 1, -1, -1):
        node = node.get_or_create(prefix >> shift & 1)
    return node


def write_pack(
    folder: Path,
    places: list[tuple[str, str | None, float, float]],
    v4: list[tuple[int, int]],
    v6: list[tuple[int, int]],
    **tags: str,
) -> Path:
    """A pack of (country, city, latitude, longitude) and of (length, place row) ranges."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [("ZZ", None, None, None), *places]
    degrees = {"latitude": pl.Float32, "longitude": pl.Float32}
    schema = {"country": pl.String, "city": pl.String, **degrees}
    metadata = BUILD_TAGS | tags
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(
        folder / "places.parquet", metadata=metadata
    )
    for name, column, dtype, ranges in (
        ("ranges-v4.parquet", "addresses", pl.UInt32, v4),
        ("ranges-v6.parquet", "slash64s", pl.UInt64, v6),
    ):
        frame = pl.DataFrame(ranges, schema={column: dtype, "place": pl.UInt32}, orient="row")
        frame.write_parquet(folder / name, metadata=metadata)
    return folder
