"""commands: each start loads what its command needs, and not the libraries of all others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Each of them costs a start a tenth of a second or more, alone or with what it brings along.
HEAVY = frozenset(
    {
        *("alembic", "dash", "duckdb", "geoip2", "httpcore", "httpx", "libtorrent", "lxml"),
        *("maxminddb", "numpy", "plotly", "polars", "psycopg", "pyarrow", "selenium", "sqlalchemy"),
        *("trio", "undetected_chromedriver", "waitress", "yaml"),
    }
)
# `sys.argv` is the command line; what is loaded when it leaves is the last line of its output.
PROBE = """
import json, runpy, sys
try:
    runpy.run_path("main.py", run_name="__main__")
finally:
    sys.stdout.write("\\n" + json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(*arguments: str, code: int = 0) -> set[str]:
    """The heavy packages that `python main.py ARGUMENTS` has loaded when it ends with `code`."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == code, done.stderr
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "typer" in loaded
    return loaded & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        ("--version",),
        ("crawl", "--help"),
        ("lab", "--help"),
        ("runs", "list", "--help"),
        ("geoip", "update", "--help"),
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """What only a running command needs is not loaded to explain it."""
    assert loaded_by(*arguments) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("crawl", "--nonsense"),
        ("scrape", "-n", "0"),
        ("crawl", "zzz"),
        ("crawl", "00" * 20, "--out", "peers.txt"),
        ("metadata", "zzz"),
        ("runs", "list", "--workspace", "/nowhere"),
    ],
    ids=" ".join,
)
def test_wrong_usage_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    """What was typed wrongly is told before anything heavy is loaded."""
    assert loaded_by(*arguments, code=2) == set()


def test_the_archive_needs_tables_alone(tmp_path: Path) -> None:
    """Runs are listed and purged with the catalogue and polars; nothing that scrapes or crawls."""
    here = f"--workspace={tmp_path}"
    # The first start upon a new workspace makes the catalogue, by its migrations.
    assert loaded_by("runs", "list", here) <= {"alembic", "sqlalchemy", "polars"}
    assert loaded_by("runs", "list", here) <= {"sqlalchemy", "polars"}
    assert loaded_by("purge", "--yes", here) <= {"sqlalchemy", "polars"}
