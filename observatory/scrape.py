"""The scrape job: from the indexer's pages to checked files in bulkTorrents/."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from observatory.configuration import load_settings, open_catalogue
from observatory.jobs import Report, ScrapeArguments
from observatory.kept_pages import KeptPages
from observatory.magnets import MagnetIntake
from observatory.progress import Progress
from observatory.scrape_report import SiteTallies
from observatory.sites import ChosenSite, choose_site
from observatory.sources import scrape_events
from scraper.collect import (
    BrowserPlan,
    ChallengePassed,
    ChallengeSeen,
    DuplicateSkipped,
    ListingRead,
    ScrapePlan,
    TorrentCollected,
    TorrentRefused,
)
from scraper.events import MagnetFound
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.errors import SiteError
from swarm.infohash import InfoHash
from swarm.settings import Settings

log = logging.getLogger(__name__)


def scrape(workspace: Workspace, arguments: ScrapeArguments, progress: Progress) -> Report:
    """Collect torrents from the feeds and the site of config.txt; run again, only what is new.

    Raises:
        SiteError: nothing can be had from the site; says what was tried and what to edit.
        DefinitionError: the site's definition does not read; names file, line and key.
        SettingsError, StorageError, JobCancelled: as they say. What was kept stays kept.
    """
    settings = load_settings(workspace)
    site = choose_site(settings, workspace)
    plan = _plan(settings, site, workspace, arguments.per_category)
    feeds = tuple(dict.fromkeys((*settings.feeds, *arguments.feeds)))
    pages = KeptPages(workspace)
    folder = TorrentFolder(workspace.torrents_dir)
    catalogue = open_catalogue(workspace)
    known = {
        InfoHash.from_hex(key[:40])
        for row in catalogue.torrents()
        for key in (row.infohash, row.infohash_v2 or row.infohash)
    }
    tally = dict.fromkeys(("collected", "magnets", "duplicates", "refused", "listings"), 0)
    refused: list[str] = []
    by_site = SiteTallies()
    # How much a feed holds is known when it has been read.
    total = None if feeds else site.listings * arguments.per_category
    doing = f"Reading {plan.root_url}" if plan.root_url else "Reading feeds"
    progress.report(doing, 0, total, **tally)
    magnets = MagnetIntake(workspace)
    with (
        closing(catalogue),
        closing(magnets),
        _pointing_to(pages, site),
        closing(scrape_events(plan, feeds, settings, known)) as events,
    ):
        for event in events:
            by_site.take(event)
            match event:
                case TorrentCollected():
                    language = event.language
                    folder.keep(
                        event.torrent, event.raw, category=event.category, language=language
                    )
                    kept = KeptTorrent(
                        event.torrent, event.torrent.file_name, event.category, language
                    )
                    catalogue.put_torrent(kept, datetime.now(UTC))
                    tally["collected"] += 1
                    doing = f"Collected {event.torrent.name[:80]}"
                case MagnetFound():
                    magnets.take(event)
                    doing = f"Found {(event.name or event.infohash.hex)[:80]}"
                case DuplicateSkipped():
                    tally["duplicates"] += 1
                case TorrentRefused():
                    tally["refused"] += 1
                    refused.append(f"{event.url}: {event.reason}")
                    log.warning("refused url=%s reason=%s", event.url, event.reason)
                case ListingRead():
                    tally["listings"] += 1
                    doing = f"Read {event.category}, page {event.page}"
                    if event.problem is not None:
                        refused.append(_listing_problem(event, pages, site))
                        log.warning("listing url=%s problem=%s", event.url, event.problem)
                case ChallengeSeen():
                    doing = "The site checks the browser: passing its challenge once"
                case ChallengePassed():
                    doing = "Challenge passed, going on"
            settled = tally["collected"] + tally["duplicates"] + tally["refused"] + magnets.taken
            # Events that say nothing new come too, so that a cancel is heard soon.
            progress.report(doing, settled, total, **tally | {"magnets": magnets.kept})
    tally["magnets"] = magnets.kept
    tally["duplicates"] += magnets.taken - magnets.kept
    return Report(
        sentence=_sentence(tally), figures=dict(tally), refused=refused, sites=by_site.reports()
    )


def _listing_problem(event: ListingRead, pages: KeptPages, site: ChosenSite) -> str:
    """What is told of a listing that gave nothing, and where to look at its page."""
    said = f"{event.url}: {event.problem}"
    path = pages.keep(event.url, event.body) if event.body is not None else None
    return said if path is None else f"{said}; {_how_to_look(path, site)}"


@contextmanager
def _pointing_to(pages: KeptPages, site: ChosenSite) -> Iterator[None]:
    """Add to the site's failure how to look at the page on which nothing was found."""
    try:
        yield
    except SiteError as error:
        if pages.first is None:
            raise
        raise SiteError(f"{error} To {_how_to_look(pages.first, site)}") from None


def _how_to_look(path: str, site: ChosenSite) -> str:
    check = f"python main.py sites check {site.definition.argument} --page {path}"
    return f"see what it reads: {check}"


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
        cache_path=workspace.cache_dir / "pages.sqlite",
        browser=BrowserPlan(
            binary=None if settings.browser is None else str(settings.browser),
            driver=None if settings.driver is None else str(settings.driver),
            cache_dir=workspace.cache_dir,
            in_container=settings.selenium_in_docker,
        ),
    )


def _sentence(tally: dict[str, int]) -> str:
    said = f"{tally['collected']} new torrents collected"
    if tally["magnets"]:
        said += f", {tally['magnets']} magnet{'s' if tally['magnets'] > 1 else ''} noted"
    if tally["duplicates"]:
        said += f", {tally['duplicates']} known already"
    if tally["refused"]:
        said += f", {tally['refused']} without a usable .torrent"
    return said + "."
