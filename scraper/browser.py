"""Finds the browser and its driver, and keeps a private, patched copy of the driver.

undetected-chromedriver patches the driver file that it is given, so it never gets the packaged
one: a copy, named after its version, is patched once under a file lock and used from then on.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from swarm.errors import SiteError

_BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_DRIVERS = (
    "chromedriver",
    "/usr/lib/chromium/chromedriver",
    "/usr/lib/chromium-browser/chromedriver",
)
_HOW_TO_GET = "install them with: sudo apt install chromium chromium-driver"
_VERSION_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserPlan:
    """Which browser to use, and where its private files go.

    `binary` and `driver` None are searched for. `in_container` lifts Chromium's sandbox, which
    needs rights that containers withhold; it is lifted for root too, where it cannot work.
    """

    binary: str | None
    driver: str | None
    cache_dir: Path
    in_container: bool

    @property
    def no_sandbox(self) -> bool:
        """Whether Chromium must go without its sandbox here."""
        return self.in_container or os.geteuid() == 0


@dataclass(frozen=True, slots=True)
class InstalledBrowser:
    """A browser and a driver that fit each other; `major` is the version before the first dot."""

    binary: Path
    driver: Path
    major: int
    driver_version: str


def find_browser(plan: BrowserPlan) -> InstalledBrowser:
    """The browser and the driver that the plan names, or else those that are installed.

    Raises:
        SiteError: one of them is missing, does not start, or their versions differ.
    """
    binary = _find(plan.binary, _BROWSERS, "browser", "Chromium")
    driver = _find(plan.driver, _DRIVERS, "driver", "its driver (chromedriver)")
    version, driver_version = _version(binary), _version(driver)
    major = version.partition(".")[0]
    if major != driver_version.partition(".")[0]:
        raise SiteError(
            f"The site wants to see a real browser, but {binary} is version {version} and {driver} "
            f"is {driver_version}; they must be of the same major version: {_HOW_TO_GET}."
        )
    return InstalledBrowser(binary, driver, int(major), driver_version)


def _find(given: str | None, names: tuple[str, ...], key: str, what: str) -> Path:
    for name in (given,) if given else names:
        found = shutil.which(name)
        if found is not None:
            return Path(found)
    where = f"{given} (config.txt: {key}) is no program" if given else f"{what} was not found"
    raise SiteError(
        "The site wants to see a real browser before it lists anything, and "
        f"{where}; {_HOW_TO_GET}."
    )


def _version(program: Path) -> str:
    try:
        said = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SiteError(f"{program} does not start ({error}); {_HOW_TO_GET}.") from None
    match = re.search(r"\b(\d+(?:\.\d+)+)\b", said)
    if match is None:
        raise SiteError(f"{program} does not tell its version; {_HOW_TO_GET}.")
    return match[1]


def private_driver(installed: InstalledBrowser, cache_dir: Path) -> Path:
    """The path of the patched copy of the driver, made on first use; safe between processes.

    Raises:
        OSError: the cache directory cannot be written.
    """
    folder = cache_dir / "chromedriver"
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / f"chromedriver-{installed.driver_version}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not copy.exists():
            draft = copy.with_suffix(".draft")
            shutil.copyfile(installed.driver, draft)
            draft.chmod(0o700)
            _patch(draft, folder)
            draft.replace(copy)
    return copy


def _patch(driver: Path, folder: Path) -> None:
    from undetected_chromedriver import Patcher

    Patcher.data_path = str(folder)  # else it makes a folder in the user's home
    Patcher(executable_path=str(driver)).auto()
