"""Swarms and a swarm's own page: their places in the table of pages."""

from __future__ import annotations

from typing import Any

from dashboard import words
from dashboard.live import LiveView
from dashboard.markup import page_head
from dashboard.page import Page, Visit


def _list(_live: LiveView, _visit: Visit) -> list[Any]:
    return [page_head(words.SWARMS)]


def _one(_live: LiveView, visit: Visit) -> list[Any]:
    return [page_head(words.SWARM, visit.variables["infohash"])]


SWARMS = Page("/swarms", words.SWARMS, _list)
SWARM = Page("/swarms/<infohash>", words.SWARM, _one, in_navigation=False)
