"""A magnet that was taken in is counted like a torrent; its torrent, once kept, takes its place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from lab.site import IndexerSite
from lab.site_feeds import RSS_PATH
from observatory.desk import Observatory
from observatory.job import JobKind, JobState
from tests.integration.conftest import Lab
from tests.integration.scraper_world import listings
from tests.integration.test_observatory_jobs import ended

PROJECT = Path(__file__).resolve().parents[2]


def test_magnets_are_fetched(lab: Lab, open_desk: Callable[[str], Observatory]) -> None:
    """Without any torrent, a fetch counts the swarms of the magnets, hybrids included."""
    hybrid = next(t for t in lab.facts.torrents if len(t.dht_keys) == 2)
    plain = next(t for t in lab.facts.torrents if len(t.dht_keys) == 1)
    desk = open_desk(lab.config)
    desk.add_links(f"{hybrid.infohash}\nmagnet:?xt=urn:btih:{plain.infohash}&dn=Plain\n")
    job = ended(desk, desk.start(JobKind.FETCH, {}))
    assert job.state is JobState.DONE, job.message
    run = desk.latest_run()
    assert run is not None
    assert (run.swarms_done, run.swarms_total) == (2, 2)
    names = desk.open_run(run.id).swarms().collect()["name"].to_list()
    assert sorted(names) == sorted(["Plain", hybrid.infohash.hex])
    assert run.peers > 0


def test_the_command_reads_a_feed(tmp_path: Path) -> None:
    """`scrape --feed`, given twice, in a process of its own: exactly the feed's torrents."""
    (tmp_path / "config.txt").write_text("wait=0\nignore_environment=yes\n")
    with IndexerSite(listings(1), challenge=False) as site:
        feed = ["--feed", site.url + RSS_PATH]
        command = [sys.executable, "main.py", "scrape", *feed, *feed, "--json"]
        done = subprocess.run(
            [*command, "--workspace", str(tmp_path)],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    document = json.loads(done.stdout)
    assert (done.returncode, document["collected"], document["refused"]) == (0, 8, 0)
    assert len(list((tmp_path / "bulkTorrents").glob("*.torrent"))) == 8
