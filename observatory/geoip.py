"""`geoip status` and `geoip update`: which databases answer, how old they are, and newer ones."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import polars.exceptions

from analysis.addresses import split_addresses
from analysis.attribution import age_days, is_old
from analysis.locator import ASN_FILES, CITY_FILES
from analysis.mmdb import MmdbLocator
from analysis.mmdb_file import MmdbFile
from analysis.networks import NETWORK_FILES, MmdbNetworks
from analysis.pack import PACK_DIR, PACK_FILES
from analysis.ranges import count_ranges, read_build_of
from observatory.geoip_download import Downloads, unpack_gzip, unpack_tar
from observatory.geoip_provider import Provider
from storage.durable import ASIDE_PREFIX, replace_durably, sole_writer
from swarm.endpoint import address_to_packed16
from swarm.errors import GeolocationError, StorageError
from swarm.place import DatabaseBuild
from swarm.settings import Settings


class Question(StrEnum):
    """What a database answers."""

    PLACES = "places"
    NETWORKS = "networks"


@dataclass(frozen=True, slots=True)
class FoundDatabase:
    """One file that could answer, in the order in which they are looked for."""

    question: Question
    origin: str  # "config.txt", "geoip update", "bundled"
    path: Path
    is_used: bool
    name: str | None = None  # None where it does not read
    built_on: date | None = None
    age_days: int | None = None
    is_old: bool = False
    rows: int | None = None  # networks of an .mmdb, ranges of the bundled tables
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """What came of getting one database."""

    name: str  # of the file
    is_new: bool
    sentence: str


_OPEN: dict[Question, Callable[[Path], MmdbFile[Any]]] = {
    Question.PLACES: lambda path: MmdbLocator.open(path).file,
    Question.NETWORKS: lambda path: MmdbNetworks.open(path).file,
}
_PROBES = 20_000  # addresses that a new database must answer for without a damaged record
_BUNDLED = {Question.PLACES: PACK_FILES, Question.NETWORKS: NETWORK_FILES}
_EDITIONS = {
    Provider.MAXMIND: (("GeoLite2-City", Question.PLACES), ("GeoLite2-ASN", Question.NETWORKS)),
    Provider.DBIP: (("dbip-city-lite", Question.PLACES), ("dbip-asn-lite", Question.NETWORKS)),
}


def database_status(settings: Settings, folder: Path, today: date) -> list[FoundDatabase]:
    """All databases that are there, first those of places; the first of each kind is used."""
    named = {Question.PLACES: settings.geoip_city, Question.NETWORKS: settings.geoip_asn}
    names = {Question.PLACES: CITY_FILES, Question.NETWORKS: ASN_FILES}
    found = []
    for question in Question:
        candidates = [("config.txt", path) for path in (named[question],) if path is not None]
        paths = (folder / name for name in names[question])
        candidates += [("geoip update", path) for path in paths if path.exists()]
        for position, (origin, path) in enumerate(candidates):
            found.append(_look_at(question, origin, path, today, is_used=position == 0))
        found.append(_look_at_bundled(question, today, is_used=not candidates))
    return found


def _look_at(
    question: Question, origin: str, path: Path, today: date, *, is_used: bool
) -> FoundDatabase:
    try:
        file = _OPEN[question](path)
    except GeolocationError as error:
        return FoundDatabase(question, origin, path, is_used, problem=str(error))
    rows = file.tree.network_count
    return _found(question, origin, path, file.database, rows, today, is_used=is_used)


def _look_at_bundled(question: Question, today: date, *, is_used: bool) -> FoundDatabase:
    paths = [PACK_DIR / name for name in _BUNDLED[question]]
    try:
        build, rows = read_build_of(paths), count_ranges(paths[1:])
    except (OSError, KeyError, ValueError, polars.exceptions.PolarsError) as error:
        problem = f"it does not read ({error}): check the folder out again"
        return FoundDatabase(question, "bundled", PACK_DIR, is_used, problem=problem)
    return _found(question, "bundled", PACK_DIR, build, rows, today, is_used=is_used)


def _found(
    question: Question,
    origin: str,
    path: Path,
    build: DatabaseBuild,
    rows: int,
    today: date,
    *,
    is_used: bool,
) -> FoundDatabase:
    return FoundDatabase(
        question,
        origin,
        path,
        is_used,
        name=build.name,
        built_on=build.built_on,
        age_days=age_days(build, today),
        is_old=is_old(build, today),
        rows=rows,
    )


def default_provider(settings: Settings) -> Provider:
    """MaxMind where config.txt has account and key, else DB-IP, which needs none."""
    secrets = (settings.maxmind_account_id, settings.maxmind_licence_key)
    return Provider.MAXMIND if all(s.get_secret_value() for s in secrets) else Provider.DBIP


def update_databases(
    settings: Settings, folder: Path, provider: Provider, today: date
) -> list[Update]:
    """Get the provider's databases of places and of networks into `folder`.

    A file is put in the place of an older one when it reads and answers; until then, and if
    anything is wrong with it, the old one stands.

    Raises:
        GeolocationError: one cannot be got or does not read. Those before it are in place.
        StorageError: the disk refuses.
    """
    if provider is Provider.MAXMIND and default_provider(settings) is not Provider.MAXMIND:
        raise GeolocationError(
            "MaxMind needs an account: write maxmind_account_id and maxmind_licence_key into "
            "config.txt (free at https://www.maxmind.com/en/geolite2/signup), or use "
            "--source dbip, which needs none."
        )
    try:
        with sole_writer(folder), Downloads(settings) as downloads:
            for leftover in folder.glob(f"{ASIDE_PREFIX}*"):  # of an update that was killed
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            return [
                _update_one(downloads, folder, provider, edition, question, today)
                for edition, question in _EDITIONS[provider]
            ]
    except OSError as error:
        raise StorageError(f"cannot write in {folder}: {error.strerror or error}") from None


def _update_one(
    downloads: Downloads,
    folder: Path,
    provider: Provider,
    edition: str,
    question: Question,
    today: date,
) -> Update:
    target = folder / f"{edition}.mmdb"
    with tempfile.TemporaryDirectory(dir=folder, prefix=ASIDE_PREFIX) as scratch:
        packed, candidate = Path(scratch) / "packed", Path(scratch) / f"{edition}.mmdb"
        try:
            if provider is Provider.MAXMIND:
                downloads.maxmind(edition, packed)
                unpack_tar(packed, candidate)
            else:
                downloads.dbip(edition, packed, today)
                unpack_gzip(packed, candidate)
            fresh = _probe(question, candidate)
        except GeolocationError as error:
            kept = "the old one stays" if target.exists() else "nothing was changed"
            raise GeolocationError(f"{edition}: {kept}. {error}") from None
        old = _build_of(question, target)
        said = f"{fresh.name} of {fresh.built_on}"
        if old is not None and old.built_on and fresh.built_on and old.built_on >= fresh.built_on:
            return Update(target.name, False, f"{said} is what you have already ({old.built_on}).")

        def put(aside: Path) -> None:
            candidate.replace(aside)

        replace_durably(target, put)
    return Update(target.name, True, f"{said} is in place.")


def _build_of(question: Question, path: Path) -> DatabaseBuild | None:
    try:
        return _OPEN[question](path).database
    except GeolocationError:
        return None  # missing, or broken: then whatever reads is better


def _probe(question: Question, path: Path) -> DatabaseBuild:
    """Open the database and have it answer for addresses from all over it.

    Raises:
        GeolocationError: it does not read, holds something else, or a record is damaged.
    """
    file = _OPEN[question](path)
    chance = random.Random(_PROBES)
    asked = (IPv4Address(chance.getrandbits(32)) for _ in range(_PROBES))
    file.find(split_addresses(b"".join(map(address_to_packed16, asked))))
    return file.database
