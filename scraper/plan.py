"""ScrapePlan: what to collect from which site, and how politely."""

from __future__ import annotations

from dataclasses import dataclass

from scraper.browser import BrowserPlan

CATEGORIES = ("TV", "Movies", "Software", "Music", "Games", "Anime", "Books", "Other")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapePlan:
    """What to collect and how politely. Times in seconds.

    `per_category` torrents with the most seeders of each category; `wait_s` between two requests
    to one host, 0 for several at once; `wait_challenge_s` is granted to a challenge page.
    """

    root_url: str
    per_category: int
    categories: tuple[str, ...] = CATEGORIES
    wait_s: float
    wait_challenge_s: float
    browser: BrowserPlan
