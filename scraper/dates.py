"""Dates as sites write them: by a layout, or as "3 days ago". Pure; the present is an argument.

A layout is written as Go and Cardigann do: how the reference time, Monday 2 January 2006,
15:04:05, seven hours behind UTC, would look on the site.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

# The longer form first: "January" is no "Jan" followed by "uary".
_PARTS = {
    "January": "%B",
    "Jan": "%b",
    "Monday": "%A",
    "Mon": "%a",
    "2006": "%Y",
    "-07:00": "%z",
    "-0700": "%z",
    "Z07:00": "%z",
    "06": "%y",
    "01": "%m",
    "02": "%d",
    "_2": "%d",
    "15": "%H",
    "03": "%I",
    "04": "%M",
    "05": "%S",
    "PM": "%p",
    "pm": "%p",
    "1": "%m",
    "2": "%d",
    "3": "%I",
    "4": "%M",
    "5": "%S",
}
_PART = re.compile("|".join(map(re.escape, _PARTS)))

_DAY_S = 86_400
_UNITS_S = {
    name: seconds
    for names, seconds in (
        ("s sec secs second seconds", 1),
        ("m min mins minute minutes", 60),
        ("h hr hrs hour hours", 3600),
        ("d day days", _DAY_S),
        ("w wk wks week weeks", 7 * _DAY_S),
        ("mo mon mos month months", 30 * _DAY_S),
        ("y yr yrs year years", 365 * _DAY_S),
    )
    for name in names.split()
}
_AGO = re.compile(r"(?:([0-9]{1,6}(?:\.[0-9]{1,6})?)|\b(an?))\s*([a-z]+)", re.ASCII)


def strptime_format(layout: str) -> str:
    """The layout as `datetime.strptime` takes it.

    Raises:
        ValueError: it names no year, so it would not give a date.
    """
    if "yy" in layout.lower():
        raise ValueError(
            f"{layout[:40]!r} is not how the reference time looks; write 2006-01-02 for yyyy-MM-dd"
        )
    pattern = _PART.sub(lambda part: _PARTS[part[0]], layout.replace("%", "%%"))
    if "%Y" not in pattern and "%y" not in pattern:
        raise ValueError(
            f"{layout[:40]!r} names no year; write how Monday 2 January 2006, 15:04:05 would look"
        )
    return pattern


def parse_date(text: str, formats: tuple[str, ...]) -> str:
    """The date in ISO 8601, UTC, by the first `strptime` format that fits; "" where none does."""
    for pattern in formats:
        try:
            return utc(datetime.strptime(text.strip(), pattern)).isoformat()
        except (ValueError, OverflowError):
            continue
    return ""


def parse_ago(text: str, now: datetime) -> str:
    """The instant that "3 days, 2 hours ago" means at `now`, in ISO 8601; "" where it means none.

    A month counts 30 days, a year 365.
    """
    said = text.lower()
    age_s = _DAY_S if "yesterday" in said else 0.0
    known = age_s > 0 or re.search(r"\b(?:now|today)\b", said) is not None
    for amount, _, unit in _AGO.findall(said):
        if unit in _UNITS_S:
            age_s += float(amount or 1) * _UNITS_S[unit]
            known = True
    try:
        return utc(now - timedelta(seconds=age_s)).isoformat() if known else ""
    except OverflowError:
        return ""


def utc(at: datetime) -> datetime:
    """The instant in UTC; one without a zone is taken for UTC.

    Raises:
        OverflowError: it lies outside the years 1 to 9999 there.
    """
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
