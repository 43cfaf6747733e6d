"""The scrape job: from the indexer's pages to checked files in bulkTorrents/."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from observatory.configuration import load_settings, open_catalogue
from observatory.jobs import Report, ScrapeArguments
from observatory.kept_pages import KeptPages, how_to_look
from observatory.magnets import MagnetIntake
from observatory.progress import Progress
from observatory.scrape_report import SiteTallies, sentence
from observatory.sites import ChosenSite, choose_site
from observatory.sources import scrape_events
from scraper.addresses import named_address
from scraper.collect import (
    BrowserPlan,
    ChallengePassed,
    ChallengeSeen,
    DuplicateSkipped,
    ListingRead,
    ScrapeEvent,
    ScrapePlan,
    TorrentCollected,
    TorrentRefused,
)
from scraper.events import MagnetFound
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.errors import JobCancelled, SiteError
from swarm.infohash import InfoHash
from swarm.settings import Settings

if TYPE_CHECKING:
    from storage.catalogue import Catalogue

log = logging.getLogger(__name__)


def scrape(workspace: Workspace, arguments: ScrapeArguments, progress: Progress) -> Report:
    """Collect torrents from the feeds and the site of config.txt; run again, only what is new.

    Where nothing can be had from the site, or the user cancels, the report says so, beside what was
    had by then; it stays kept.

    Raises:
        DefinitionError: the site's definition does not read; names file, line and key.
        SettingsError, StorageError: as they say. What was kept stays kept.
    """
    settings = load_settings(workspace)
    site = choose_site(settings, workspace)
    plan = _plan(settings, site, workspace, arguments.per_category)
    feeds = tuple(dict.fromkeys((*settings.feeds, *arguments.feeds)))
    with (
        closing(open_catalogue(workspace)) as catalogue,
        closing(MagnetIntake(workspace)) as magnets,
    ):
        return _Scrape(workspace, site, plan, catalogue, magnets, progress).run(feeds, settings)


class _Scrape:
    """One scrape: what is kept of each event, and what is told of all."""

    def __init__(
        self,
        workspace: Workspace,
        site: ChosenSite,
        plan: ScrapePlan,
        catalogue: Catalogue,
        magnets: MagnetIntake,
        progress: Progress,
    ) -> None:
        self._site = site
        self._plan = plan
        self._root = workspace.root
        self._folder = TorrentFolder(workspace.torrents_dir)
        self._pages = KeptPages(workspace)
        self._catalogue = catalogue
        self._magnets = magnets
        self._progress = progress
        self._tally = dict.fromkeys(
            ("collected", "magnets", "duplicates", "refused", "listings"), 0
        )
        self._refused: list[str] = []
        self._by_site = SiteTallies()

    def run(self, feeds: tuple[str, ...], settings: Settings) -> Report:
        root_url = named_address(self._plan.root_url)
        # How much a feed holds is known when it has been read.
        total = None if feeds else self._site.listings * self._plan.per_category
        doing = f"Reading {root_url}" if root_url else "Reading feeds"
        known = {
            InfoHash.from_hex(key[:40])
            for row in self._catalogue.torrents()
            for key in (row.infohash, row.infohash_v2 or row.infohash)
        }
        try:
            self._tell(doing, total)
            with closing(scrape_events(self._plan, feeds, settings, known)) as events:
                for event in events:
                    self._by_site.take(event)
                    doing = self._take(event) or doing
                    # Events that say nothing new come too, so that a cancel is heard soon.
                    self._tell(doing, total)
        except JobCancelled:
            return self._report("What was collected by then is kept.", cancelled=True)
        except SiteError as error:
            said = self._pointing_to_page(str(error))
            if root_url:
                self._by_site.fail(root_url, said)
            return self._report(said, failed=True)
        return self._report()

    def _take(self, event: ScrapeEvent) -> str | None:
        """Keep what the event brings; says what is being done, None where that stays as it was."""
        match event:
            case TorrentCollected():
                self._keep(event)
                return f"Collected {event.torrent.name[:80]}"
            case MagnetFound():
                self._magnets.take(event)
                return f"Found {(event.name or event.infohash.hex)[:80]}"
            case DuplicateSkipped():
                self._tally["duplicates"] += 1
            case TorrentRefused():
                self._tally["refused"] += 1
                self._pass_over(event.url, event.reason)
            case ListingRead():
                self._tally["listings"] += 1
                if event.problem is not None:
                    self._pass_over(event.url, self._listing_problem(event, event.problem))
                return f"Read {event.category}, page {event.page}"
            case ChallengeSeen():
                return "The site checks the browser: passing its challenge once"
            case ChallengePassed():
                return "Challenge passed, going on"
        return None

    def _keep(self, event: TorrentCollected) -> None:
        torrent, category, language = event.torrent, event.category, event.language
        self._folder.keep(torrent, event.raw, category=category, language=language)
        kept = KeptTorrent(torrent, torrent.file_name, category, language)
        self._catalogue.put_torrent(kept, datetime.now(UTC))
        self._tally["collected"] += 1

    def _pass_over(self, url: str, reason: str) -> None:
        shown = named_address(url)
        self._refused.append(f"{shown}: {reason}")
        log.warning("passed over url=%s reason=%s", shown, reason)

    def _listing_problem(self, event: ListingRead, problem: str) -> str:
        """What is told of a listing that gave nothing, and where to look at its page."""
        path = self._pages.keep(event.url, event.body) if event.body is not None else None
        return problem if path is None else f"{problem}; {self._how_to_look(path)}"

    def _pointing_to_page(self, said: str) -> str:
        """The site's failure, with how to look at the page on which nothing was found."""
        first = self._pages.first
        return said if first is None else f"{said} To {self._how_to_look(first)}"

    def _how_to_look(self, page: Path) -> str:
        return how_to_look(self._site.definition, page, self._root)

    def _tell(self, doing: str, total: int | None) -> None:
        tally, magnets = self._tally, self._magnets
        done = tally["collected"] + tally["duplicates"] + tally["refused"] + magnets.taken
        self._progress.report(doing, done, total, **tally | {"magnets": magnets.kept})

    def _report(
        self, said: str | None = None, *, cancelled: bool = False, failed: bool = False
    ) -> Report:
        self._magnets.close()
        tally = dict(self._tally)
        tally["magnets"] = self._magnets.kept
        tally["duplicates"] += self._magnets.taken - self._magnets.kept
        return Report(
            sentence=said or sentence(tally),
            figures=dict(tally),
            refused=self._refused,
            sites=self._by_site.reports(),
            cancelled=cancelled,
            failed=failed,
        )


def _plan(
    settings: Settings, site: ChosenSite, workspace: Workspace, per_category: int
) -> ScrapePlan:
    return ScrapePlan(
        root_url=site.root_url,
        definition=site.definition,
        per_category=per_category,
        # The site's own wish, where it is slower than ours.
        wait_s=max(settings.wait, site.definition.request_delay),
        wait_challenge_s=settings.wait_challenge,
        obey_robots=settings.obey_robots,
        proxy=settings.http_proxy,
        credentials=site.credentials,
        cache_path=workspace.cache_dir / "pages.sqlite",
        browser=BrowserPlan(
            binary=None if settings.browser is None else str(settings.browser),
            driver=None if settings.driver is None else str(settings.driver),
            cache_dir=workspace.cache_dir,
            in_container=settings.selenium_in_docker,
        ),
    )
