"""The engine compiled to machine code, where somebody has built it (`make fast`).

The same source, typed Python, through mypyc: about half again as fast, and otherwise the same. What
was built from other source than lies here now is not used, so an edit counts at once; where
nothing was built, the worker processes run the source as it is. See docs/adr/0008.
"""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from hashlib import blake2b
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

# What a crawl spends its time in. Modules whose objects are pickled stay out: mypyc's frozen
# dataclasses cannot be.
MODULES = (
    "addresses", "agenda", "bep42", "candidates", "contact_order", "engine", "harvest", "honesty",
    "joining", "krpc", "lookup", "node_table", "outstanding", "pacing", "patience", "shell",
)  # fmt: skip


def build_dir() -> Path:
    """Where the build of the source as it is now belongs: beside this Python's own packages."""
    return Path(sys.prefix) / "lib" / "swarm-atlas-engine" / _fingerprint()


@cache
def import_root() -> Path | None:
    """The folder whose package `crawler` is the compiled one; None if none was built from this."""
    built = build_dir()
    return built if (built / "complete").exists() else None


def _fingerprint() -> str:
    """Changes with every module of the package, and with the Python that it is for."""
    hashed = blake2b(sysconfig.get_config_var("EXT_SUFFIX").encode(), digest_size=8)
    for path in sorted(PACKAGE.glob("*.py")):
        hashed.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return hashed.hexdigest()
