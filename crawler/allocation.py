"""Where a worker process gets its memory from: huge pages, if the system has them for the asking.

A crawl jumps about in a hundred megabytes of small objects, and with pages of 4 KB waits for the
page tables at every jump. glibc asks for pages of 2 MB if told to, Python's own allocator
does not. What is freed glibc keeps at hand, by size, so many pieces of each as it is told; beyond
its seven, each free and each new object takes a lock and a search. See docs/adr/0017.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
_FIRST_GLIBC = (2, 35)  # the first that knows the tunable
_KEPT_AT_HAND = 2000  # pieces of each size; more brings nothing
_ASKED_FOR = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": f"glibc.malloc.hugetlb=1:glibc.malloc.tcache_count={_KEPT_AT_HAND}",
}


def huge_pages(environment: Mapping[str, str]) -> dict[str, str]:
    """What to add to the environment of a Python process; nothing where it would not help.

    Whoever has set one of the variables is not overruled.
    """
    if _ASKED_FOR.keys() & environment.keys():
        return {}
    return dict(_ASKED_FOR) if _glibc() >= _FIRST_GLIBC and _has_huge_pages() else {}


def _glibc() -> tuple[int, ...]:
    """The version of the C library; (0,) if it is another than GNU's."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        return tuple(map(int, version.split("."))) if name == "glibc" else (0,)
    except ValueError:  # not a system that knows the name, or a version of its own kind
        return (0,)


def _has_huge_pages() -> bool:
    try:
        return "[never]" not in _HUGE_PAGES.read_text(encoding="ascii")
    except OSError:
        return False
