"""Loads site definitions, shipped or the user's own, and words what is wrong with one.

Every problem names the file, the line and the key.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scraper.definition import SiteDefinition
from scraper.definition_text import MAX_BYTES, Lines, Location, Unreadable, read_plain_yaml
from swarm.errors import DefinitionError

SHIPPED_DIR = Path(__file__).parent / "sites"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def shipped_names() -> tuple[str, ...]:
    """The definitions that come with the program, by name."""
    return tuple(sorted(path.stem for path in SHIPPED_DIR.glob("*.yaml")))


def load_definition(name_or_path: str | Path, *, folder: Path | None = None) -> SiteDefinition:
    """A shipped definition by its name, or a file by its path.

    Args:
        name_or_path: `classic`, or `my-site.yaml`; a path has a slash or a suffix.
        folder: what a relative path is relative to; the working directory by default.

    Raises:
        DefinitionError: there is none, or it does not read; all problems, with line and key.
    """
    text = str(name_or_path)
    if _NAME.fullmatch(text):
        return _shipped(text)
    path = (folder or Path()) / text
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise DefinitionError(f"cannot read the site definition {text}: {why}") from None
    return read_definition(raw, file=text)


@cache
def _shipped(name: str) -> SiteDefinition:
    if name not in shipped_names():
        raise DefinitionError(
            f"there is no site definition {name!r}; shipped are {', '.join(shipped_names())}; "
            "a file of your own is named by its path, such as ./my-site.yaml"
        )
    return read_definition(
        (SHIPPED_DIR / f"{name}.yaml").read_bytes(), file=f"scraper/sites/{name}.yaml"
    )


def read_definition(raw: bytes, *, file: str) -> SiteDefinition:
    """A definition from the bytes of its file; `file` is how messages call it.

    Raises:
        DefinitionError: it does not read; all problems, with line and key.
    """
    try:
        values, lines = read_plain_yaml(raw)
    except Unreadable as error:
        where = file if error.line is None else f"{file}, line {error.line}"
        raise DefinitionError(f"{where}: {error}") from None
    if not isinstance(values, dict):
        raise DefinitionError(f"{file}, line 1: needs keys and values, such as id: my-site")
    try:
        return SiteDefinition.model_validate(values, context={"file": file})
    except ValidationError as error:
        problems = [_problem(file, dict(one), lines) for one in error.errors()]
        raise DefinitionError(*problems) from None


def _problem(file: str, error: dict[str, Any], lines: Lines) -> str:
    context = error.get("ctx") or {}
    at: Location = tuple(error["loc"])
    if "key" in context:
        at = (*at, context["key"])
    known = at
    while known not in lines:
        known = known[:-1]
    where = f"{file}, line {lines[known]}"
    return f"{where}: {_shown(at)}{_said(error)}"


def _shown(at: Location) -> str:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in at)
    return f"{key.removeprefix('.')}: " if key else ""


_WORDS = {
    "missing": "is missing",
    "string_type": "is no text",
    "string_too_short": "is empty",
    "tuple_type": "needs a list, lines that begin with -",
    "dict_type": "needs keys and values below it",
    "too_short": "needs at least one entry",
    "bool_parsing": "is neither yes nor no",
    "float_parsing": "is no number",
    "int_parsing": "is no whole number",
    "string_pattern_mismatch": "has only a to z, 0 to 9, - and _, at most 40",
}


def _said(error: dict[str, Any]) -> str:
    if error["input"] is None and error["type"] != "missing":
        return "is empty"
    message = str(error["msg"]).removeprefix("Value error, ")
    return _WORDS.get(error["type"], message)
