"""ScrapePlan: what to collect from which site, and how politely."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scraper.addresses import Credentials
from scraper.browser import BrowserPlan
from scraper.definition import Listing, SiteDefinition
from scraper.definition_file import load_definition
from scraper.pacing import FreeAt

CATEGORIES = ("TV", "Movies", "Software", "Music", "Games", "Anime", "Books", "Other")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrapePlan:
    """What to collect and how politely. Times in seconds.

    `definition` says how the site is laid out; of its listings those are read whose label is in
    `categories`, all if None, `per_category` torrents of each. `wait_s` lies between two requests
    to one host, 0 for several at once (`Fetcher` tells where that counts); `wait_challenge_s` is
    granted to a challenge page. `proxy` "" is none; `cache_path` None keeps no pages.
    `credentials` go to the site of `root_url` and to nobody else. `free_at_s` is when hosts may be
    asked again, as what was read before left it.
    """

    root_url: str
    per_category: int
    definition: SiteDefinition = field(default_factory=lambda: load_definition("classic"))
    categories: tuple[str, ...] | None = None
    wait_s: float
    wait_challenge_s: float
    obey_robots: bool = True
    proxy: str = ""
    cache_path: Path | None = None
    credentials: Credentials | None = None
    free_at_s: FreeAt = field(default_factory=dict)
    browser: BrowserPlan

    @property
    def listings(self) -> tuple[Listing, ...]:
        """The listings to walk through, in the definition's order."""
        found = self.definition.listings
        wanted = self.categories
        return found if wanted is None else tuple(one for one in found if one.label in wanted)
