"""Which code made a run: the release, and the commit where the checkout has one."""

from __future__ import annotations

import subprocess
from pathlib import Path

RELEASE = "0.1.0"


def code_version() -> str:
    """`0.1.0+1a2b3c4d5e6f`, `.dirty` behind it where files were edited; `0.1.0` without git."""
    root = Path(__file__).resolve().parent.parent
    try:
        said = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty=.dirty", "--abbrev=12"],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return RELEASE
    return f"{RELEASE}+{said}"
