"""Reading config.txt, optout.txt and canaries.txt of a workspace.

Each job does so when it starts, so that edits take effect.
"""

from __future__ import annotations

import os
from pathlib import Path

from crawler.canaries import Canaries, read_canaries
from crawler.optout import Network, read_optout
from storage.workspace import Workspace
from swarm.errors import SettingsError
from swarm.settings import Settings, read_settings


def load_settings(workspace: Workspace) -> Settings:
    """The settings as config.txt and the environment say now; defaults where the file is missing.

    Raises:
        SettingsError: names file, line and key.
    """
    path = workspace.config_path
    return read_settings(_text_of(path), file=str(path), environment=os.environ)


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
