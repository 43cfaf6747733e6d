"""Reports and methods.md as elements: all of it is shown, none of it is markup."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.jobs.reports import MOST_ROWS, told
from dashboard.methods.rendering import rendered

HOSTILE = "<img src=x onerror=alert(1)>"


def texts(element: Any) -> list[str]:
    """All that is shown, in reading order."""
    if isinstance(element, list | tuple):
        return [text for one in element for text in texts(one)]
    if isinstance(element, Component):
        return texts(getattr(element, "children", None))
    return [] if element is None else [str(element)]


def kinds(element: Any) -> list[str]:
    """Names of the top elements."""
    return [type(one).__name__ for one in element]


def test_a_report_is_shown_with_all_its_figures() -> None:
    """Names without underscores, numbers with thousands, absent as a dash, lists as tables."""
    report = {
        "cancelled": False,
        "figures": {"swarms_done": 1234, "recall": None, "seconds": 0.123456},
        "refused": [{"name": HOSTILE, "reason": "no torrent"}, {"name": "b"}],
        "notes": ["one", "two"],
    }
    element = told(report)
    said = texts(element)
    assert isinstance(element, html.Dl)
    assert said[:8] == [
        "cancelled", "no", "figures", "swarms done", "1,234", "recall", "—", "seconds",
    ]  # fmt: skip
    assert said[8:] == [
        "0.1235", "refused", "name", "reason", HOSTILE, "no torrent", "b", "—",
        "notes", "one", "two",
    ]  # fmt: skip


def test_a_report_without_an_end_is_cut_and_says_so() -> None:
    """Rows, depth and length have limits; what is left out is counted."""
    assert texts(told([{"a": 1}] * (MOST_ROWS + 7)))[-1] == "… and 7 more"
    deep: Any = "end"
    for _ in range(50):
        deep = {"x": deep}
    assert len(texts(told(deep))) < 10
    assert len(texts(told("y" * 10_000))[0]) < 600


METHODS = f"""# Methods of run 1

Swarm Atlas 0.1.0. In its own words: {HOSTILE}
and on.

## Coverage

- Swarms asked for: 3
- Placed by [IP Geolocation by DB-IP](https://db-ip.com), or [not](javascript:alert(1))

| setting | value |
|---|---|
| processes | 2 |
"""


def test_methods_are_plain_elements() -> None:
    """Headings, paragraphs, lists and tables; markup in it stays text."""
    elements = rendered(METHODS)
    assert kinds(elements) == ["P", "H2", "Ul", "Div"]
    assert HOSTILE in texts(elements)[0]
    assert texts(elements)[-4:] == ["setting", "value", "processes", "2"]


def test_only_links_to_https_are_links() -> None:
    """Another scheme is shown as it is written."""
    items = rendered(METHODS)[2].children
    link = items[1].children[1]
    assert (type(link).__name__, link.href) == ("A", "https://db-ip.com")
    assert "[not](javascript:alert(1))" in texts(items)[-1]
