"""Reading config.txt of a workspace; each job does so when it starts, so that edits take effect."""

from __future__ import annotations

import os

from storage.workspace import Workspace
from swarm.errors import SettingsError
from swarm.settings import Settings, read_settings


def load_settings(workspace: Workspace) -> Settings:
    """The settings as config.txt and the environment say now; defaults where the file is missing.

    Raises:
        SettingsError: names file, line and key.
    """
    path = workspace.config_path
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from None
    return read_settings(text, file=str(path), environment=os.environ)
