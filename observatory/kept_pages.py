"""Keeps the listing pages on which a site definition found nothing, to be looked at.

Bounded: of each scrape at most five pages of at most 5 MB, and only those of the latest scrape.
"""

from __future__ import annotations

import logging
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from scraper.definition import SiteDefinition
from storage.workspace import Workspace

_MOST = 5
_MAX_BYTES = 5_000_000

log = logging.getLogger(__name__)


class KeptPages:
    """The pages of one scrape; nothing is touched before the first is kept."""

    def __init__(self, workspace: Workspace) -> None:
        self._folder = workspace.logs_dir / "pages"
        self._count = 0
        self.first: Path | None = None

    def keep(self, url: str, body: bytes) -> Path | None:
        """Write a page as `<host>-<n>.html`; its path, None where it was not kept.

        A page that cannot be written is logged and missed by nobody.
        """
        if self._count >= _MOST:
            return None
        try:
            if self._count == 0:
                self._empty()
            self._count += 1
            path = self._folder / f"{_host(url)}-{self._count}.html"
            path.write_bytes(body[:_MAX_BYTES])
        except OSError as error:
            log.warning("page not kept url=%s problem=%s", url, error)
            return None
        self.first = self.first or path
        return path

    def _empty(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob("*.html"):
            old.unlink(missing_ok=True)


def how_to_look(definition: SiteDefinition, page: Path, folder: Path) -> str:
    """The end of a sentence that shows how to see what the definition reads on a kept page.

    A definition that config.txt names relative to `folder`, the workspace, is named from there, so
    that the command holds wherever it is typed.
    """
    name = definition.argument
    if name != definition.id:
        name = str(folder / name)
    command = shlex.join(["sites", "check", name, "--page", str(page)])
    return f"see what it reads: python main.py {command}"


def _host(url: str) -> str:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    return re.sub(r"[^a-z0-9.-]+", "-", host.lower()).strip(".-")[:60] or "page"
