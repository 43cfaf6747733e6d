"""Finding the browser and its driver; what is missing is named with how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scraper.browser import BrowserPlan, find_browser
from swarm.errors import SiteError


def _program(path: Path, says: str) -> str:
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return str(path)


def _plan(folder: Path, binary: str | None, driver: str | None) -> BrowserPlan:
    return BrowserPlan(binary=binary, driver=driver, cache_dir=folder, in_container=False)


def test_a_fitting_pair_is_found(tmp_path: Path) -> None:
    """Version numbers are read from what the programs say of themselves."""
    binary = _program(tmp_path / "chromium", "Chromium 156.0.8078.79 built on Debian")
    driver = _program(tmp_path / "chromedriver", "ChromeDriver 156.0.8078.80 (abc)")
    found = find_browser(_plan(tmp_path, binary, driver))
    assert (found.binary, found.driver) == (Path(binary), Path(driver))
    assert (found.major, found.driver_version) == (156, "156.0.8078.80")


def test_a_missing_browser_names_the_packages(tmp_path: Path) -> None:
    """A path in config.txt that is no program: the key and the remedy are named."""
    with pytest.raises(SiteError, match=r"config.txt: browser.*apt install chromium chromium-dri"):
        find_browser(_plan(tmp_path, str(tmp_path / "none"), None))


def test_nothing_installed_names_the_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on PATH and nothing configured: what is missing and the remedy."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SiteError, match=r"Chromium was not found; install.*apt install"):
        find_browser(_plan(tmp_path, None, None))


def test_versions_that_differ_are_refused(tmp_path: Path) -> None:
    """A driver of another major version cannot drive the browser; both are named."""
    binary = _program(tmp_path / "chromium", "Chromium 156.0.1.2")
    driver = _program(tmp_path / "chromedriver", "ChromeDriver 155.0.1.2")
    with pytest.raises(SiteError, match=r"156\.0\.1\.2.*155\.0\.1\.2"):
        find_browser(_plan(tmp_path, binary, driver))


def test_a_program_without_version_is_refused(tmp_path: Path) -> None:
    """What does not tell its version is no browser."""
    binary = _program(tmp_path / "chromium", "hello")
    driver = _program(tmp_path / "chromedriver", "ChromeDriver 155.0.1.2")
    with pytest.raises(SiteError, match="does not tell its version"):
        find_browser(_plan(tmp_path, binary, driver))


def test_the_sandbox_goes_only_where_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary user outside a container keeps Chromium's sandbox."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert not _plan(tmp_path, None, None).no_sandbox
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert _plan(tmp_path, None, None).no_sandbox
