"""A PostgreSQL for the tests: one that runs here, else a throwaway one of installed programs.

`SWARM_ATLAS_TEST_POSTGRESQL=postgresql://...` names one; without it, the usual socket and port are
tried, without a password. Everything happens in a database that is made, and dropped at the end.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from psycopg import sql

VARIABLE = "SWARM_ATLAS_TEST_POSTGRESQL"
_USUAL = ("postgresql:///postgres", "postgresql://postgres@127.0.0.1:5432/postgres")
_INITDB = ("--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
_START_S = 30.0


def is_there() -> bool:
    """Whether the tests can have one."""
    return _running() is not None or _programs() is not None


@contextmanager
def server() -> Iterator[str]:
    """The URL of a database of its own, on the server that runs or on a throwaway one."""
    running = _running()
    if running is not None:
        with _database(running) as url:
            yield url
    else:
        with _throwaway() as admin, _database(admin) as url:
            yield url


@contextmanager
def schema(url: str) -> Iterator[str]:
    """The URL of an empty schema within the database; dropped afterwards."""
    name = f"t{secrets.token_hex(8)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        try:
            yield _with_option(url, name)
        finally:
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def _with_option(url: str, name: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"


@cache
def _running() -> str | None:
    named = os.environ.get(VARIABLE)
    if named:
        return named  # one that is named must answer: no test is left out for it
    return next((url for url in _USUAL if _lets_us_in(url)), None)


def _lets_us_in(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            query = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            row = connection.execute(query).fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and bool(row[0])


@contextmanager
def _database(admin: str) -> Iterator[str]:
    name = f"swarm_atlas_test_{secrets.token_hex(6)}"
    head, question, options = admin.partition("?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield f"{head.rpartition('/')[0]}/{name}{question}{options}"
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def _programs() -> Path | None:
    """The folder with initdb and postgres; Debian keeps it off the PATH."""
    found = shutil.which("postgres")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@contextmanager
def _throwaway() -> Iterator[str]:
    programs = _programs()
    assert programs is not None
    user = _unprivileged() if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="atlas-pg-"))  # short: it is the path of a socket too
    try:
        if user is not None:
            shutil.chown(folder, user)
        store = folder / "store"
        subprocess.run(
            [programs / "initdb", "--pgdata", store, "--username=postgres", *_INITDB],
            user=user,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        settings = ["--listen_addresses=", f"--unix_socket_directories={folder}", "--fsync=off"]
        process = subprocess.Popen(
            [programs / "postgres", "-D", store, *settings],
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            admin = f"postgresql:///postgres?host={folder}&user=postgres"
            _wait_for(admin, process)
            yield admin
        finally:
            process.send_signal(signal.SIGINT)  # it ends its connections, then itself
            process.wait(timeout=_START_S)
    finally:
        shutil.rmtree(folder)


def _unprivileged() -> str:
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while not _lets_us_in(url):
        assert process.poll() is None, "postgres ended at once"
        assert time.monotonic() < deadline, "postgres does not answer"
        time.sleep(0.05)
