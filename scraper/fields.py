"""Takes a definition's fields out of an element of a page, as texts and as values. Pure.

Each value is a text that was found and filtered, or absent; what does not read as a size, a count
or a date is absent too.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from datetime import datetime

from lxml import html

from scraper.dates import utc
from scraper.definition_fields import FieldSpec
from scraper.document import text_of
from scraper.filters import apply_filters
from scraper.templates import fill, names_in
from swarm.infohash import InfoHash

_MAX_VALUE = 500
_MAX_BYTES = 2**62


def read_fields(
    element: html.HtmlElement,
    specs: Mapping[str, FieldSpec],
    now: datetime,
    facts: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The fields that the element gives, on one line each; the others are left out.

    Args:
        element: a row, or a whole page.
        specs: the fields; those with a fixed text may fill in fields that stand before them.
        now: what "3 days ago" counts from.
        facts: a page's table of facts, names in lower case.
    """
    found: dict[str, str] = {}
    for name, spec in specs.items():
        if spec.text is not None:
            value = _fixed(spec.text, found)
        elif spec.fact:
            value = next(((facts or {})[f] for f in spec.fact if f in (facts or {})), None)
        else:
            value = _standing(element, spec)
        if value is not None:
            value = apply_filters(spec.filters, value, now)
        value = " ".join((value or spec.default or "").split())
        if value:
            found[name] = value
    return found


def _fixed(text: str, found: Mapping[str, str]) -> str | None:
    values = {f"Result.{name}": value for name, value in found.items()}
    # An address with a hole in it leads nowhere.
    return fill(text, values) if names_in(text) <= values.keys() else None


def _standing(element: html.HtmlElement, spec: FieldSpec) -> str | None:
    place = spec.selector.first(element) if spec.selector else element
    if place is None:
        return None
    if spec.case:
        return next(
            (case.text for case in spec.case if case.selector.first(place) is not None), None
        )
    if spec.attribute:
        given: str | None = place.get(spec.attribute)
        return given
    if spec.remove and spec.remove.first(place) is not None:
        place = copy.deepcopy(place)
        for unwanted in spec.remove.all(place):
            if unwanted is not place and unwanted.getparent() is not None:
                unwanted.drop_tree()
    return text_of(place)


_SIZE = re.compile(
    r"([0-9][0-9.,\s']{0,30})\s*(?:([kmgtp])(i?)(b(?:ytes?)?)?\b|(b(?:ytes?)?\b)?)", re.I
)


def read_size(text: str | None) -> int | None:
    """A size in bytes: `1.4 GiB`, `1,400.5 MB` (by 1000), `700M` (by 1024, as `ls -h`), `12345`."""
    found = _SIZE.search(text or "")
    if found is None:
        return None
    number, unit, binary, with_b, _ = found.groups()
    amount = _amount(number)
    if amount is None:
        return None
    power = "bkmgtp".index((unit or "b").lower())
    size = amount * (1000 if with_b and not binary else 1024) ** power
    return round(size) if size < _MAX_BYTES else None


def _amount(number: str) -> float | None:
    digits = re.sub(r"[\s']", "", number).rstrip(".,")
    if re.fullmatch(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", digits):
        digits = digits.replace(",", "")
    elif re.fullmatch(r"[0-9]{1,3}(\.[0-9]{3}){2,}(,[0-9]+)?|[0-9]+,[0-9]+", digits):
        digits = digits.replace(".", "").replace(",", ".")
    return float(digits) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", digits) else None


def read_count(text: str | None) -> int | None:
    """A number of people or files: `1,204`; None where it is none."""
    digits = re.sub(r"[,.\s]", "", text or "")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None


def read_date(text: str | None) -> datetime | None:
    """An ISO 8601 date, as the filters dateparse and timeago leave it, in UTC."""
    try:
        return utc(datetime.fromisoformat((text or "").strip()))
    except (ValueError, OverflowError):
        return None


def read_infohash(text: str | None) -> InfoHash | None:
    """Forty hexadecimal digits; None where it is anything else."""
    try:
        return InfoHash.from_hex((text or "").strip())
    except ValueError:
        return None


def shortened(text: str | None) -> str | None:
    """What a person is shown of a text: at most 500 characters."""
    return text[:_MAX_VALUE] if text else None
