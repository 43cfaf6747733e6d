"""Says which system packages are missing, what works without them, and how to get them."""

from __future__ import annotations

import os
import shutil
import sys

# program, what it is for, Debian and Ubuntu packages; the first two are for users.
FOR_USE = (
    (
        ("chromium", "chromium-browser", "google-chrome"),
        "passing a site's challenge page",
        "chromium",
    ),
    (("chromedriver",), "passing a site's challenge page", "chromium-driver"),
)
FOR_TESTS = (
    (("aria2c",), "the test with a real aria2 peer", "aria2"),
    (("opentracker",), "the tests with a real tracker", "opentracker"),
    (("transmission-daemon",), "the test with a real transmission peer", "transmission-daemon"),
    (("pg_ctlcluster", "postgres"), "the tests of the catalogue on PostgreSQL", "postgresql"),
)


def main() -> int:
    """Print what is missing. With --for-tests and CI set, something missing is a failure."""
    for_tests = "--for-tests" in sys.argv[1:]
    wanted = FOR_USE + (FOR_TESTS if for_tests else ())
    missing = [
        (what, package) for names, what, package in wanted if not any(map(shutil.which, names))
    ]
    for what, package in missing:
        effect = "its tests are left out" if for_tests else "scraping without a browser still works"
        print(f"Not installed: {package} ({what}; {effect}). Get it: sudo apt install {package}")
    return 1 if missing and for_tests and os.environ.get("CI") else 0


if __name__ == "__main__":
    sys.exit(main())
