"""Reads the YAML of a site definition: every scalar a text, every key with its line. Opens nothing.

A text file of its user's making, but perhaps passed on by a stranger: only plain YAML is read. No
anchors (a few of them unfold to gigabytes), no tags, bounded size and depth, no key twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MAX_BYTES = 200_000
_MAX_DEPTH = 16

Location = tuple[str | int, ...]
Lines = dict[Location, int]


class Unreadable(ValueError):
    """The text is no YAML of the plain kind; `line` counts from 1, None for the whole file."""

    def __init__(self, line: int | None, what: str) -> None:
        super().__init__(what)
        self.line = line


def read_plain_yaml(raw: bytes) -> tuple[Any, Lines]:
    """The document as dicts, lists, texts and None, and the line on which each of its parts begins.

    Scalars stay as they are written: `no`, `1.10` and `2006-01-02` are texts here.

    Raises:
        Unreadable: it is not UTF-8, too large or deep, or uses what plain YAML has not.
    """
    if len(raw) > MAX_BYTES:
        raise Unreadable(None, f"is larger than {MAX_BYTES // 1000} kB, so no site definition")
    try:
        text = raw.decode("utf-8-sig")
        _check_events(yaml.parse(text, Loader=yaml.SafeLoader))
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Unreadable(line, "has bytes that are not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(filter(None, (error.problem, error.context)))
        raise Unreadable(mark.line + 1 if mark else None, f"is no YAML: {what}") from None
    except yaml.YAMLError as error:
        raise Unreadable(None, f"is no YAML: {str(error).splitlines()[0]}") from None
    lines: Lines = {(): 1}
    return (None if root is None else _value(root, (), lines)), lines


def _check_events(events: Iterator[Any]) -> None:
    depth = 0
    for event in events:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unreadable(line, "uses an anchor or alias (& or *), which is not read here")
        if getattr(event, "tag", None):
            raise Unreadable(line, f"uses a tag ({event.tag[:40]}), which is not read here")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise Unreadable(line, f"is nested deeper than {_MAX_DEPTH}")


def _value(node: yaml.Node, at: Location, lines: Lines) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, at, lines)
    if isinstance(node, yaml.SequenceNode):
        found = []
        for i, entry in enumerate(node.value):
            lines[*at, i] = entry.start_mark.line + 1
            found.append(_value(entry, (*at, i), lines))
        return found
    return None if node.tag.endswith(":null") else node.value


def _mapping(node: yaml.MappingNode, at: Location, lines: Lines) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise Unreadable(line, "has a key that is no plain text")
        key = key_node.value
        if key in found:
            raise Unreadable(line, f"{key}: stands there already, in line {lines[*at, key]}")
        lines[*at, key] = line
        found[key] = _value(value_node, (*at, key), lines)
    return found
