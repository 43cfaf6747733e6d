"""The scrape job: from the indexer's pages to checked files in bulkTorrents/."""

from __future__ import annotations

import logging
from contextlib import closing
from datetime import UTC, datetime

from observatory.configuration import load_settings
from observatory.jobs import Report, ScrapeArguments
from observatory.progress import Progress
from scraper.collect import (
    CATEGORIES,
    BrowserPlan,
    ChallengePassed,
    ChallengeSeen,
    DuplicateSkipped,
    ListingRead,
    ScrapePlan,
    StillWaiting,
    TorrentCollected,
    TorrentRefused,
    collect,
)
from storage.catalogue import Catalogue
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.infohash import InfoHash
from swarm.settings import Settings

log = logging.getLogger(__name__)

CATEGORY_COUNT = len(CATEGORIES)


def scrape(workspace: Workspace, arguments: ScrapeArguments, progress: Progress) -> Report:
    """Collect torrents from the site of config.txt; run again, it adds only what is new.

    Raises:
        SiteError: nothing can be had from the site; says what was tried and what to edit.
        SettingsError, StorageError, JobCancelled: as they say. What was kept stays kept.
    """
    plan = _plan(load_settings(workspace), workspace, arguments.per_category)
    folder = TorrentFolder(workspace.torrents_dir)
    catalogue = Catalogue(workspace.catalogue_path)
    known = {InfoHash.from_hex(row.infohash) for row in catalogue.torrents()}
    tally = dict.fromkeys(("collected", "duplicates", "refused", "listings"), 0)
    refused: list[str] = []
    total = CATEGORY_COUNT * arguments.per_category
    doing = f"Reading {plan.root_url}"
    progress.report(doing, 0, total, **tally)
    with closing(catalogue), closing(collect(plan, known)) as events:
        for event in events:
            match event:
                case TorrentCollected():
                    language = event.language
                    folder.keep(
                        event.torrent, event.raw, category=event.category, language=language
                    )
                    name = event.torrent.file_name
                    kept = KeptTorrent(event.torrent, name, event.category, language)
                    catalogue.put_torrent(kept, datetime.now(UTC))
                    tally["collected"] += 1
                    doing = f"Collected {event.torrent.name[:80]}"
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
                        refused.append(f"{event.url}: {event.problem}")
                        log.warning("listing url=%s problem=%s", event.url, event.problem)
                case ChallengeSeen():
                    doing = "The site checks the browser: passing its challenge once"
                case ChallengePassed():
                    doing = "Challenge passed, going on"
                case StillWaiting():
                    pass  # the report below hears a cancel
            settled = tally["collected"] + tally["duplicates"] + tally["refused"]
            progress.report(doing, settled, total, **tally)
    return Report(sentence=_sentence(tally), figures=dict(tally), refused=refused)


def _plan(settings: Settings, workspace: Workspace, per_category: int) -> ScrapePlan:
    return ScrapePlan(
        root_url=settings.root_url,
        per_category=per_category,
        wait_s=settings.wait,
        wait_challenge_s=settings.wait_challenge,
        browser=BrowserPlan(
            binary=None if settings.browser is None else str(settings.browser),
            driver=None if settings.driver is None else str(settings.driver),
            cache_dir=workspace.cache_dir,
            in_container=settings.selenium_in_docker,
        ),
    )


def _sentence(tally: dict[str, int]) -> str:
    said = f"{tally['collected']} new torrents collected"
    if tally["duplicates"]:
        said += f", {tally['duplicates']} known already"
    if tally["refused"]:
        said += f", {tally['refused']} without a usable .torrent"
    return said + "."
