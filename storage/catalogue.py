"""The catalogue: torrents, runs and jobs as SQL tables, through SQLAlchemy.

Torrents and runs are rows about files, and can be made again from them; jobs live here alone.
SQLite in WAL mode: the page reads while a worker writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Engine,
    create_engine,
    delete,
    event,
    func,
    select,
    update,
)
from sqlalchemy.exc import DatabaseError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from storage.manifest import Manifest
from storage.torrents import KeptTorrent
from swarm.errors import JobRefused, StorageError


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC times in Python, naive UTC in SQL (SQLite has no time zones)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: object) -> datetime | None:
        """To SQL: only aware times are taken."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: object) -> datetime | None:
        """From SQL."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The tables of the catalogue."""

    type_annotation_map = {datetime: UtcDateTime, dict[str, Any]: JSON}  # noqa: RUF012 (SQLAlchemy's name)


class TorrentRow(Base):
    """A .torrent file of bulkTorrents/."""

    __tablename__ = "torrents"
    infohash: Mapped[str] = mapped_column(primary_key=True)  # 40 hex digits
    infohash_v2: Mapped[str | None]  # 64 hex digits
    file_name: Mapped[str]
    name: Mapped[str]
    size_bytes: Mapped[int]
    file_count: Mapped[int]
    category: Mapped[str | None]
    language: Mapped[str | None]
    added_at: Mapped[datetime]


class RunRow(Base):
    """A run of runs/; the manifest is the record, this row is for listing."""

    __tablename__ = "runs"
    run_id: Mapped[str] = mapped_column(primary_key=True)
    manifest: Mapped[dict[str, Any]]


class JobRow(Base):
    """A job, from the click to its end. At most one is active: the unique index on `active`."""

    __tablename__ = "jobs"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    kind: Mapped[str]
    state: Mapped[str]
    active: Mapped[bool | None] = mapped_column(unique=True)  # True, or NULL once it ended
    arguments: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    doing: Mapped[str] = mapped_column(default="")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message: Mapped[str | None]
    report: Mapped[dict[str, Any] | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)


class Catalogue:
    """One open catalogue. Every method is one transaction."""

    def __init__(self, path: Path) -> None:
        """Open the database, making it where there is none.

        Raises:
            StorageError: the file is no database of ours.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._engine = _engine(path)
        try:
            Base.metadata.create_all(self._engine)
        except DatabaseError as error:
            reason = str(error.orig)
            if "not a database" not in reason and "malformed" not in reason:
                raise StorageError(f"{path} cannot be opened: {reason}") from None
            raise StorageError(
                f"{path} is no catalogue ({reason}): move it away; torrents and runs are read "
                "again from their files, only the list of past jobs is lost"
            ) from None

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    # --- torrents -----------------------------------------------------------------------------

    def put_torrent(self, kept: KeptTorrent, added_at: datetime) -> None:
        """Insert or replace the row of a torrent; its first `added_at` stays."""
        with self._session() as session:
            known = session.get(TorrentRow, kept.torrent.infohash.hex)
            session.merge(_torrent_row(kept, added_at if known is None else known.added_at))

    def replace_torrents(self, kept: list[KeptTorrent], added_at: datetime) -> None:
        """Make the table say what the folder holds."""
        with self._session() as session:
            known = {row.infohash: row.added_at for row in session.scalars(select(TorrentRow))}
            session.execute(delete(TorrentRow))
            session.add_all(
                _torrent_row(k, known.get(k.torrent.infohash.hex, added_at)) for k in kept
            )

    def torrents(self) -> list[TorrentRow]:
        """All torrents, oldest first."""
        with self._session() as session:
            order = (TorrentRow.added_at, TorrentRow.infohash)
            return list(session.scalars(select(TorrentRow).order_by(*order)))

    def count_torrents(self) -> int:
        """How many torrents there are."""
        with self._session() as session:
            return session.scalar(select(func.count()).select_from(TorrentRow)) or 0

    # --- runs ---------------------------------------------------------------------------------

    def put_run(self, manifest: Manifest) -> None:
        """Insert or replace the row of a run."""
        with self._session() as session:
            row = RunRow(run_id=manifest.run_id, manifest=manifest.model_dump(mode="json"))
            session.merge(row)

    def forget_run(self, run_id: str) -> None:
        """Remove the row of a run, if there is one."""
        with self._session() as session:
            session.execute(delete(RunRow).where(RunRow.run_id == run_id))

    def replace_runs(self, manifests: list[Manifest]) -> None:
        """Make the table say what runs/ holds."""
        with self._session() as session:
            session.execute(delete(RunRow))
            session.add_all(
                RunRow(run_id=m.run_id, manifest=m.model_dump(mode="json")) for m in manifests
            )

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
            raise StorageError(f"there is no job {job_id} in {self._path}")
        return row

    def active_job(self) -> JobRow | None:
        """The job that is queued or running, if any."""
        with self._session() as session:
            return session.scalar(select(JobRow).where(JobRow.active.is_(True)))

    def latest_job(self) -> JobRow | None:
        """The job that was started last."""
        with self._session() as session:
            return session.scalar(select(JobRow).order_by(JobRow.id.desc()).limit(1))

    def update_job(self, job_id: int, **values: object) -> bool:
        """Change fields of a job; the answer is whether somebody asked to cancel it."""
        with self._session() as session:
            session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))
            wanted = session.scalar(select(JobRow.cancel_requested).where(JobRow.id == job_id))
        return bool(wanted)


def _torrent_row(kept: KeptTorrent, added_at: datetime) -> TorrentRow:
    torrent = kept.torrent
    return TorrentRow(
        infohash=torrent.infohash.hex,
        infohash_v2=None if torrent.infohash_v2 is None else torrent.infohash_v2.hex(),
        file_name=kept.file_name,
        name=torrent.name,
        size_bytes=torrent.size_bytes,
        file_count=len(torrent.files),
        category=kept.category,
        language=kept.language,
        added_at=added_at,
    )


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine
