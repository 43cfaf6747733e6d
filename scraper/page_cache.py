"""Pages of earlier scrapes, kept so that what did not change is not sent again (RFC 9110, 13.1).

One bounded SQLite file in the workspace's cache folder, readable by its owner alone. Addresses
stand there as hashes: a feed's may hold a key. The file can be deleted at any time; where it cannot
be used it is done without.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path

from scraper.answers import Answer

log = logging.getLogger(__name__)

_ASKED_BY = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
_KEPT_HEADERS = (*_ASKED_BY, "content-type")
_MAX_ONE_BYTES = 2_000_000
_MAX_HEADER = 1_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS pages (
    address BLOB PRIMARY KEY, headers TEXT NOT NULL, body BLOB NOT NULL, used_ns INTEGER NOT NULL
) WITHOUT ROWID
"""
# What is beyond the bounds, counted from the page that was used last.
_TRIM = """
DELETE FROM pages WHERE address IN (
    SELECT address FROM (
        SELECT address, SUM(LENGTH(body)) OVER latest AS bytes, COUNT(*) OVER latest AS pages
        FROM pages WINDOW latest AS (ORDER BY used_ns DESC ROWS UNBOUNDED PRECEDING)
    ) WHERE bytes > ? OR pages > ?
)
"""


class PageCache:
    """Kept pages by address; `path` None keeps nothing. Use as a context manager.

    Beyond `max_bytes` of bodies or `max_pages`, those not used for longest go when it is closed.
    """

    def __init__(
        self, path: Path | None, *, max_bytes: int = 50_000_000, max_pages: int = 5_000
    ) -> None:
        self._max_bytes = max_bytes
        self._max_pages = max_pages
        self._store: sqlite3.Connection | None = None
        if path is not None:
            self._open(path)

    def __enter__(self) -> PageCache:
        return self

    def __exit__(self, *_: object) -> None:
        self._run(_TRIM, self._max_bytes, self._max_pages)
        if self._store is not None:
            self._store.close()

    def conditions(self, url: str) -> dict[str, str]:
        """The headers that ask for the page only if it changed; none where it is not kept."""
        kept = self._find(url)
        return {_ASKED_BY[name]: kept[0][name] for name in _ASKED_BY if kept and name in kept[0]}

    def unchanged(self, url: str) -> Answer | None:
        """The kept page, to be taken in place of a 304; marks it as used."""
        kept = self._find(url)
        if kept is None:
            return None
        self._run("UPDATE pages SET used_ns = ? WHERE address = ?", time.time_ns(), _key(url))
        return Answer(url, 200, *kept)

    def keep(self, answer: Answer) -> None:
        """Keep a page that tells how to ask whether it changed; any other is not kept."""
        headers = {
            name: answer.headers[name]
            for name in _KEPT_HEADERS
            if name in answer.headers and _can_be_sent(answer.headers[name])
        }
        private = "no-store" in answer.headers.get("cache-control", "").lower()
        if private or not _ASKED_BY.keys() & headers.keys() or len(answer.body) > _MAX_ONE_BYTES:
            return
        self._run(
            "INSERT OR REPLACE INTO pages VALUES (?, ?, ?, ?)",
            *(_key(answer.url), json.dumps(headers), answer.body, time.time_ns()),
        )

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._store = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            self._store.execute("PRAGMA synchronous = OFF")  # a lost page is asked for again
            self._store.execute(_SCHEMA)
        except (sqlite3.Error, OSError) as error:
            self._do_without(error)

    def _find(self, url: str) -> tuple[Mapping[str, str], bytes] | None:
        rows = self._run("SELECT headers, body FROM pages WHERE address = ?", _key(url))
        return (json.loads(rows[0][0]), rows[0][1]) if rows else None

    def _run(self, sql: str, *values: object) -> list[tuple[str, bytes]]:
        if self._store is None:
            return []
        try:
            return self._store.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            self._do_without(error)
            return []

    def _do_without(self, error: Exception) -> None:
        log.warning("page cache not used error=%s", error)
        if self._store is not None:
            self._store.close()
        self._store = None


def _can_be_sent(value: str) -> bool:
    """Whether it goes back in a header as it came; others would make a request impossible."""
    return value.isascii() and value.isprintable() and len(value) <= _MAX_HEADER


def _key(url: str) -> bytes:
    return hashlib.blake2b(url.encode(errors="surrogatepass"), digest_size=20).digest()
