"""Filters of site definitions: small steps that make a value of what stands on a page. Pure.

The pages are hostile: a filter sees at most 10,000 characters, and patterns are run by RE2, whose
time grows with the text and never explodes, whatever pattern and page are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import re2

from scraper.dates import parse_ago, parse_date, strptime_format

MAX_TEXT = 10_000
_MAX_ARG = 500
_RE2 = re2.Options()
_RE2.log_errors = False

_Step = Callable[[str, datetime], str]
_GROUP = re.compile(r"\$(?:(\$)|(\d)|\{(\w+)\})")


@dataclass(frozen=True, slots=True)
class Filter:
    """One checked step; `args` are as written."""

    name: str
    args: tuple[str, ...]
    _step: _Step = field(repr=False, compare=False)

    def run(self, text: str, now: datetime) -> str:
        """What becomes of the text; "" where the step finds nothing in it."""
        readable = text[:MAX_TEXT].encode("utf-8", "replace").decode()  # RE2: no lone surrogate
        return self._step(readable, now)[:MAX_TEXT]


def apply_filters(filters: Iterable[Filter], text: str, now: datetime) -> str:
    """The text after all steps, in their order; never raises, whatever the text."""
    for step in filters:
        text = step.run(text, now)
    return text


def make_filter(raw: object) -> Filter:
    """Read one filter of a definition: `name`, and `args` that are absent, one text or a list.

    Raises:
        ValueError: the name is unknown, or the arguments do not fit it; says what would.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
        raise ValueError("a filter needs a name, and args below it where it takes any")
    unknown = sorted(set(raw) - {"name", "args"})
    if unknown:
        raise ValueError(f"a filter has name and args; {unknown[0]!r} is unknown")
    name, args = raw["name"], _args(raw.get("args"))
    if name not in _MAKERS:
        raise ValueError(f"unknown filter {name[:40]!r}; known: {', '.join(_MAKERS)}")
    fewest, most, form, make = _MAKERS[name]
    if not fewest <= len(args) <= most:
        raise ValueError(f"{name} takes {form}, not {len(args)} args")
    try:
        return Filter(name, args, make(args))
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _args(raw: object) -> tuple[str, ...]:
    given = [] if raw is None else raw if isinstance(raw, list) else [raw]
    texts = tuple(arg or "" for arg in given if isinstance(arg, str | None))
    if len(texts) < len(given) or any(len(text) > _MAX_ARG for text in texts):
        raise ValueError(f"args are one text or a list of texts, each up to {_MAX_ARG} characters")
    return texts


def _pattern(text: str) -> Any:
    try:
        return re2.compile(text, _RE2)
    except re2.error as error:
        why = error.args[0] if error.args else "it does not read"
        said = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        raise ValueError(f"{text[:60]!r} is no pattern for RE2: {said[:120]}") from None


def _regexp(args: tuple[str, ...]) -> _Step:
    pattern = _pattern(args[0])

    def step(text: str, _now: datetime) -> str:
        found = pattern.search(text)
        if found is None:
            return ""
        return (found[1] or "") if pattern.groups else found[0]

    return step


def _re_replace(args: tuple[str, ...]) -> _Step:
    pattern, replacement = _pattern(args[0]), args[1]
    for group in _GROUP.finditer(replacement):
        wanted = group[2] or group[3]
        if wanted and not _has_group(pattern, wanted):
            raise ValueError(f"{replacement[:40]!r} names a group that {args[0][:40]!r} lacks")

    def expand(found: Any) -> str:
        return _GROUP.sub(
            lambda g: (
                "$" if g[1] else found[int(w) if (w := g[2] or g[3]).isdecimal() else w] or ""
            ),
            replacement,
        )

    return lambda text, _now: str(pattern.sub(expand, text))


def _has_group(pattern: Any, wanted: str) -> bool:
    return int(wanted) <= pattern.groups if wanted.isdecimal() else wanted in pattern.groupindex


def _replace(args: tuple[str, ...]) -> _Step:
    old, new = args
    if not old:
        raise ValueError("the text to be replaced is empty")
    return lambda text, _now: text.replace(old, new)


def _querystring(args: tuple[str, ...]) -> _Step:
    def step(text: str, _now: datetime) -> str:
        try:
            return parse_qs(urlsplit(text).query).get(args[0], [""])[0]
        except ValueError:
            return ""

    return step


def _split(args: tuple[str, ...]) -> _Step:
    separator = args[0]
    if not separator:
        raise ValueError("the separator is empty")
    if not re.fullmatch(r"-?[0-9]{1,4}", args[1]):
        raise ValueError(f"{args[1][:20]!r} is no position; 0 is the first, -1 the last")
    position = int(args[1])

    def step(text: str, _now: datetime) -> str:
        parts = text.split(separator)
        return parts[position] if -len(parts) <= position < len(parts) else ""

    return step


def _dateparse(args: tuple[str, ...]) -> _Step:
    formats = tuple(map(strptime_format, args))
    return lambda text, _now: parse_date(text, formats)


# name -> fewest and most args, what they are, what makes a step of them
_MAKERS: Mapping[str, tuple[int, int, str, Callable[[tuple[str, ...]], _Step]]] = {
    "regexp": (1, 1, "a pattern", _regexp),
    "replace": (2, 2, "a text and what replaces it", _replace),
    "re_replace": (2, 2, "a pattern and what replaces it ($1 is its first group)", _re_replace),
    "append": (1, 1, "a text", lambda args: lambda text, _now: text + args[0]),
    "prepend": (1, 1, "a text", lambda args: lambda text, _now: args[0] + text),
    "querystring": (1, 1, "a parameter's name", _querystring),
    "split": (2, 2, "a separator and a position", _split),
    "trim": (
        0,
        1,
        "nothing, or the characters to cut",
        lambda args: lambda text, _now: text.strip(*args),
    ),
    "dateparse": (1, 8, "one layout or several, as 2006-01-02 15:04", _dateparse),
    "timeago": (0, 0, "nothing", lambda _args: parse_ago),
}
FILTER_NAMES = tuple(_MAKERS)
