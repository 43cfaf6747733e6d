"""What needs a program that is not installed is left out, and said in the last lines.

Under CI nothing may be left out: there a missing program is an error.
"""

from __future__ import annotations

import os
import shutil

import pytest

# marker -> programs it needs, Debian packages that bring them
NEEDS = {
    "browser": (("chromium", "chromedriver"), "chromium chromium-driver"),
    "aria2": (("aria2c",), "aria2"),
    "opentracker": (("opentracker",), "opentracker"),
    "transmission": (("transmission-daemon",), "transmission-daemon"),
}
LEFT_OUT = pytest.StashKey[dict[str, int]]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests whose programs are missing."""
    left_out: dict[str, int] = {}
    for marker, (programs, packages) in NEEDS.items():
        if all(map(shutil.which, programs)):
            continue
        for item in items:
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=f"needs {packages}"))
                left_out[packages] = left_out.get(packages, 0) + 1
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
