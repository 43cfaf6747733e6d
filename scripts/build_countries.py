"""Build analysis/countries.csv from the npm package world-countries (ODbL 1.0).

    python -m scripts.build_countries [TARBALL]

Without TARBALL it runs `npm pack` in a temporary directory. The same tarball gives the same file.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from analysis.countries import COUNTRIES_FILE

PACKAGE = "world-countries"
_JSON_MEMBER = "package/countries.json"
_MANIFEST_MEMBER = "package/package.json"
_LICENCE = """\
countries.csv is derived from {package} {version}, "List of world countries",
by Mohammed Le Doze and contributors, https://mledoze.github.io/countries/

Licence: Open Database License (ODbL) 1.0, https://opendatacommons.org/licenses/odbl/1-0/
This derived table is offered under the same licence.

Changes made: only the codes, the continent and the coordinates are kept; the region "Americas"
is divided into North America (with Central America and the Caribbean) and South America.
"""


def main(arguments: list[str] | None = None) -> int:
    """Write the table and its licence note."""
    parser = argparse.ArgumentParser(description="Build analysis/countries.csv.")
    parser.add_argument("tarball", nargs="?", type=Path, help=f"npm tarball of {PACKAGE}")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        tarball = options.tarball or _fetch(Path(scratch))
        with tarfile.open(tarball) as archive:
            countries = _read_json(archive, _JSON_MEMBER)
            version = _read_json(archive, _MANIFEST_MEMBER)["version"]
    rows = sorted(_row(country) for country in countries)
    with COUNTRIES_FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("iso2", "iso3", "continent", "latitude", "longitude"))
        writer.writerows(rows)
    licence = COUNTRIES_FILE.with_suffix(".LICENSE.txt")
    licence.write_text(_LICENCE.format(package=PACKAGE, version=version), encoding="utf-8")
    print(f"{COUNTRIES_FILE.name}: {len(rows)} countries")
    return 0


def _fetch(directory: Path) -> Path:
    subprocess.run(["npm", "pack", "--silent", PACKAGE], cwd=directory, check=True)
    return next(directory.glob("*.tgz"))


def _read_json(archive: tarfile.TarFile, member: str) -> Any:
    file = archive.extractfile(member)
    if file is None:
        raise ValueError(f"{PACKAGE} holds no {member}")
    return json.load(file)


def _row(country: dict[str, Any]) -> tuple[str, str, str, float, float]:
    continent = country["region"]
    if continent == "Americas":
        south = country["subregion"] == "South America"
        continent = "South America" if south else "North America"
    elif continent == "Antarctic":
        continent = "Antarctica"
    latitude, longitude = country["latlng"]
    return country["cca2"], country["cca3"], continent, round(latitude, 4), round(longitude, 4)


if __name__ == "__main__":
    sys.exit(main())
