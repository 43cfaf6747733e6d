"""Filters of site definitions: what each makes of a text, and which arguments it refuses."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from scraper.fields import read_count, read_date, read_size
from scraper.filters import FILTER_NAMES, apply_filters, make_filter

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "args", "text", "expected"),
    [
        ("regexp", r"(\d+) of", "12 of 13", "12"),
        ("regexp", r"\d+", "a12b", "12"),
        ("regexp", r"x", "a12b", ""),
        ("regexp", r"(x)?a", "a", ""),
        ("replace", ["a", "b"], "banana", "bbnbnb"),
        ("replace", ["a", None], "banana", "bnn"),
        ("re_replace", [r"(\d+)-(?P<rest>\w+)", "${rest}:$1$$"], "12-ab", "ab:12$"),
        ("re_replace", [r"(x)?a", "[$1]"], "a", "[]"),
        ("append", ".torrent", "a", "a.torrent"),
        ("prepend", "/t/", "a", "/t/a"),
        ("querystring", "id", "index.php?x=1&id=a%20b&id=c", "a b"),
        ("querystring", "id", "http://[", ""),
        ("querystring", "id", "index.php", ""),
        ("split", ["/", "-1"], "a/b/c", "c"),
        ("split", ["/", "0"], "a/b/c", "a"),
        ("split", ["/", "3"], "a/b/c", ""),
        ("trim", None, "  a \n", "a"),
        ("trim", "[]", "[a]", "a"),
        ("dateparse", "2006-01-02", "2026-03-14", "2026-03-14T00:00:00+00:00"),
        ("dateparse", "Jan 2, 2006 3:04 PM", "Mar 4, 2026 1:05 PM", "2026-03-04T13:05:00+00:00"),
        (
            "dateparse",
            ["2006", "02/01/06 15:04:05 -07:00"],
            "14/03/26 01:00:00 +02:00",
            "2026-03-13T23:00:00+00:00",
        ),
        ("dateparse", "2006-01-02", "0001-01-01", "0001-01-01T00:00:00+00:00"),
        ("dateparse", "2006-01-02 -0700", "0001-01-01 +0200", ""),
        ("dateparse", "2006-01-02", "yesterday", ""),
        ("timeago", None, "3 days, 2 hours ago", "2026-11-18T10:00:00+00:00"),
        ("timeago", None, "an hour ago", "2026-11-21T11:00:00+00:00"),
        ("timeago", None, "1.5h", "2026-11-21T10:30:00+00:00"),
        ("timeago", None, "Yesterday", "2026-11-20T12:00:00+00:00"),
        ("timeago", None, "just now", "2026-11-21T12:00:00+00:00"),
        ("timeago", None, "999999 years ago", ""),
        ("timeago", None, "never", ""),
    ],
)
def test_a_filter_does_what_its_name_says(
    name: str, args: object, text: str, expected: str
) -> None:
    """Each filter makes the expected text, and "" where it finds nothing."""
    assert apply_filters([make_filter({"name": name, "args": args})], text, NOW) == expected


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("trim", "needs a name"),
        ({"args": "x"}, "needs a name"),
        ({"name": "trim", "arg": "x"}, "'arg' is unknown"),
        ({"name": "lower"}, "unknown filter 'lower'; known: regexp, replace"),
        ({"name": "regexp"}, "regexp takes a pattern, not 0 args"),
        ({"name": "replace", "args": "x"}, "replace takes a text and what replaces it, not 1"),
        ({"name": "replace", "args": ["", "x"]}, "is empty"),
        ({"name": "regexp", "args": "(a"}, "no pattern for RE2"),
        ({"name": "regexp", "args": "(?=a)"}, "no pattern for RE2"),
        ({"name": "re_replace", "args": ["(a)", "$2"]}, "names a group"),
        ({"name": "re_replace", "args": ["(a)", "${x}"]}, "names a group"),
        ({"name": "split", "args": ["", "0"]}, "the separator is empty"),
        ({"name": "split", "args": ["/", "last"]}, "'last' is no position"),
        ({"name": "dateparse", "args": "yyyy-MM-dd"}, "write 2006-01-02"),
        ({"name": "dateparse", "args": "Jan 2"}, "names no year"),
        ({"name": "timeago", "args": "x"}, "timeago takes nothing, not 1 args"),
        ({"name": "append", "args": {"a": "b"}}, "one text or a list"),
        ({"name": "append", "args": "x" * 501}, "each up to 500"),
    ],
)
def test_a_filter_that_cannot_work_is_refused(raw: object, said: str) -> None:
    """Unknown names, wrong arguments and patterns that do not read are told when it is made."""
    with pytest.raises(ValueError, match=re.escape(said)):
        make_filter(raw)


def test_all_filters_of_the_schema_are_there() -> None:
    """The filters that docs/site-definitions.md promises are those that exist."""
    expected = "regexp replace re_replace append prepend querystring split trim dateparse timeago"
    assert tuple(expected.split()) == FILTER_NAMES


def test_a_catastrophic_pattern_meets_a_hostile_text() -> None:
    """A pattern that takes for ever with backtracking is answered, on the longest text there is."""
    step = make_filter({"name": "regexp", "args": r"^(a+)+$"})
    assert step.run("a" * 50_000 + "!", NOW) == "a" * 10_000
    assert step.run("a" * 9_999 + "!", NOW) == ""


def test_no_filter_lets_a_text_grow_without_end() -> None:
    """Thirty filters that double a text leave 10,000 characters."""
    double = make_filter({"name": "re_replace", "args": ["(?s)(.)", "$1$1"]})
    assert len(apply_filters([double] * 30, "ab", NOW)) == 10_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.4 GiB", 1_503_238_554),
        ("1.4 GB", 1_400_000_000),
        ("1,104.5 MB", 1_104_500_000),
        ("1,4 GB", 1_400_000_000),
        ("1.104.500,5 KB", 1_104_500_500),
        ("Size: 700 bytes", 700),
        ("12345", 12_345),
        ("62K", 63_488),
        ("4.7G", 5_046_586_573),
        ("9999999 PB", None),
        ("-", None),
        ("1.2.3 GB", None),
        (None, None),
    ],
)
def test_sizes_become_bytes(text: str | None, expected: int | None) -> None:
    """Decimal and binary units, thousands and decimal commas; what is no size is absent."""
    assert read_size(text) == expected


def test_counts_and_dates_that_are_none_are_absent() -> None:
    """A count is digits, a date is ISO 8601; anything else is None, not zero."""
    assert [read_count(text) for text in ("1,204", "0", "n/a", "", None)] == [
        1204,
        0,
        None,
        None,
        None,
    ]
    assert read_date("2026-01-02T03:04:05+02:00") == datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)
    assert [read_date(text) for text in ("3 days ago", "0001-01-01T00:00:00+10:00", None)] == [
        None,
        None,
        None,
    ]
