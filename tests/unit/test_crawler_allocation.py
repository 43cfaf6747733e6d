"""crawler.allocation: when worker processes are told to ask for huge pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from crawler import allocation
from crawler.allocation import huge_pages

ASKED_FOR = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.tcache_count=2000",
}


@pytest.mark.parametrize(
    ("setting", "libc", "expected"),
    [
        ("always [madvise] never\n", "glibc 2.36", ASKED_FOR),
        ("[always] madvise never\n", "glibc 2.35", ASKED_FOR),
        ("always madvise [never]\n", "glibc 2.36", {}),
        (None, "glibc 2.36", {}),
        ("always [madvise] never\n", "glibc 2.34", {}),
        ("always [madvise] never\n", "musl 1.2", {}),
        ("always [madvise] never\n", None, {}),
    ],
)
def test_asks_where_kernel_and_libc_can_give(
    setting: str | None,
    libc: str | None,
    expected: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both must know it; without huge pages Python's own allocator is the better one."""
    enabled = tmp_path / "enabled"
    if setting is not None:
        enabled.write_text(setting)
    monkeypatch.setattr(allocation, "_HUGE_PAGES", enabled)
    monkeypatch.setattr("os.confstr", lambda _name: libc)
    assert huge_pages({"PATH": "/usr/bin"}) == expected
    assert huge_pages({"PYTHONMALLOC": "debug"}) == {}
    assert huge_pages({"GLIBC_TUNABLES": ""}) == {}


def test_a_system_without_that_name_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where `confstr` does not know the name, nothing is asked for."""

    def refuse(_name: str) -> str:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr("os.confstr", refuse)
    assert huge_pages({}) == {}
