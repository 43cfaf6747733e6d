"""Getting one geolocation database over HTTP: bounded in bytes and time, checked, unpacked.

Nothing here touches the file that is in use.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import tarfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import IO

import httpx

from swarm.errors import GeolocationError
from swarm.settings import Settings

_MAX_PACKED_BYTES = 400_000_000  # GeoLite2 City has 30 MB, DB-IP City Lite 60 MB
_MAX_UNPACKED_BYTES = 1_500_000_000
_MAX_SHA256_BYTES = 1000
_DEADLINE_S = 900.0  # for one file, from connect to the last byte
_TIMEOUT = httpx.Timeout(30.0, connect=15.0)
_CHUNK_BYTES = 1 << 20
_DBIP_LINE = "the file of a month may be missing in its first days; try again then"
_SHA256 = re.compile(r"\s*([0-9a-f]{64})\b")


class FileAbsent(GeolocationError):
    """The server has no such file."""


class Downloads:
    """Asks MaxMind and DB-IP for files; a context manager. Redirects never carry the key along."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # It logs whole addresses, and those that MaxMind redirects to are signed.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            follow_redirects=True,
            max_redirects=5,
            trust_env=False,
            proxy=settings.http_proxy or None,
            headers={"User-Agent": "SwarmAtlas/0.1"},
        )

    def __enter__(self) -> Downloads:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def maxmind(self, edition: str, packed: Path) -> None:
        """Write the .tar.gz of an edition (`GeoLite2-City`) to `packed`, as its SHA-256 says.

        Raises:
            GeolocationError: no answer, a refusal, too long, too large, or another SHA-256.
        """
        key = self._settings.maxmind_licence_key.get_secret_value()
        auth = httpx.BasicAuth(self._settings.maxmind_account_id.get_secret_value(), key)
        url = f"{self._settings.maxmind_url}/geoip/databases/{edition}/download"
        said = self._bytes_of(f"{url}?suffix=tar.gz.sha256", _MAX_SHA256_BYTES, auth)
        expected = _SHA256.match(said.decode("ascii", "replace"))
        if expected is None:
            raise GeolocationError(f"{url}: its SHA-256 file holds none; try again later")
        digest = self._save(f"{url}?suffix=tar.gz", packed, auth)
        if digest != expected[1]:
            raise GeolocationError(f"{url}: the file is not what its SHA-256 says; try again")

    def dbip(self, edition: str, packed: Path, today: date) -> None:
        """Write the .mmdb.gz of an edition (`dbip-city-lite`) of this month, or the one before.

        Raises:
            GeolocationError: no answer, a refusal, too long, too large, or neither month is there.
        """
        before = today.replace(day=1) - timedelta(days=1)
        for month in (today, before):
            url = f"{self._settings.dbip_url}/free/{edition}-{month:%Y-%m}.mmdb.gz"
            try:
                self._save(url, packed, None)
            except FileAbsent:
                continue
            return
        raise GeolocationError(f"{url}: not there, nor that of {today:%B}; {_DBIP_LINE}")

    def _save(self, url: str, path: Path, auth: httpx.BasicAuth | None) -> str:
        """Write what stands at `url`; the SHA-256 of it."""
        digest, written = hashlib.sha256(), 0
        with path.open("wb") as file:
            for chunk in self._chunks(url, auth):
                written += len(chunk)
                if written > _MAX_PACKED_BYTES:
                    raise GeolocationError(f"{url}: more than {_MAX_PACKED_BYTES:,} bytes")
                digest.update(chunk)
                file.write(chunk)
        return digest.hexdigest()

    def _bytes_of(self, url: str, limit: int, auth: httpx.BasicAuth | None) -> bytes:
        whole = b""
        for chunk in self._chunks(url, auth):
            whole += chunk
            if len(whole) > limit:
                raise GeolocationError(f"{url}: more than {limit:,} bytes, where a line was asked")
        return whole

    def _chunks(self, url: str, auth: httpx.BasicAuth | None) -> Iterator[bytes]:
        started = time.monotonic()
        try:
            with self._client.stream("GET", url, auth=auth) as answer:
                _check_status(url, answer.status_code)
                for chunk in answer.iter_raw(_CHUNK_BYTES):
                    if time.monotonic() - started > _DEADLINE_S:
                        raise GeolocationError(f"{url}: not done after {_DEADLINE_S:g} s")
                    yield chunk
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Its own text may name the signed address of a redirect.
            raise GeolocationError(f"{url}: no whole answer ({type(error).__name__})") from None


def _check_status(url: str, status: int) -> None:
    if status == 404:
        raise FileAbsent(f"{url}: there is no such file (404)")
    if status in (401, 403):
        raise GeolocationError(
            f"{url}: refused ({status}). Check maxmind_account_id and maxmind_licence_key in "
            "config.txt, and that the account has accepted the GeoLite2 licence."
        )
    if status == 429:
        raise GeolocationError(f"{url}: asked too often today (429); try again tomorrow")
    if status != 200:
        raise GeolocationError(f"{url}: answered {status}; try again later")


def unpack_gzip(packed: Path, target: Path) -> None:
    """Write the content of a .gz to `target`.

    Raises:
        GeolocationError: it is no gzip, cut off, damaged (its CRC), or too large.
    """
    with _reading(packed), gzip.open(packed) as source:
        _copy(source, target)


def unpack_tar(packed: Path, target: Path) -> None:
    """Write the one .mmdb of a .tar.gz to `target`; nothing else of it is unpacked.

    Raises:
        GeolocationError: it is no such archive, cut off, damaged, too large, or holds no .mmdb.
    """
    with _reading(packed), tarfile.open(packed, mode="r|gz") as archive:
        for member in archive:
            source = archive.extractfile(member) if member.name.endswith(".mmdb") else None
            if source is not None:
                _copy(source, target)
                return
    raise GeolocationError("the archive holds no .mmdb")


@contextmanager
def _reading(packed: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, tarfile.TarError, zlib.error) as error:
        with packed.open("rb") as file:
            is_page = file.read(500).lstrip().startswith(b"<")
        what = "a web page came" if is_page else f"it is cut off or damaged ({error})"
        raise GeolocationError(f"no database: {what}; try again later") from None


def _copy(source: IO[bytes] | gzip.GzipFile, target: Path) -> None:
    written = 0
    with target.open("wb") as file:
        while chunk := source.read(_CHUNK_BYTES):
            written += len(chunk)
            if written > _MAX_UNPACKED_BYTES:
                raise GeolocationError(f"more than {_MAX_UNPACKED_BYTES:,} bytes when unpacked")
            file.write(chunk)
