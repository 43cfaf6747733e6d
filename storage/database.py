"""The database behind the catalogue: a SQLite file, or PostgreSQL by URL; migrated when opened.

SQLite is in WAL mode: the page reads while a worker writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError

from storage.durable import sole_writer
from swarm.errors import StorageError
from swarm.settings import DATABASE_SCHEMES

SCHEMA_VERSION: Final = "0002"  # the newest step of storage/migrations
_BASELINE: Final = "0001"
_MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as every process takes the same one.
_PG_MIGRATION_LOCK: Final = 0x5A71A5
_WAIT_S: Final = 30  # for a lock of SQLite
_CONNECT_S: Final = 10  # for a server to answer


def open_database(where: Path | str) -> Engine:
    """Open a SQLite file (a path; made where there is none) or a PostgreSQL database (a URL).

    Raises:
        StorageError: it is no catalogue, is one of a newer version, or does not answer.
    """
    if isinstance(where, Path):
        where.parent.mkdir(parents=True, exist_ok=True)
        engine = _sqlite(where)
    else:
        engine = _postgresql(where)
    try:
        _migrate(engine)
    except DatabaseError as error:
        engine.dispose()
        raise StorageError(_why_not_opened(engine.url, str(error.orig).strip())) from None
    except StorageError:
        engine.dispose()
        raise
    return engine


def place_of(engine: Engine) -> str:
    """How to name the database to a person: its path, or its URL without the password."""
    return _shown(engine.url)


def _shown(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True).replace("postgresql+psycopg", "postgresql")


def _sqlite(path: Path) -> Engine:
    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": _WAIT_S})

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        # Turning a file to WAL makes a writer of a reader, for which SQLite never waits: of two
        # processes that meet a new file, one would be told at once that it is locked.
        with sole_writer(path.parent):
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine


def _postgresql(address: str) -> Engine:
    try:
        if not address.startswith(DATABASE_SCHEMES):
            raise ValueError("another kind of database")
        url = make_url(address).set(drivername="postgresql+psycopg")
        told = {"connect_timeout": _CONNECT_S, "application_name": "swarm-atlas"}
        return create_engine(url, pool_pre_ping=True, connect_args=told)
    except (ArgumentError, ValueError) as error:
        # The text of the error may repeat the address, and that holds a password.
        raise StorageError(
            f"database_url does not read ({type(error).__name__}): it is "
            "postgresql://user:password@host:5432/database"
        ) from None


def _migrate(engine: Engine) -> None:
    """Bring the tables to SCHEMA_VERSION; of many processes at once, one does it."""
    with engine.connect() as connection:
        if _version(connection) == SCHEMA_VERSION:
            return
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # A transaction that may write from its start: others wait here, not half-way.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_PG_MIGRATION_LOCK})"))
        version = _version(connection)
        if version != SCHEMA_VERSION:
            _upgrade(connection, version, _shown(engine.url))
        connection.commit()


def _version(connection: Connection) -> str | None:
    """None: there are no tables yet."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return None if version is None else str(version)
    # Made before there were migrations.
    return _BASELINE if {"torrents", "runs", "jobs"} <= tables else None


def _upgrade(connection: Connection, version: str | None, place: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    ours = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in ours:
        raise StorageError(
            f"{place} was written by a newer Swarm Atlas (tables of version {version}, this one "
            f"knows {SCHEMA_VERSION}): update this one, or move the catalogue away; torrents and "
            "runs are then read again from their files, only the list of past jobs is lost"
        )
    if version == _BASELINE:
        command.stamp(config, _BASELINE)
    command.upgrade(config, "head")


def _why_not_opened(url: URL, reason: str) -> str:
    place = _shown(url)
    if url.get_backend_name() != "sqlite":
        return (
            f"database_url {place} cannot be used: {reason}. Start it or mend database_url in "
            "config.txt; empty, the catalogue is a file in runs/"
        )
    if "not a database" in reason or "malformed" in reason:
        return (
            f"{place} is no catalogue ({reason}): move it away; torrents and runs are read "
            "again from their files, only the list of past jobs is lost"
        )
    return f"{place} cannot be opened: {reason}"
