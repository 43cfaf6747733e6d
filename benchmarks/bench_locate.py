"""Looking up where addresses are: ours beside geoip2's `.city()` loop, on one file, in one run.

`python -m benchmarks.bench_locate`; `--smoke` proves in seconds that it still runs. The file is in
the GeoIP2-City schema, made of networks and places drawn from the bundled database. All addresses
asked lie in its networks: an address that a database does not know is answered faster, by both.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, summarize_address_range
from pathlib import Path
from typing import Any

import geoip2.database
import mmdb_writer
import netaddr
import numpy as np
import polars as pl

from analysis.locator import open_locator
from analysis.mmdb import MmdbLocator
from analysis.pack import PackLocator, open_pack
from benchmarks.tables import Verdict, machine, print_table, print_verdicts
from swarm.endpoint import packed16_to_address
from swarm.place import UNKNOWN_COUNTRY

SEED = 7
LEAST_RATIO = 20.0
LEAST_PER_S = 2_000_000
_NAMES = ("en", "de", "es", "fr", "ja", "pt-BR", "ru", "zh-CN")  # as in MaxMind's own files
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    networks: int  # in the file, of both families
    v4: int
    v6: int
    geoip2: int  # addresses that the loop is given; it is the same each time round


FULL = Sizes(networks=20_000, v4=1_000_000, v6=200_000, geoip2=60_000)
SMOKE = Sizes(networks=400, v4=10_000, v6=2_000, geoip2=500)


@dataclass(frozen=True, slots=True)
class LocateRow:
    """One way to look addresses up, measured. Rates are addresses a second."""

    name: str
    addresses: int
    per_s: float
    per_cpu_s: float  # of all threads; what others do on the machine does not count
    opened_s: float  # until it could answer
    rss_mb: int  # of the process, at its largest so far


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Look up addresses, ours and geoip2's way.")
    parser.add_argument("--smoke", action="store_true", help="small sizes, to see that it runs")
    sizes = SMOKE if parser.parse_args(arguments).smoke else FULL
    print(f"{machine()}\n")
    rows = locate_rows(sizes)
    print_rows(rows)
    print_verdicts(locate_verdicts(rows))


def locate_rows(sizes: Sizes = FULL) -> list[LocateRow]:
    """All ways, each on the same addresses: the bundled databases, a City file, and geoip2."""
    rng = np.random.default_rng(SEED)
    started = time.perf_counter()
    bundled = open_pack()
    opened_s = time.perf_counter() - started
    networks = draw_networks(bundled, sizes.networks, rng)
    asked = draw_addresses(networks, sizes, rng)
    rows = [_ours("bundled, places", bundled.locate, asked, opened_s)]
    started = time.perf_counter()
    whole = open_locator(None)
    opened_s = time.perf_counter() - started
    rows.append(_ours("bundled, places and networks", whole.locate, asked, opened_s))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "city.mmdb"
        write_city_file(path, networks, bundled)
        started = time.perf_counter()
        city = MmdbLocator.open(path)
        opened_s = time.perf_counter() - started
        rows.append(_ours("City file, first time", city.locate, asked, opened_s, rounds=1))
        rows.append(_ours("City file", city.locate, asked, opened_s))
        rows.append(_geoip2(path, asked, sizes.geoip2))
    return rows


def locate_verdicts(rows: Sequence[LocateRow]) -> list[Verdict]:
    """The two figures that are promised, each of the slowest of our ways that it is about."""
    by_name = {row.name: row for row in rows}
    ours, theirs = by_name["City file, first time"], by_name["geoip2 .city()"]
    ratio, cpu_ratio = ours.per_s / theirs.per_s, ours.per_cpu_s / theirs.per_cpu_s
    slowest = min((by_name[name] for name in by_name if name != theirs.name), key=_per_s)
    return [
        Verdict(
            "one City file, beside geoip2's .city()",
            f">= {LEAST_RATIO:.0f} x",
            f"{ratio:.0f} x ({cpu_ratio:.0f} x by their own CPU)",
            ratio >= LEAST_RATIO,
        ),
        Verdict(
            "addresses located a second",
            f">= {LEAST_PER_S:,}",
            f"{slowest.per_s:,.0f} ({slowest.per_cpu_s:,.0f} a CPU second): {slowest.name}",
            slowest.per_s >= LEAST_PER_S,
        ),
    ]


def print_rows(rows: Sequence[LocateRow]) -> None:
    """Print the measured ways as a table."""
    print_table(
        ("way", "addresses", "a second", "a CPU second", "opened in s", "process MB"),
        [
            (
                row.name,
                f"{row.addresses:,}",
                f"{row.per_s:,.0f}",
                f"{row.per_cpu_s:,.0f}",
                f"{row.opened_s:.2f}",
                f"{row.rss_mb:,}",
            )
            for row in rows
        ],
    )


def draw_networks(
    pack: PackLocator, count: int, rng: np.random.Generator
) -> list[tuple[Network, int]]:
    """Networks of the bundled database, a sixth of them IPv6, with the rows of their places."""
    drawn: list[tuple[Network, int]] = []
    for table, wanted, width in (
        (pack.ranges.v4, count - count // 6, 32),
        (pack.ranges.v6, count // 6, 64),
    ):
        known = np.flatnonzero(table.rows[:-1])
        for at in rng.choice(known, size=wanted, replace=False).tolist():
            first, after = int(table.starts[at]), int(table.starts[at + 1])
            # One network of the range: a file of whole ranges would take minutes to write.
            drawn.append((_largest_network(first, after, width), int(table.rows[at])))
    return drawn


def _largest_network(first: int, after: int, width: int) -> Network:
    if width == 32:
        parts: Any = summarize_address_range(IPv4Address(first), IPv4Address(after - 1))
    else:
        low, high = IPv6Address(first << 64), IPv6Address((after << 64) - 1)
        parts = summarize_address_range(low, high)
    largest: Network = max(parts, key=lambda part: part.num_addresses)
    return largest


def draw_addresses(
    networks: Sequence[tuple[Network, int]], sizes: Sizes, rng: np.random.Generator
) -> bytes:
    """Packed addresses within the networks, both families mixed at random."""
    drawn = []
    for version, count in ((4, sizes.v4), (6, sizes.v6)):
        own = [network for network, _ in networks if network.version == version]
        starts = np.array([int(net.network_address) >> 64 * (version == 6) for net in own], "u8")
        bits = 32 if version == 4 else 64
        spans = np.array([1 << max(0, bits - net.prefixlen) for net in own], np.float64)
        at = rng.integers(0, len(own), count)
        keys = starts[at] + (rng.random(count) * spans[at]).astype(np.uint64)
        halves = np.zeros((count, 2), np.uint64)
        if version == 4:
            halves[:, 1] = keys | np.uint64(0xFFFF << 32)
        else:
            halves[:, 0], halves[:, 1] = keys, rng.integers(0, 1 << 63, count)
        drawn.append(halves)
    mixed = np.concatenate(drawn)
    rng.shuffle(mixed)
    return mixed.astype(">u8").tobytes()


def write_city_file(path: Path, networks: Sequence[tuple[Network, int]], pack: PackLocator) -> None:
    """Write the networks with their places as a GeoIP2-City file."""
    writer = mmdb_writer.MMDBWriter(
        6, "GeoIP2-City", languages=list(_NAMES), ipv4_compatible=True, description="benchmark"
    )
    places = pack.places.select("country", "city", "latitude", "longitude").rows()
    for network, row in sorted(networks, key=lambda pair: pair[0].prefixlen):
        writer.insert_network(netaddr.IPSet([str(network)]), _record(places[row]))
    writer.to_db_file(str(path))


def _record(place: tuple[Any, ...]) -> dict[str, Any]:
    country, city, latitude, longitude = place
    land = {"iso_code": country, "names": dict.fromkeys(_NAMES, f"Land {country}")}
    return {
        "city": {"names": {"en": city or "Nowhere"}},
        "continent": {"code": "EU", "names": dict.fromkeys(_NAMES, "Somewhere")},
        "country": land,
        "registered_country": land,
        "location": {
            "latitude": latitude,
            "longitude": longitude,
            "accuracy_radius": mmdb_writer.MmdbU16(20),
            "time_zone": "Europe/Paris",
        },
    }


def _ours(
    name: str,
    locate: Callable[[bytes], pl.DataFrame],
    asked: bytes,
    opened_s: float,
    *,
    rounds: int = 3,
) -> LocateRow:
    """The best of some rounds, since others may be working on the machine."""
    count = len(asked) // 16
    times = []
    for _ in range(rounds):
        wall, cpu = time.perf_counter(), time.process_time()
        frame = locate(asked)
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert len(frame) == count
        assert not (frame["country"] == UNKNOWN_COUNTRY).any()
    return _row(name, count, min(t for t, _ in times), min(c for _, c in times), opened_s)


def _geoip2(path: Path, asked: bytes, count: int) -> LocateRow:
    """The loop that one would write: an address at a time, as text."""
    texts = [str(packed16_to_address(asked[16 * i : 16 * i + 16])) for i in range(count)]
    started = time.perf_counter()
    with geoip2.database.Reader(path) as reader:
        opened_s = time.perf_counter() - started
        times = []
        for _ in range(3):
            wall, cpu = time.perf_counter(), time.process_time()
            for text in texts:
                said = reader.city(text)
                _ = (
                    said.country.iso_code,
                    said.city.name,
                    said.location.latitude,
                    said.location.longitude,
                    said.location.accuracy_radius,
                    said.location.time_zone,
                )
            times.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = min(t for t, _ in times), min(c for _, c in times)
    return _row("geoip2 .city()", count, wall, cpu, opened_s)


def _row(name: str, count: int, seconds: float, cpu_s: float, opened_s: float) -> LocateRow:
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return LocateRow(name, count, count / seconds, count / cpu_s, opened_s, rss_mb)


def _per_s(row: LocateRow) -> float:
    return row.per_s


if __name__ == "__main__":
    main()
