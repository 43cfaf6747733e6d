"""Jobs: their place in the table of pages."""

from __future__ import annotations

from typing import Any

from dashboard import words
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.page import Page, Visit


def _layout(_live: LiveView, _visit: Visit) -> list[Any]:
    return [page_head(words.JOBS)]


JOBS = Page("/jobs", words.JOBS, _layout)
