"""Where a scrape's events come from: the feeds of the user first, then the site."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from scraper.collect import ScrapePlan, TorrentCollected, collect
from scraper.events import ScrapeEvent
from scraper.feeds_collect import FeedPlan, collect_feeds
from swarm.infohash import InfoHash
from swarm.settings import Settings


def scrape_events(
    plan: ScrapePlan, feeds: tuple[str, ...], settings: Settings, known: set[InfoHash]
) -> Generator[ScrapeEvent, None, None]:
    """All events of all sources; a torrent that two of them name is collected once.

    Without a `root_url`, feeds are all there is; without either, the site's own complaint comes.

    Raises:
        SiteError: no feed could be read and there is no site, or the site gives nothing. What the
            feeds gave has been handed over by then.
    """
    if feeds:
        feed_plan = FeedPlan(
            feeds=feeds,
            wait_s=settings.wait,
            obey_robots=settings.obey_robots,
            proxy=settings.http_proxy,
            must_read=not plan.root_url,
            cache_path=plan.cache_path,
            free_at_s=plan.free_at_s,
        )
        with closing(collect_feeds(feed_plan, known)) as events:
            for event in events:
                if isinstance(event, TorrentCollected):
                    known.update(event.torrent.dht_keys)
                yield event
    if plan.root_url or not feeds:
        with closing(collect(plan, known)) as events:
            yield from events
