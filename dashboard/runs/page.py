"""The archive of runs and their comparison: their places in the table of pages."""

from __future__ import annotations

from typing import Any

from dashboard import words
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.page import Page, Visit


def _archive(_live: LiveView, _visit: Visit) -> list[Any]:
    return [page_head(words.RUNS)]


def _compare(_live: LiveView, _visit: Visit) -> list[Any]:
    return [page_head(words.COMPARE)]


RUNS = Page("/runs", words.RUNS, _archive)
COMPARE = Page("/runs/compare", words.COMPARE, _compare, in_navigation=False)
