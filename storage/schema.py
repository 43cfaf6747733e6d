"""The catalogue's tables. Each change of one is a migration, see storage/migrations."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


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


class AnyText(TypeDecorator[str]):
    """Text that strangers wrote, as names of torrents are: PostgreSQL refuses NUL in it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: object) -> str | None:
        """To SQL, with U+FFFD for NUL on both databases alike."""
        return None if value is None else value.replace("\0", "\ufffd")


class Base(DeclarativeBase):
    """The tables of the catalogue."""

    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy's name)
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        str: AnyText,
    }


class TorrentRow(Base):
    """A .torrent file of bulkTorrents/."""

    __tablename__ = "torrents"
    infohash: Mapped[str] = mapped_column(primary_key=True)  # 40 hex digits
    infohash_v2: Mapped[str | None]  # 64 hex digits
    file_name: Mapped[str]
    name: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
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
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int | None] = mapped_column(BigInteger)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    message: Mapped[str | None]
    report: Mapped[dict[str, Any] | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)


class OwnerRow(Base):
    """The one workspace that a database on a server is the catalogue of."""

    __tablename__ = "owner"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # always 1
    workspace: Mapped[str]
