"""Which page stands at which path. Pure: no request, no Dash."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from dashboard.page import Page

MOST_PATH_CHARACTERS = 1_000


def find_page(pages: Sequence[Page], path: str | None) -> tuple[Page, dict[str, str]] | None:
    """The page at `path` with the variables of its route; None where there is no such page.

    Fixed parts win over variables, whatever the order of the pages. A slash at the end is nothing.
    """
    parts = _parts(path or "/")
    if parts is None:
        return None
    found = [(page, taken) for page in pages if (taken := _match(page.route, parts)) is not None]
    return min(found, key=lambda pair: len(pair[1]), default=None)


def _parts(path: str) -> list[str] | None:
    if len(path) > MOST_PATH_CHARACTERS:
        return None
    trimmed = path.strip("/")
    return [unquote(part) for part in trimmed.split("/")] if trimmed else []


def _match(route: str, parts: Sequence[str]) -> dict[str, str] | None:
    wanted = [part for part in route.split("/") if part]
    if len(wanted) != len(parts):
        return None
    taken = {}
    for want, part in zip(wanted, parts, strict=True):
        if want.startswith("<"):
            taken[want.strip("<>")] = part
        elif want != part:
            return None
    return taken
