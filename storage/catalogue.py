"""The catalogue: torrents, runs and jobs as rows of a database, through SQLAlchemy.

Torrents and runs are rows about files, and are made again from them; jobs live here alone
(docs/adr/0013-files-are-the-truth.md).
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from storage.database import open_database, place_of
from storage.manifest import Manifest
from storage.schema import Base, JobRow, OwnerRow, RunRow, TorrentRow
from storage.torrents import KeptTorrent
from swarm.errors import JobRefused, StorageError

_PARAMETERS_AT_ONCE = 1000  # both databases take more


class Catalogue:
    """One open catalogue. Every method is one transaction.

    Each may raise StorageError where the database is full, locked or gone; it says which.
    """

    def __init__(self, where: Path | str, *, owner: str | None = None) -> None:
        """Open a SQLite file (a path; made where there is none), or a PostgreSQL database (a URL).

        Args:
            where: path or URL.
            owner: the workspace's own name for itself; a database that serves another is refused.

        Raises:
            StorageError: it is no catalogue, another's, one of a newer version, or does not answer.
        """
        self._engine = open_database(where)
        # A command may end without closing; what is left open, PostgreSQL would wait for.
        self._dispose = weakref.finalize(self, self._engine.dispose)
        self.place = place_of(self._engine)
        if owner is not None:
            self._belong_to(owner)

    def close(self) -> None:
        """Give the connections back."""
        self._dispose()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with Session(self._engine, expire_on_commit=False) as session, session.begin():
                yield session
        except IntegrityError:
            raise
        except DBAPIError as error:
            reason = str(error.orig).strip()
            raise StorageError(f"the catalogue {self.place} refuses: {reason}") from error

    def _belong_to(self, owner: str) -> None:
        with self._session() as session:
            claim = _insert(session, OwnerRow).on_conflict_do_nothing()
            session.execute(claim, {"id": 1, "workspace": owner})
            present = session.scalar(select(OwnerRow.workspace))
        if present != owner:
            self.close()
            raise StorageError(
                f"{self.place} is the catalogue of another workspace: give each one a database, or "
                "a schema, of its own (database_url=...?options=-csearch_path%3DNAME)"
            )

    # --- torrents -----------------------------------------------------------------------------

    def put_torrent(self, kept: KeptTorrent, added_at: datetime) -> None:
        """Insert or replace the row of a torrent; its first `added_at` stays."""
        with self._session() as session:
            _upsert(session, TorrentRow, [_torrent_values(kept, added_at)], stays="added_at")

    def replace_torrents(self, kept: list[KeptTorrent], added_at: datetime) -> None:
        """Make the table say what the folder holds."""
        rows = [_torrent_values(k, added_at) for k in kept]
        with self._session() as session:
            _drop_others(session, TorrentRow, {row["infohash"] for row in rows})
            _upsert(session, TorrentRow, rows, stays="added_at")

    def torrents(self) -> list[TorrentRow]:
        """All torrents, oldest first."""
        with self._session() as session:
            order = (TorrentRow.added_at, TorrentRow.infohash)
            return list(session.scalars(select(TorrentRow).order_by(*order)))

    def torrent(self, infohash: str) -> TorrentRow | None:
        """The torrent of this infohash (40 digits); None where it is not collected."""
        with self._session() as session:
            return session.get(TorrentRow, infohash)

    def count_torrents(self) -> int:
        """How many torrents there are."""
        with self._session() as session:
            return session.scalar(select(func.count()).select_from(TorrentRow)) or 0

    # --- runs ---------------------------------------------------------------------------------

    def put_run(self, manifest: Manifest) -> None:
        """Insert or replace the row of a run."""
        with self._session() as session:
            _upsert(session, RunRow, [_run_values(manifest)])

    def forget_run(self, run_id: str) -> None:
        """Remove the row of a run, if there is one."""
        with self._session() as session:
            session.execute(delete(RunRow).where(RunRow.run_id == run_id))

    def replace_runs(self, manifests: list[Manifest]) -> None:
        """Make the table say what runs/ holds."""
        with self._session() as session:
            _drop_others(session, RunRow, {m.run_id for m in manifests})
            _upsert(session, RunRow, [_run_values(m) for m in manifests])

    def runs(self) -> list[Manifest]:
        """All runs, newest first."""
        with self._session() as session:
            rows = session.scalars(select(RunRow).order_by(RunRow.run_id.desc()))
            return [Manifest.model_validate(row.manifest) for row in rows]

    def latest_run_id(self) -> str | None:
        """The run that was started last."""
        with self._session() as session:
            return session.scalar(select(func.max(RunRow.run_id)))

    # --- jobs ---------------------------------------------------------------------------------

    def add_job(self, kind: str, arguments: Mapping[str, object], created_at: datetime) -> JobRow:
        """Insert a queued job.

        Raises:
            JobRefused: another job is active; the unique index decides, so two clicks cannot race.
        """
        row = JobRow(
            kind=kind,
            state="queued",
            active=True,
            arguments=dict(arguments),
            created_at=created_at,
            heartbeat_at=created_at,
        )
        try:
            with self._session() as session:
                session.add(row)
        except IntegrityError:
            active = self.active_job()
            what = f"job {active.id} ({active.kind})" if active else "another job"
            raise JobRefused(
                f"{what} is still running: wait until it ends, or cancel it first"
            ) from None
        return row

    def job(self, job_id: int) -> JobRow:
        """One job.

        Raises:
            StorageError: there is no such job.
        """
        with self._session() as session:
            row = session.get(JobRow, job_id)
        if row is None:
            raise StorageError(f"there is no job {job_id} in {self.place}")
        return row

    def active_job(self) -> JobRow | None:
        """The job that is queued or running, if any."""
        with self._session() as session:
            return session.scalar(select(JobRow).where(JobRow.active.is_(True)))

    def latest_job(self) -> JobRow | None:
        """The job that was started last."""
        with self._session() as session:
            return session.scalar(select(JobRow).order_by(JobRow.id.desc()).limit(1))

    def jobs(self, *, offset: int, limit: int) -> tuple[list[JobRow], int]:
        """Some jobs, the one that was started last first, and how many there are in all."""
        with self._session() as session:
            page = select(JobRow).order_by(JobRow.id.desc()).offset(offset).limit(limit)
            total = session.scalar(select(func.count()).select_from(JobRow)) or 0
            return list(session.scalars(page)), total

    def update_job(self, job_id: int, **values: object) -> bool:
        """Change fields of a job; the answer is whether somebody asked to cancel it."""
        with self._session() as session:
            session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))
            wanted = session.scalar(select(JobRow.cancel_requested).where(JobRow.id == job_id))
        return bool(wanted)


def _torrent_values(kept: KeptTorrent, added_at: datetime) -> dict[str, Any]:
    torrent = kept.torrent
    return {
        "infohash": torrent.infohash.hex,
        "infohash_v2": None if torrent.infohash_v2 is None else torrent.infohash_v2.hex(),
        "file_name": kept.file_name,
        "name": torrent.name,
        "size_bytes": torrent.size_bytes,
        "file_count": len(torrent.files),
        "category": kept.category,
        "language": kept.language,
        "added_at": added_at,
    }


def _run_values(manifest: Manifest) -> dict[str, Any]:
    return {"run_id": manifest.run_id, "manifest": manifest.model_dump(mode="json")}


def _insert(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    on_postgresql = session.get_bind().dialect.name == "postgresql"
    return postgresql.insert(table) if on_postgresql else sqlite.insert(table)


def _upsert(
    session: Session, table: type[Base], rows: Sequence[Mapping[str, Any]], *, stays: str = ""
) -> None:
    """Insert rows, or replace those with their key but for the column that `stays`."""
    if not rows:
        return
    insert = _insert(session, table)
    columns = table.__table__.columns
    fresh = {c.name: insert.excluded[c.name] for c in columns if c.name != stays}
    keys = [c.name for c in table.__table__.primary_key]
    session.execute(insert.on_conflict_do_update(index_elements=keys, set_=fresh), list(rows))


def _drop_others(session: Session, table: type[TorrentRow | RunRow], keep: set[str]) -> None:
    """Delete the rows with other keys, and be the table's one writer until the commit."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        session.execute(text(f"LOCK TABLE {table.__tablename__} IN SHARE ROW EXCLUSIVE MODE"))
    (key,) = table.__mapper__.primary_key
    gone = sorted(set(session.scalars(select(key))) - keep)
    for start in range(0, len(gone), _PARAMETERS_AT_ONCE):
        some = gone[start : start + _PARAMETERS_AT_ONCE]
        session.execute(delete(table).where(key.in_(some)))
