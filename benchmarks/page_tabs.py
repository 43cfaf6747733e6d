"""Many tabs open on a running crawl: what they wait, and what they cost the crawl.

A tab here is a client that asks what the page asks, as often as the page asks it: the requests are
those that a real page was heard to send, with what the server has told since. Twenty Chromium tabs
that draw would take both cores of a small machine, and that would be measured.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from benchmarks.page_probe import chromium, first_paint_ms, open_page, percentile, wait_until_still
from benchmarks.page_tab import BEAT_S, CALLBACKS, CHARTED, SEEN, TICK, Heard, Tab
from benchmarks.page_world import ROOT, server
from benchmarks.tables import Verdict, print_table
from lab.dht import SimulatedDht
from lab.geography import write_mmdb
from lab.planted import make_swarms, plant
from storage.runs import list_runs

_SEED = 7
_PLACES = "places.mmdb"
_P95_MS, _RATE = 300, 0.9
_CRAWL_DEADLINE_S = 600.0


@dataclass(frozen=True, slots=True)
class TabSizes:
    """How many tabs, and upon which crawl."""

    tabs: int
    nodes: int
    infohashes: int
    max_packets_per_s: int


@dataclass(frozen=True, slots=True)
class Crawled:
    """A crawl, what the tabs waited for meanwhile, and who had the two cores."""

    seconds: float
    infohashes: int
    waits_ms: tuple[float, ...]
    crawl_cpu_s: float  # with all of its processes
    lab_cpu_s: float
    page_cpu_s: float
    tabs_cpu_s: float  # of the clients that are the tabs
    others_cpu_s: float  # of all else that ran on the machine, which should be nothing

    @property
    def rate(self) -> float:
        """Infohashes a second."""
        return self.infohashes / self.seconds


def measure_tabs(folder: Path, sizes: TabSizes) -> tuple[Crawled, Crawled, Crawled]:
    """The same crawl without tabs, with them, and without them again; prints all."""
    folder.mkdir()
    with SimulatedDht(seed=_SEED, nodes=sizes.nodes, dead_share=0.1) as dht:
        swarms = make_swarms(seed=_SEED, count=sizes.infohashes, largest=1_000)
        plant(dht, swarms)
        listing = folder / "infohashes.txt"
        listing.write_text("".join(f"{swarm.key.hex()}\n" for swarm in swarms))
        write_mmdb(folder / _PLACES)
        alone = _crawl(folder / "alone", listing, dht, sizes)
        with server(folder / "alone") as (url, _pid), chromium() as browser:
            heard = _listen(browser, url)
        watched = _crawl(folder / "watched", listing, dht, sizes, heard)
        again = _crawl(folder / "again", listing, dht, sizes)
    print_table(
        (
            "crawl", "infohashes", "seconds", "infohashes/s", "callbacks", "p95 ms",
            "CPU s: crawl", "and lab", "page", "tabs", "others", "infohashes per CPU s of both",
        ),
        [
            _row("no page open", alone),
            _row(f"{sizes.tabs} tabs open", watched),
            _row("no page open, again", again),
        ],
    )  # fmt: skip
    return alone, watched, again


def tab_verdicts(measured: tuple[Crawled, Crawled, Crawled], sizes: TabSizes) -> list[Verdict]:
    """What is wanted; the rate without tabs is that of both crawls together."""
    alone, watched, again = measured
    undisturbed = (alone.infohashes + again.infohashes) / (alone.seconds + again.seconds)
    p95, rate = percentile(watched.waits_ms, 0.95), watched.rate / undisturbed
    return [
        Verdict(
            f"{sizes.tabs} tabs on a crawl: callbacks p95, ms",
            f"at most {_P95_MS}",
            f"{p95:,.0f}",
            p95 <= _P95_MS,
        ),
        Verdict(
            f"{sizes.tabs} tabs on a crawl: its rate to that without",
            f"at least {_RATE:.0%}",
            f"{rate:.0%}",
            rate >= _RATE,
        ),
    ]


def _row(name: str, crawl: Crawled) -> tuple[str, ...]:
    waits = crawl.waits_ms
    p95 = f"{percentile(waits, 0.95):,.0f}" if waits else "-"
    return (
        name,
        f"{crawl.infohashes:,}",
        f"{crawl.seconds:.1f}",
        f"{crawl.rate:,.1f}",
        f"{len(waits):,}",
        p95,
        f"{crawl.crawl_cpu_s:.1f}",
        f"{crawl.lab_cpu_s:.1f}",
        f"{crawl.page_cpu_s:.1f}",
        f"{crawl.tabs_cpu_s:.1f}",
        f"{crawl.others_cpu_s:.1f}",
        f"{crawl.infohashes / (crawl.crawl_cpu_s + crawl.lab_cpu_s):,.1f}",
    )


def _crawl(
    folder: Path, listing: Path, dht: SimulatedDht, sizes: TabSizes, heard: Heard | None = None
) -> Crawled:
    """Through the real command line, with the page served; with tabs that ask what was `heard`."""
    folder.mkdir()
    (folder / "config.txt").write_text(
        f"allow_local_peers=yes\nignore_environment=yes\ngeoip_city={listing.with_name(_PLACES)}\n"
    )
    command = [
        sys.executable, str(ROOT / "main.py"), "crawl", str(listing), "--json",
        "--workspace", str(folder), "--bootstrap", dht.bootstrap,
        "--max-packets-per-s", str(sizes.max_packets_per_s),
    ]  # fmt: skip
    assert dht.pid is not None
    with server(folder) as (url, pid):
        before = [_cpu_s(dht.pid), _cpu_s(pid), _cpu_of_ended_s(), _cpu_of_all_s()]
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        tabs = [] if heard is None else _watched(url, folder, process, heard, sizes.tabs)
        output, _ = process.communicate(timeout=_CRAWL_DEADLINE_S)
        seconds = time.monotonic() - started
        after = [_cpu_s(dht.pid), _cpu_s(pid), _cpu_of_ended_s(), _cpu_of_all_s()]
    if process.returncode != 0:
        raise SystemExit(f"the crawl failed: {output[-300:]}")
    lab, page, crawl, everybody = (end - start for start, end in zip(before, after, strict=True))
    asking = sum(tab.cpu_s for tab in tabs)
    return Crawled(
        seconds,
        sum(run.manifest.counts.swarms_done for run in list_runs(folder / "runs")),
        tuple(wait for tab in tabs for wait in tab.waits_ms),
        crawl,
        lab,
        page,
        asking,
        everybody - lab - page - crawl - asking,
    )


def _watched(
    url: str, folder: Path, crawl: subprocess.Popen[str], heard: Heard, tabs: int
) -> list[Tab]:
    """Open the tabs as soon as there is a run, until the crawl ends."""
    while crawl.poll() is None and not list(list_runs(folder / "runs")):
        time.sleep(0.02)
    ended = threading.Event()
    clients = [Tab(url, heard, ended, delay_s=BEAT_S * n / tabs) for n in range(tabs)]
    for client in clients:
        client.start()
    crawl.wait(_CRAWL_DEADLINE_S)
    ended.set()
    for client in clients:
        client.join()
        if client.failed is not None:
            raise client.failed
    return clients


def _cpu_of_all_s() -> float:
    """What all that runs on the machine has used, and what its host kept from it."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split()[1:9]]
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = fields
    return (user + nice + system + sum(interrupts_and_stolen)) / 100


def _cpu_of_ended_s() -> float:
    """What those of our processes used, and theirs, that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _listen(browser: Browser, url: str) -> Heard:
    """Hear a page ask, until it has asked each of its questions at least once.

    It asks all of them when it is come to, of whatever run.
    """
    page = open_page(browser, url)
    bodies: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda request: (
            bodies.append(json.loads(request.post_data or "{}"))
            if CALLBACKS in request.url
            else None
        ),
    )
    first_paint_ms(page)
    deadline = time.monotonic() + 30
    while (heard := _sorted(bodies)) is None and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    wait_until_still(page)
    page.context.close()
    if heard is None:
        raise SystemExit("the page did not ask what tabs ask: see benchmarks/page_tabs.py")
    return heard


def _sorted(bodies: Sequence[dict[str, Any]]) -> Heard | None:
    """The questions of a beat, of the page beside its charts, and of each chart."""
    known: dict[str, Any] = {}
    by_output: dict[str, dict[str, Any]] = {}
    for body in bodies:
        by_output[body["output"]] = body
        for given in (*body["inputs"], *body.get("state", [])):
            known[f"{given['id']}.{given['property']}"] = given.get("value")
    inputs = {
        output: {f"{given['id']}.{given['property']}" for given in body["inputs"]}
        for output, body in by_output.items()
    }
    pulse = [by_output[output] for output, of in inputs.items() if TICK in of]
    refresh = [by_output[output] for output, of in inputs.items() if SEEN in of]
    charts = [by_output[output] for output, of in inputs.items() if CHARTED in of]
    if not pulse or not refresh or len(charts) < 2:
        return None
    return Heard(pulse[0], refresh[0], tuple(charts), known)


def _cpu_s(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
