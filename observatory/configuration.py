"""Reading config.txt, optout.txt and canaries.txt of a workspace, and opening what they name.

Each job does so when it starts, so that edits take effect.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from crawler.canaries import Canaries, read_canaries
from crawler.optout import Network, read_optout
from storage.workspace import Workspace
from swarm.errors import SettingsError
from swarm.settings import Settings, read_database_url, read_settings

if TYPE_CHECKING:
    from storage.catalogue import Catalogue


def load_settings(workspace: Workspace) -> Settings:
    """The settings as config.txt and the environment say now; defaults where the file is missing.

    Raises:
        SettingsError: names file, line and key.
    """
    path = workspace.config_path
    return read_settings(_text_of(path), file=str(path), environment=os.environ)


def open_catalogue(workspace: Workspace) -> Catalogue:
    """The catalogue of the workspace: the database that config.txt names, else a file in runs/.

    Raises:
        StorageError: it is no catalogue, another workspace's, too new, or does not answer.
    """
    from storage.catalogue import Catalogue  # SQLAlchemy stays out of `--help`

    path = workspace.config_path
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    url = read_database_url(text, environment=os.environ)
    if not url:
        return Catalogue(workspace.catalogue_path)
    return Catalogue(url, owner=workspace.identity())


def load_optout(workspace: Workspace) -> tuple[Network, ...]:
    """The networks that are never contacted, as optout.txt says now; none if it is missing.

    Raises:
        SettingsError: names file and line.
    """
    path = workspace.optout_path
    return read_optout(_text_of(path), file=str(path))


def load_canaries(workspace: Workspace) -> Canaries:
    """The peers that canaries.txt knows now; none if it is missing.

    Raises:
        SettingsError: names file and line.
    """
    path = workspace.canaries_path
    return read_canaries(_text_of(path), file=str(path))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
