"""A scrape beside the classic way, on one site in one run: what is got, how fast, how politely.

`python -m benchmarks.bench_scrape` (or `make bench-scrape`); `--smoke` proves in seconds that all
of it still runs. The site is the lab's: 150 ms latency, a challenge that comes back in the middle,
and 404, 429, 500, slow, malformed and torrentless pages.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bencode2

from benchmarks.tables import Verdict, machine, print_table, print_verdicts
from lab.site import CATEGORIES, IndexerSite, Listing
from lab.site_faults import Fault, body_fault, status_fault
from lab.site_pages import detail_path, torrent_path
from scraper.browser import BrowserPlan, find_browser, private_driver
from scraper.collect import ScrapePlan, TorrentCollected, collect

SEED = 7
LATENCY_S = 0.15
WANTED_RATIO = 50
_PAUSE_S = (1.0, 3.0)  # the classic way sleeps so long after each page


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything."""

    per_category: int
    classic_pairs: int
    polite_torrents: int


FULL = Sizes(per_category=100, classic_pairs=5, polite_torrents=8)
SMOKE = Sizes(per_category=3, classic_pairs=1, polite_torrents=1)


@dataclass(frozen=True, slots=True)
class Measured:
    """One way of scraping. A pair is a torrent's page and its .torrent."""

    name: str
    pairs: int
    seconds: float

    @property
    def pairs_per_minute(self) -> float:
        """Pairs by the clock."""
        return 60 * self.pairs / self.seconds


def main() -> None:
    """Measure all, print tables and verdicts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, in seconds")
    sizes = SMOKE if parser.parse_args().smoke else FULL
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = BrowserPlan(binary=None, driver=None, cache_dir=Path(folder), in_container=False)
        classic = measure_classic(sizes.classic_pairs, browser)
        ours, got = measure_ours(sizes.per_category, browser)
        busiest = busiest_second(sizes.polite_torrents, browser)
    print_table(
        ("way", "pairs", "seconds", "pairs/min"),
        [
            (way.name, f"{way.pairs:,}", f"{way.seconds:.1f}", f"{way.pairs_per_minute:,.0f}")
            for way in (classic, ours)
        ],
    )
    ratio = ours.pairs_per_minute / classic.pairs_per_minute
    print_verdicts(
        (
            Verdict(
                "pairs/min over the classic way, limits off",
                f">= {WANTED_RATIO} x", f"{ratio:.0f} x", ratio >= WANTED_RATIO,
            ),
            got,
            Verdict(
                "requests in the busiest second, limits on", "<= 1", str(busiest), busiest <= 1
            ),
        )
    )  # fmt: skip


def measure_classic(pairs: int, plan: BrowserPlan) -> Measured:
    """A real browser for every page: get, then sleep 1 to 3 s, as the classic tool does."""
    import undetected_chromedriver

    pauses = random.Random(SEED)
    entries = make_listings(pairs)[:pairs]
    installed = find_browser(plan)
    driver_path = private_driver(installed, plan.cache_dir)
    with (
        IndexerSite(entries, latency_s=LATENCY_S) as site,
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    ):
        driver = undetected_chromedriver.Chrome(
            headless=True,
            user_data_dir=profile,
            driver_executable_path=str(driver_path),
            browser_executable_path=str(installed.binary),
            version_main=installed.major,
            no_sandbox=plan.no_sandbox,
        )
        try:
            driver.get(site.url)
            started_s = time.monotonic()  # kinder to it: our own clock runs from the very start
            for number, entry in enumerate(entries):
                for path in (detail_path(number, entry), torrent_path(number, entry)):
                    driver.get(site.url + path)
                    time.sleep(pauses.uniform(*_PAUSE_S))
            seconds = time.monotonic() - started_s
        finally:
            driver.quit()
    return Measured("classic: get + sleep 1 to 3 s", pairs, seconds)


def measure_ours(per_category: int, browser: BrowserPlan) -> tuple[Measured, Verdict]:
    """The whole scrape without limits; and whether all that is obtainable came, each once."""
    entries = make_listings(per_category)
    faults, lost = make_faults(entries)
    wanted = {e.torrent for number, e in enumerate(entries) if e.torrent and number not in lost}
    started_s = time.monotonic()
    with IndexerSite(
        entries, latency_s=LATENCY_S, faults=faults, challenge_lasts=len(entries)
    ) as site:
        found = _collect(_plan(site.url, browser, per_category=per_category, wait_s=0))
    measured = Measured("Swarm Atlas, limits off", len(found), time.monotonic() - started_s)
    missing, doubled = len(wanted - set(found)), len(found) - len(set(found))
    return measured, Verdict(
        "obtainable torrents missing, doubled",
        "0, 0", f"{missing}, {doubled} of {len(wanted):,}", missing == doubled == 0,
    )  # fmt: skip


def busiest_second(torrents: int, browser: BrowserPlan) -> int:
    """With limits on: the most requests within any second, by the server's own log."""
    with IndexerSite(make_listings(torrents)[:torrents], challenge=False) as site:
        _collect(_plan(site.url, browser, per_category=torrents, wait_s=1, categories=("TV",)))
        starts = sorted(request.started_s for request in site.requests)
    return max(sum(0 <= later - start < 1.0 for later in starts) for start in starts)


def make_listings(per_category: int) -> list[Listing]:
    """So many in each category, each with a tiny torrent of its own."""
    return [
        Listing(
            title=f"{category} {i}", category=category, size_bytes=20_000, seeders=i + 1,
            leechers=1, torrent=_tiny_torrent(f"{category} {i}"),
        )
        for category in CATEGORIES
        for i in range(per_category)
    ]  # fmt: skip


def make_faults(entries: Sequence[Listing]) -> tuple[dict[str, Fault], set[int]]:
    """What is wrong with the site, and which of the entries cannot be had for it."""
    slow = Fault(body=lambda: iter([b"x"] * 10), pause_s=0.2, times=1)
    faults = {
        detail_path(0, entries[0]): status_fault(404),
        torrent_path(1, entries[1]): status_fault(500),
        detail_path(2, entries[2]): body_fault(b"\0<table><a href='http://[/x.torrent'>"),
        detail_path(3, entries[3]): body_fault(b"<p>a page without a torrent</p>"),
        torrent_path(4, entries[4]): body_fault(b"<html>", content_type="application/x-bittorrent"),
        # These pass: what they hide is obtainable.
        detail_path(5, entries[5]): status_fault(429, retry_after_s=1, times=1),
        torrent_path(6, entries[6]): status_fault(503, times=2),
        torrent_path(7, entries[7]): Fault(status=500, body=slow.body, pause_s=0.2, times=1),
    }
    return faults, {0, 1, 2, 3, 4}


def _plan(
    url: str,
    browser: BrowserPlan,
    *,
    per_category: int,
    wait_s: float,
    categories: tuple[str, ...] | None = None,
) -> ScrapePlan:
    return ScrapePlan(
        root_url=url,
        per_category=per_category,
        categories=categories,
        wait_s=wait_s,
        wait_challenge_s=30,
        browser=browser,
    )


def _collect(plan: ScrapePlan) -> list[bytes]:
    return [event.raw for event in collect(plan, ()) if isinstance(event, TorrentCollected)]


def _tiny_torrent(name: str) -> bytes:
    pieces = hashlib.sha1(name.encode(), usedforsecurity=False).digest() * 2
    info = {
        b"name": name.encode(),
        b"length": 20_000,
        b"piece length": 16_384,
        b"pieces": pieces,
    }
    return bencode2.bencode({b"info": info})


if __name__ == "__main__":
    main()
