"""The table of pages, in the order of the navigation. A new page is one line here."""

from __future__ import annotations

from dashboard.jobs.page import JOBS
from dashboard.methods.page import METHODS
from dashboard.overview.page import OVERVIEW
from dashboard.page import Page
from dashboard.runs.compare import COMPARE
from dashboard.runs.page import RUNS
from dashboard.swarms.one import SWARM
from dashboard.swarms.page import SWARMS

PAGES: tuple[Page, ...] = (OVERVIEW, SWARMS, SWARM, RUNS, COMPARE, JOBS, METHODS)
