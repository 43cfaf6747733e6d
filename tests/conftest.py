"""What needs a program that is not installed is left out, and said in the last lines.

Under CI nothing may be left out: there a missing program is an error.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import postgresql


def _on_path(*programs: str) -> Callable[[], bool]:
    return lambda: all(map(shutil.which, programs))


# marker -> whether what it needs is there, Debian packages that bring it
NEEDS = {
    "browser": (_on_path("chromium", "chromedriver"), "chromium chromium-driver"),
    "aria2": (_on_path("aria2c"), "aria2"),
    "opentracker": (_on_path("opentracker"), "opentracker"),
    "curl": (_on_path("curl"), "curl"),
    "transmission": (_on_path("transmission-daemon"), "transmission-daemon"),
    "postgresql": (postgresql.is_there, "postgresql"),
}
LEFT_OUT = pytest.StashKey[dict[str, int]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests whose programs are missing."""
    left_out: dict[str, int] = {}
    for marker, (is_there, packages) in NEEDS.items():
        needing = [item for item in items if item.get_closest_marker(marker) is not None]
        if not needing or is_there():
            continue
        for item in needing:
            item.add_marker(pytest.mark.skip(reason=f"needs {packages}"))
        left_out[packages] = len(needing)
    config.stash[LEFT_OUT] = left_out
    if left_out and os.environ.get("CI"):
        raise pytest.UsageError(f"CI leaves nothing out; install {', '.join(left_out)}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what was left out and how to get it."""
    for packages, count in config.stash.get(LEFT_OUT, {}).items():
        terminalreporter.write_line(
            f"{count} tests left out for want of a program. Get it: sudo apt install {packages}"
        )


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A PostgreSQL database of this session's own."""
    with postgresql.server() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where an empty catalogue can be: a SQLite file, then a schema of PostgreSQL."""
    if request.param == "sqlite":
        yield tmp_path / "catalogue.sqlite"
    else:
        with postgresql.schema(request.getfixturevalue("postgresql_url")) as url:
            yield url
