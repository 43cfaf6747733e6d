"""The secret key behind pseudonyms: made once per workspace, readable by its owner only."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from storage.durable import write_durably
from swarm.errors import StorageError

KEY_BYTES = 32


def load_or_make_key(path: Path) -> bytes:
    """The 32-byte key of this installation; made with mode 600 where there is none yet.

    Raises:
        StorageError: the file is there but holds no key.
    """
    if not path.exists():
        write_durably(path, secrets.token_bytes(KEY_BYTES), mode=0o600)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise StorageError(
            f"{path} holds {len(key)} bytes, not a key of {KEY_BYTES}: restore it from a backup, "
            "or delete it to have a new one made (older runs then no longer share pseudonyms)"
        )
    return key


def replace_key(path: Path) -> bytes:
    """A new key in the place of the old one, as one step.

    Raises:
        StorageError: the disk refuses; the old key stands.
    """
    key = secrets.token_bytes(KEY_BYTES)
    write_durably(path, key, mode=0o600)
    return key


def key_id(key: bytes) -> str:
    """What runs name their key by; those that name the same one share pseudonyms."""
    return hashlib.blake2b(key, digest_size=8, person=b"atlas key id").hexdigest()
