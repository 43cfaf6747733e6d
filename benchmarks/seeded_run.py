"""A made-up run of any size, the same for the same seed: what storage and analysis are measured on.

Sizes of swarms, of cities and of networks follow power laws, as the literature finds them. A peer
has one address, so one place and one network, in however many swarms it is. Parts are made one
after the other, so that the run may be larger than memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.place_code import place_code
from storage.manifest import Manifest, RunCounts, RunKind, RunState
from storage.runs import RunWriter
from swarm.columns import OUTCOME_COLUMNS, SIGHTING_COLUMNS, SWARM_COLUMNS, polars_schema
from swarm.sighting import Source

STARTED_AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
PART_ROWS = 1_000_000
_CITIES = 30_000
_COUNTRIES = 150
_NETWORKS_EACH = 40  # a country's networks
_NETWORKS = _COUNTRIES * _NETWORKS_EACH
_CATEGORIES = ("Movies", "Music", "Books", "Software", "Games", "Lectures", "Maps", "Other")
_SOURCES = ((Source.DHT, 1), (Source.DHT, 3), (Source.TRACKER, 2), (Source.PEX, 4), (Source.DHT, 5))
_Numbers = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Scale:
    """How big a run: rows, swarms, and peers that there are to choose from."""

    sightings: int
    swarms: int
    seed: int = 7

    @property
    def peers(self) -> int:
        """So many that a peer is in two to three swarms."""
        return max(1_000, self.sightings * 2 // 5)


def write_run(runs_dir: Path, scale: Scale, run_id: str = "20261101-120000-beac") -> Path:
    """Write the whole run through the real writer; its folder."""
    manifest = Manifest(
        run_id=run_id,
        kind=RunKind.CRAWL,
        state=RunState.RUNNING,
        world="bench",
        started_at=STARTED_AT,
        code_version="bench",
        settings={},
        database=None,
        addresses_stored=False,
    )
    writer = RunWriter(runs_dir, manifest, swarm_table(scale))
    done = peers = 0
    for sightings, outcomes in parts(scale):
        done, peers = done + len(outcomes), peers + len(sightings)
        counts = RunCounts(swarms_total=scale.swarms, swarms_done=done, peers=peers)
        writer.add(sightings, outcomes, counts)
    writer.finish(RunState.COMPLETE, STARTED_AT, "Made up.", writer.manifest.counts)
    return writer.folder


def swarm_table(scale: Scale) -> pl.DataFrame:
    """SWARM_COLUMNS; torrent sizes are log-normal around 700 MB, one in a hundred unknown."""
    random = np.random.default_rng([scale.seed, 1])
    size_bytes = (random.lognormal(np.log(700e6), 1.6, scale.swarms)).astype(np.int64)
    unknown = random.random(scale.swarms) < 0.01
    categories = random.choice(_CATEGORIES, scale.swarms, p=_power_law(len(_CATEGORIES), 0.8))
    frame = pl.DataFrame({"swarm": np.arange(scale.swarms, dtype=np.uint32)}).with_columns(
        infohash=pl.format("{}", pl.col("swarm")).str.zfill(40),
        name=pl.format("Torrent {}", pl.col("swarm")),
        size_bytes=pl.when(~pl.Series(unknown)).then(pl.Series(size_bytes)),
        category=pl.Series(categories.tolist()),
    )
    return _with_nulls(frame, polars_schema(SWARM_COLUMNS))


def parts(scale: Scale, rows: int = PART_ROWS) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Sightings and outcomes, part by part; swarms in order, each (swarm, peer) once."""
    sizes = _whole_shares(scale.sightings, _power_law(scale.swarms, 0.8))
    sizes = np.random.default_rng([scale.seed, 2]).permutation(sizes)
    ends = np.cumsum(sizes)
    geography = _Geography(scale.seed)
    for start in range(0, scale.sightings, rows):
        row = np.arange(start, min(start + rows, scale.sightings), dtype=np.int64)
        swarm = np.searchsorted(ends, row, side="right")
        # Within a swarm the numbers run on, so that no peer is in it twice.
        rank = row - (ends[swarm] - sizes[swarm])
        first = _mixed(swarm.astype(np.uint64) + np.uint64(scale.seed << 32))
        peer = (first + rank.astype(np.uint64)) % np.uint64(scale.peers)
        ended = np.flatnonzero((ends > start) & (ends <= start + len(row)))
        yield geography.sightings(swarm, peer, row), _outcomes(ended, sizes[ended])


class _Geography:
    """Cities and networks, and who lives where."""

    def __init__(self, seed: int) -> None:
        random = np.random.default_rng([seed, 3])
        letters = [a + b for a in "ABCDEFGHIJKLM" for b in "ABCDEFGHIJKLM"][:_COUNTRIES]
        country = random.choice(_COUNTRIES, _CITIES, p=_power_law(_COUNTRIES, 1.0))
        self._country_of_city = country
        self._cities = pl.DataFrame(
            {
                "country": pl.Series(letters).gather(country),
                "city": [f"City {number}" for number in range(_CITIES)],
                "latitude": random.uniform(-60, 75, _CITIES).astype(np.float32),
                "longitude": random.uniform(-180, 180, _CITIES).astype(np.float32),
                "time_zone": [f"Zone/{number % 90}" for number in range(_CITIES)],
            }
        )
        coded = _with_nulls(self._cities, polars_schema(SIGHTING_COLUMNS)).select(
            place=place_code()
        )
        self._cities = self._cities.with_columns(coded)
        self._networks = pl.DataFrame(
            {
                "asn": np.arange(1, _NETWORKS + 1, dtype=np.uint32),
                "as_name": [f"Network {number}" for number in range(_NETWORKS)],
                "hosting": random.random(_NETWORKS) < 0.05,
            }
        )
        self._city_ends = np.cumsum(_power_law(_CITIES, 0.9))
        self._network_ends = np.cumsum(_power_law(_NETWORKS_EACH, 1.0))

    def sightings(
        self, swarm: npt.NDArray[np.int64], peer: _Numbers, row: npt.NDArray[np.int64]
    ) -> pl.DataFrame:
        """SIGHTING_COLUMNS of these peers in these swarms."""
        pseudonym = _mixed(peer)
        city = _drawn(self._city_ends, _mixed(pseudonym ^ np.uint64(1)))
        # Each network serves one country, most of whose peers are in a few of them.
        rank = _drawn(self._network_ends, _mixed(pseudonym ^ np.uint64(2)))
        network = self._country_of_city[city] * _NETWORKS_EACH + rank
        kind = (_mixed(pseudonym ^ row.astype(np.uint64)) % np.uint64(len(_SOURCES))).astype(int)
        seen_us = int(STARTED_AT.timestamp() * 1e6) + row * 10
        frame = pl.DataFrame(
            {
                "swarm": swarm.astype(np.uint32),
                "peer": pseudonym,
                "host": _mixed(peer ^ np.uint64(1 << 40)),
                "source": pl.Series([one.value for one, _ in _SOURCES]).gather(kind),
                "sources": np.array([bits for _, bits in _SOURCES], np.uint8)[kind],
                "told_by": _mixed(row.astype(np.uint64) % np.uint64(50_000)),
                "seen_at": pl.Series(seen_us).cast(pl.Datetime("us", "UTC")),
                "ip_version": np.where(peer % np.uint64(10) == 0, 6, 4).astype(np.uint8),
            }
        )
        placed = pl.concat([frame, self._cities[city], self._networks[network]], how="horizontal")
        return _with_nulls(placed, polars_schema(SIGHTING_COLUMNS))


def _outcomes(swarm: npt.NDArray[np.int64], peers: npt.NDArray[np.int64]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "swarm": swarm.astype(np.uint32),
            "state": ["complete"] * len(swarm),
            "queries": np.full(len(swarm), 18, np.uint32),
            "unique_peers": peers.astype(np.uint32),
            "ended_at": [STARTED_AT] * len(swarm),
            "estimate": peers * 1.02,
            "low": peers * 1.0,
            "high": peers * 1.05,
            "seeds": peers * 0.4,
            "seeds_low": peers * 0.35,
            "seeds_high": peers * 0.45,
        },
    )
    return _with_nulls(frame, polars_schema(OUTCOME_COLUMNS))


def _with_nulls(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    missing = [pl.lit(None, dtype).alias(n) for n, dtype in schema.items() if n not in frame]
    return frame.with_columns(missing).select(list(schema)).cast(schema)


def _power_law(count: int, exponent: float) -> npt.NDArray[np.float64]:
    """Shares of ranks 1 to `count`, in proportion to rank**-exponent."""
    shares: npt.NDArray[np.float64] = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares /= shares.sum()
    return shares


def _whole_shares(total: int, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """`total` split by `shares` into whole numbers that add up to it."""
    edges = np.round(np.cumsum(shares) * total).astype(np.int64)
    return np.diff(edges, prepend=np.int64(0))


def _drawn(ends: npt.NDArray[np.float64], number: _Numbers) -> npt.NDArray[np.int64]:
    """The rank whose share of [0, 1) holds each number's fraction of 2**64."""
    found = np.searchsorted(ends, number.astype(np.float64) / 2.0**64, side="right")
    return np.minimum(found, len(ends) - 1)


def _mixed(number: _Numbers) -> _Numbers:
    """A bijection of 64-bit numbers that looks random: the finaliser of SplitMix64."""
    with np.errstate(over="ignore"):
        mixed = number + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))
