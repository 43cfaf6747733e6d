"""The token that opens the page from other machines and lets programs start jobs.

Made once per workspace, readable by its owner only.
"""

from __future__ import annotations

import re
import secrets
import stat
from pathlib import Path

from storage.durable import write_durably
from swarm.errors import StorageError

_TOKEN_BYTES = 32
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)  # how 32 bytes look in URL-safe base64


def load_or_make_token(path: Path) -> tuple[str, bool]:
    """The token of this workspace, and whether it was made just now, with mode 600.

    Raises:
        StorageError: the file is there but holds no token, or others may read it.
    """
    made = not path.exists()
    if made:
        write_durably(path, secrets.token_urlsafe(_TOKEN_BYTES).encode() + b"\n", mode=0o600)
    try:
        mode, text = stat.S_IMODE(path.stat().st_mode), path.read_text(errors="replace").strip()
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}") from None
    if mode & 0o077:
        raise StorageError(
            f"{path} may be read by others (mode {mode:o}): delete it to have a new token made, or "
            f"chmod 600 it where you know that nobody did"
        )
    if not _TOKEN.fullmatch(text):
        raise StorageError(f"{path} holds no token of ours: delete it to have a new one made")
    return text, made
