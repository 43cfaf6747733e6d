"""Templates of site definitions: `{{ .Name }}` stands for a value, and nothing else is possible.

A subset of the templates of Cardigann: no `if`, no `range`, no code.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

_BRACES = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NAME = re.compile(r"\s*\.([A-Za-z][A-Za-z0-9_.]*)\s*")
_MAX_TEMPLATE = 1_000


def names_in(template: str) -> frozenset[str]:
    """The names that a checked template fills in."""
    return frozenset(found[1] for found in map(_NAME.fullmatch, _BRACES.findall(template)) if found)


def check_template(template: object, known: Collection[str]) -> str:
    """The template itself, if it reads.

    Raises:
        ValueError: it is no text, or fills in something that is not known at its place.
    """
    if not isinstance(template, str) or not template:
        raise ValueError("needs a text")
    if len(template) > _MAX_TEMPLATE:
        raise ValueError(f"a text of {len(template)} characters; at most {_MAX_TEMPLATE}")
    allowed = ", ".join(f"{{{{ .{name} }}}}" for name in sorted(known)) or "nothing"
    for inside in _BRACES.findall(template):
        name = _NAME.fullmatch(inside)
        if name is None or name[1] not in known:
            raise ValueError(f"{{{{{inside[:60]}}}}} cannot be filled in here; only {allowed} can")
    rest = _BRACES.sub("", template)
    if "{{" in rest or "}}" in rest:
        raise ValueError("has {{ or }} without its other half")
    return template


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with its values; a name that has none becomes nothing."""

    def value(braces: re.Match[str]) -> str:
        name = _NAME.fullmatch(braces[1])
        return values.get(name[1], "") if name else ""

    return _BRACES.sub(value, template)
