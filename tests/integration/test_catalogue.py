"""storage.catalogue on SQLite and on PostgreSQL alike: rows, the one active job, migrations."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from observatory.configuration import open_catalogue
from storage.catalogue import Catalogue
from storage.database import SCHEMA_VERSION, open_database
from storage.manifest import RunState
from storage.schema import Base
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.errors import JobRefused, StorageError
from tests import frames, postgresql

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "bulkTorrents"
# What the version before migrations made, with a row in each table.
BEFORE_MIGRATIONS = """
CREATE TABLE jobs (id INTEGER NOT NULL, kind VARCHAR NOT NULL, state VARCHAR NOT NULL,
  active BOOLEAN, arguments JSON NOT NULL, created_at DATETIME NOT NULL, started_at DATETIME,
  ended_at DATETIME, heartbeat_at DATETIME, doing VARCHAR NOT NULL, done INTEGER NOT NULL,
  total INTEGER, counts JSON NOT NULL, message VARCHAR, report JSON,
  cancel_requested BOOLEAN NOT NULL, PRIMARY KEY (id), UNIQUE (active));
CREATE TABLE runs (run_id VARCHAR NOT NULL, manifest JSON NOT NULL, PRIMARY KEY (run_id));
CREATE TABLE torrents (infohash VARCHAR NOT NULL, infohash_v2 VARCHAR, file_name VARCHAR NOT NULL,
  name VARCHAR NOT NULL, size_bytes INTEGER NOT NULL, file_count INTEGER NOT NULL,
  category VARCHAR, language VARCHAR, added_at DATETIME NOT NULL, PRIMARY KEY (infohash));
INSERT INTO jobs VALUES (7, 'fetch', 'done', NULL, '{"resume": true}',
  '2026-11-21 12:00:00.000000', NULL, NULL, NULL, 'asking', 3, 9, '{"peers": 5}', 'Done.', NULL, 0);
INSERT INTO torrents VALUES ('aa', NULL, 'aa.torrent', 'film', 5000000000, 1, NULL, NULL,
  '2026-11-21 12:00:00.000000');
"""


@pytest.fixture
def catalogue(database: Path | str) -> Iterator[Catalogue]:
    with closing(Catalogue(database)) as opened:
        yield opened


def kept() -> list[KeptTorrent]:
    return [item for item in TorrentFolder(SHIPPED) if isinstance(item, KeptTorrent)]


def test_one_job_at_a_time(catalogue: Catalogue) -> None:
    """A second job is refused with a sentence that names the first, until that one ends."""
    first = catalogue.add_job("fetch", {}, frames.NOON)
    with pytest.raises(JobRefused, match=rf"job {first.id} \(fetch\) is still running"):
        catalogue.add_job("scrape", {}, frames.NOON)
    catalogue.update_job(first.id, active=None, state="done")
    assert catalogue.add_job("scrape", {}, frames.NOON).id > first.id


def test_jobs_are_listed_page_by_page(catalogue: Catalogue) -> None:
    """The latest first, with how many there are, however few of them are asked for."""
    for kind in ("fetch", "scrape", "purge"):
        catalogue.update_job(catalogue.add_job(kind, {}, frames.NOON).id, active=None)
    first, total = catalogue.jobs(offset=0, limit=2)
    rest, _ = catalogue.jobs(offset=2, limit=2)
    assert [job.kind for job in first + rest] == ["purge", "scrape", "fetch"]
    assert total == 3


def test_clicks_cannot_race(database: Path | str) -> None:
    """Of many starts at the same instant, upon a database that is still empty, exactly one wins."""

    def click(_: int) -> bool:
        with closing(Catalogue(database)) as opened:
            try:
                opened.add_job("fetch", {}, frames.NOON)
            except JobRefused:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(click, range(16))) == 1


_OPEN = """
import sys
from pathlib import Path
from storage.catalogue import Catalogue
print("ready", flush=True)
sys.stdin.readline()
where = sys.argv[1]
print(Catalogue(where if "://" in where else Path(where)).count_torrents())
"""


def test_processes_that_start_at_once_migrate_once(database: Path | str) -> None:
    """Of several processes that find no tables, one makes them and none fails."""
    opened = [
        subprocess.Popen(
            [sys.executable, "-c", _OPEN, str(database)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in opened:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    said = []
    for process in opened:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in opened:
        said.append(process.communicate(timeout=30)[0])
    assert said == ["0\n"] * 2


def test_update_tells_whether_to_cancel(catalogue: Catalogue) -> None:
    """A report to the table brings back the user's wish to stop."""
    job = catalogue.add_job("fetch", {"a": 1}, frames.NOON)
    assert not catalogue.update_job(job.id, doing="asking", done=3, counts={"peers": 7})
    assert catalogue.update_job(job.id, cancel_requested=True)
    row = catalogue.job(job.id)
    assert (row.doing, row.done, row.counts, row.arguments) == ("asking", 3, {"peers": 7}, {"a": 1})
    assert row.created_at == frames.NOON


def test_runs_are_listed_newest_first(catalogue: Catalogue) -> None:
    """Runs come back as their manifests, the last one first."""
    old = frames.manifest("20261120-120000-aaaa")
    new = frames.manifest("20261121-120000-bbbb", started_at=frames.NOON + timedelta(days=1))
    catalogue.put_run(old)
    catalogue.put_run(new)
    catalogue.put_run(old.model_copy(update={"state": RunState.COMPLETE}))
    assert [m.run_id for m in catalogue.runs()] == [new.run_id, old.run_id]
    assert catalogue.runs()[1].state is RunState.COMPLETE
    assert catalogue.latest_run_id() == new.run_id
    catalogue.forget_run(new.run_id)
    assert catalogue.latest_run_id() == old.run_id
    catalogue.replace_runs([new])
    assert [m.run_id for m in catalogue.runs()] == [new.run_id]


def test_torrents_keep_their_first_date(catalogue: Catalogue) -> None:
    """Reading the folder again changes no torrent's date of arrival."""
    found = kept()
    catalogue.replace_torrents(found, frames.NOON)
    catalogue.replace_torrents(found[1:], frames.NOON + timedelta(days=1))
    catalogue.put_torrent(found[1], frames.NOON + timedelta(days=2))
    rows = catalogue.torrents()
    assert len(rows) == catalogue.count_torrents() == len(found) - 1
    assert {row.added_at for row in rows} == {frames.NOON}


def test_many_may_keep_the_same_torrents(database: Path | str) -> None:
    """Processes that read the folder and take in torrents at the same time end in the same rows."""
    found = kept()

    def keep(number: int) -> None:
        with closing(Catalogue(database)) as opened:
            if number % 2:
                opened.replace_torrents(found, frames.NOON)
            else:
                for item in reversed(found):
                    opened.put_torrent(item, frames.NOON)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(keep, range(12)))
    with closing(Catalogue(database)) as opened:
        rows = {row.infohash for row in opened.torrents()}
    assert rows == {item.torrent.infohash.hex for item in found}


def test_odd_names_and_big_numbers_are_kept(catalogue: Catalogue) -> None:
    """A name with NUL, 20 TB and five billion done are rows like any other."""
    odd = replace(kept()[0].torrent, name="a\0b\u202e%s'", size_bytes=20 * 10**12)
    catalogue.put_torrent(KeptTorrent(odd, "x.torrent", "Movies > \0", None), frames.NOON)
    (row,) = catalogue.torrents()
    assert (row.name, row.category) == ("a\ufffdb\u202e%s'", "Movies > \ufffd")
    assert row.size_bytes == 20 * 10**12
    job = catalogue.add_job("fetch", {"name": "a\0b"}, frames.NOON)
    catalogue.update_job(job.id, done=5 * 10**9, total=6 * 10**9, doing="\0", counts={"a\0": 1})
    assert (catalogue.job(job.id).done, catalogue.job(job.id).counts) == (5 * 10**9, {"a\0": 1})


def test_migrations_make_the_tables_that_the_code_reads(database: Path | str) -> None:
    """After the last step nothing is missing and nothing is left over, and it is the last step."""
    engine = open_database(database)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []
        assert context.get_current_revision() == SCHEMA_VERSION
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(ROOT / "storage" / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA_VERSION]


def test_file_of_an_older_version_is_taken_over(tmp_path: Path) -> None:
    """A catalogue from before there were migrations keeps every row, and takes new ones."""
    path = tmp_path / "catalogue.sqlite"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(BEFORE_MIGRATIONS)
        manifest = frames.manifest().model_dump_json()
        old.execute("INSERT INTO runs VALUES (?, ?)", (frames.manifest().run_id, manifest))
        old.commit()
    with closing(Catalogue(path)) as opened:
        assert [row.size_bytes for row in opened.torrents()] == [5_000_000_000]
        assert opened.runs() == [frames.manifest()]
        assert (opened.job(7).message, opened.job(7).counts) == ("Done.", {"peers": 5})
        assert opened.add_job("fetch", {}, frames.NOON).id == 8
    with closing(Catalogue(path)) as again:  # and it is migrated for good
        assert again.count_torrents() == 1
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("SELECT version_num FROM alembic_version").fetchall() == [
            (SCHEMA_VERSION,)
        ]


def test_database_of_a_newer_version_is_refused(database: Path | str) -> None:
    """Tables of a version that we do not know are left as they are, and we say what to do."""
    Catalogue(database).close()
    engine = open_database(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(StorageError, match=r"newer Swarm Atlas \(tables of version 9999.*update"):
        Catalogue(database)


def test_foreign_file_is_named(tmp_path: Path) -> None:
    """A file that is no database is an error that says what is lost by moving it away."""
    path = tmp_path / "catalogue.sqlite"
    path.write_bytes(b"not a database, long enough to be read as a header" * 10)
    with pytest.raises(StorageError, match=r"catalogue\.sqlite is no catalogue"):
        Catalogue(path)


@pytest.mark.parametrize(
    "url", ["postgresql://u:hush@127.0.0.1:1/x", "postgresql://u:hush@[", "mysql://u:hush@h/x"]
)
def test_database_that_does_not_answer_is_named(url: str) -> None:
    """What is wrong with `database_url` is said without the password that stands in it."""
    with pytest.raises(StorageError, match="database_url") as caught:
        Catalogue(url)
    assert "hush" not in str(caught.value)


@pytest.mark.postgresql
def test_two_workspaces_never_share_a_database(postgresql_url: str, tmp_path: Path) -> None:
    """The second workspace is refused: it would take the first one's jobs for dead."""
    for name in ("one", "two"):
        (tmp_path / name / "runs").mkdir(parents=True)
        (tmp_path / name / "config.txt").write_text(f"wait=?\ndatabase_url={postgresql_url}\n")
    one, two = Workspace(tmp_path / "one"), Workspace(tmp_path / "two")
    open_catalogue(one).close()
    with closing(open_catalogue(one)) as again:
        again.add_job("fetch", {}, frames.NOON)
    with pytest.raises(StorageError, match="another workspace"):
        open_catalogue(two)


@pytest.mark.postgresql
def test_lost_connection_is_made_again(postgresql_url: str) -> None:
    """A server that ended our connections, as one that restarts does, is asked anew."""
    with postgresql.schema(postgresql_url) as url, closing(Catalogue(url)) as opened:
        job = opened.add_job("fetch", {}, frames.NOON)
        with psycopg.connect(postgresql_url, autocommit=True) as other:
            ours = "application_name = 'swarm-atlas' AND datname = current_database()"
            query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {ours}"
            assert other.execute(query).fetchall() == [(True,)]
        assert opened.job(job.id).state == "queued"
