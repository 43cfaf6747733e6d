"""Torznab: what Jackett and Prowlarr add to RSS. Values in, values out; opens nothing.

It is RSS with repeated `<torznab:attr name= value=>` in each item, numbers for categories, and an
`<error code= description=>` in place of the feed. The older newznab has the same shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit

from lxml import etree

from scraper.feeds_xml import name_of

ERROR = "answers with error"  # how the refusal of an indexer begins
_MAX_ATTRIBUTES = 200
_MAX_VALUE = 8_192
# The first digit of a category's number, in our words; two subcategories of ours lie below others.
_CATEGORIES = {
    1: "Games",
    2: "Movies",
    3: "Music",
    4: "Software",
    5: "TV",
    7: "Books",
    8: "Other",
}
_SUBCATEGORIES = {4050: "Games", 5070: "Anime"}


def attributes(item: etree._Element) -> tuple[tuple[str, str], ...]:
    """All `attr` elements of an item as (name, value), in order, repeated ones included."""
    found = [
        (str(element.get("name")), str(element.get("value"))[:_MAX_VALUE])
        for element in item.iter()
        if name_of(element) == "attr" and element.get("name") and element.get("value") is not None
    ]
    return tuple(found[:_MAX_ATTRIBUTES])


def values(pairs: Sequence[tuple[str, str]], name: str) -> list[str]:
    """The values of one attribute, whatever the case of its name."""
    return [value for key, value in pairs if key.lower() == name]


def category_name(numbers: Sequence[str]) -> str | None:
    """The category that the numbers stand for; None for a tracker's own, from 100000 on."""
    known = [int(n) for n in numbers if n.isascii() and n.isdecimal() and len(n) == 4]
    for number in known:
        if number in _SUBCATEGORIES:
            return _SUBCATEGORIES[number]
    return next((_CATEGORIES[n // 1000] for n in known if n // 1000 in _CATEGORIES), None)


def refusal(root: etree._Element) -> str | None:
    """What an answer that is no feed says, as the end of "http://... "; None where it is one."""
    match name_of(root):
        case "error":
            code = " ".join(str(root.get("code") or "without a number").split())[:40]
            said = " ".join(str(root.get("description") or "no reason given").split())[:300]
            return f"{ERROR} {code}: {said}"
        case "caps":
            return "lists what the indexer can do (t=caps); ask it to search, t=search"
    return None


def search_address(url: str) -> str:
    """The address with `t=search` where it is a Torznab `/api` that was given without a task."""
    parts = urlsplit(url)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    if not parts.path.rstrip("/").endswith("/api") or any(name == "t" for name, _ in asked):
        return url
    return parts._replace(query=urlencode([("t", "search"), *asked])).geturl()
