"""The page with a million peers, with a hundred million sightings, and beside the classic way.

`python -m benchmarks.bench_page`; `--smoke` proves in seconds that it still runs. A real, headless
Chromium with software rendering opens `python main.py` over made-up runs; times are the browser's
own. `--folder` names where the runs of `benchmarks.bench_analysis` lie: the largest of them is
measured as well, and what is made here is kept there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from benchmarks.page_probe import (
    Request,
    answers,
    callbacks,
    chromium,
    first_paint_ms,
    now_ms,
    open_page,
    percentile,
    repaint_ms,
    wait_until_still,
)
from benchmarks.page_tabs import TabSizes, measure_tabs, tab_verdicts
from benchmarks.page_world import (
    GrowingRun,
    classic_server,
    kept_run,
    made_run,
    server,
    workspace_with,
)
from benchmarks.seeded_run import Scale
from benchmarks.tables import Verdict, machine, print_table, print_verdicts

_PAINT_MS, _FIGURE_BYTES, _CLICK_MS, _CALLBACK_MS, _TICK_BYTES = 1_500, 300_000, 500, 100, 50_000
_COUNTRIES = 'button[data-pick="country"]'


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything. A made-up peer is in 2.5 swarms."""

    sightings: int
    swarms: int
    classic: tuple[int, ...]
    opened: int  # times that a page is opened anew
    clicks: int
    growth: int  # parts that a live run gets while it is looked at
    growth_rows: int
    tabs: TabSizes


FULL = Sizes(
    sightings=2_500_000,
    swarms=10_000,
    classic=(1_000, 5_000),
    opened=5,
    clicks=6,
    growth=5,
    growth_rows=20_000,
    tabs=TabSizes(tabs=20, nodes=10_000, infohashes=2_000, max_packets_per_s=1_000),
)
SMOKE = Sizes(
    sightings=20_000,
    swarms=200,
    classic=(20,),
    opened=1,
    clicks=1,
    growth=1,
    growth_rows=500,
    tabs=TabSizes(tabs=2, nodes=1_000, infohashes=200, max_packets_per_s=500),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a page took. Times in ms, medians where they are of several."""

    paint_ms: float
    paint_worst_ms: float
    first_bytes: int  # all that the server computed for it, compressed
    click_ms: float
    click_worst_ms: float
    requests: tuple[Request, ...]

    @property
    def p95_ms(self) -> float:
        """Of all its callbacks."""
        return percentile([request.took_ms for request in self.requests], 0.95)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the tables with what is wanted beside them."""
    asked = _asked(arguments)
    sizes = SMOKE if asked.smoke else FULL
    print(f"{machine()}\n")
    verdicts: list[Verdict] = []
    with _workplace(asked.folder) as (folder, scratch):
        if asked.part != "tabs":
            verdicts += _in_a_browser(folder, scratch, sizes, kept=asked.folder is not None)
        if asked.part != "pages":
            verdicts += tab_verdicts(measure_tabs(scratch / "tabs", sizes.tabs), sizes.tabs)
    print_verdicts(verdicts)


def _in_a_browser(folder: Path, scratch: Path, sizes: Sizes, *, kept: bool) -> list[Verdict]:
    run = made_run(folder, Scale(sizes.sightings, sizes.swarms))
    shown = [(f"{sizes.sightings * 2 // 5:,} peers in {sizes.swarms:,} swarms", run)]
    largest = kept_run(folder) if kept else None
    if largest is not None and largest.folder != run:
        shown.append((f"{largest.manifest.counts.peers:,} sightings", largest.folder))
    with chromium() as browser:
        pages = {
            name: _measured(browser, workspace_with(scratch / f"run-{n}", path), sizes)
            for n, (name, path) in enumerate(shown)
        }
        ticks = _ticks(browser, scratch / "live", sizes)
        classic = {
            peers: _classic(browser, scratch / f"classic-{peers}", peers, sizes.opened)
            for peers in sizes.classic
        }
    _print_pages(pages, classic)
    verdicts = [verdict for name, seen in pages.items() for verdict in _page_verdicts(name, seen)]
    verdicts.append(_at_most("a live tick, kB compressed", _TICK_BYTES / 1e3, max(ticks) / 1e3))
    verdicts.append(_beside_classic(next(iter(pages.values())), classic))
    return verdicts


def _measured(browser: Browser, workspace: Path, sizes: Sizes) -> Seen:
    """Open the page anew some times, each with an empty cache; then click in the last of them."""
    with server(workspace) as (url, _pid):
        _warm(browser, url)
        paints, weights = [], []
        for number in range(sizes.opened):
            page = open_page(browser, url)
            paints.append(first_paint_ms(page))
            weights.append(
                sum(request.body_bytes for request in answers(page, until_ms=paints[-1]))
            )
            if number < sizes.opened - 1:
                page.context.close()
        wait_until_still(page)
        clicks = _clicks(page, sizes.clicks)
        requests = callbacks(page)
        page.context.close()
    return Seen(
        median(paints), max(paints), max(weights), median(clicks), max(clicks), tuple(requests)
    )


def _warm(browser: Browser, url: str) -> None:
    """Once, so that neither the server nor the browser's own start is measured."""
    page = open_page(browser, url)
    first_paint_ms(page)
    wait_until_still(page)
    page.context.close()


def _clicks(page: Page, count: int) -> list[float]:
    """Narrow to one country after another, each by a click, and back to everything."""
    took = []
    for number in range(count):
        took.append(repaint_ms(page, f"#countries tr:nth-child({number + 1}) {_COUNTRIES}"))
        wait_until_still(page)
        repaint_ms(page, "#narrowed .clear")
        wait_until_still(page)
    return took


def _ticks(browser: Browser, workspace: Path, sizes: Sizes) -> list[int]:
    """Bytes of all answers to each growth of a live run, in a page that stays open."""
    run = GrowingRun(workspace, Scale(sizes.sightings, sizes.swarms), sizes.growth_rows)
    try:
        for _ in range(sizes.sightings // sizes.growth_rows - sizes.growth):
            run.grow()
        with server(workspace) as (url, _pid):
            page = open_page(browser, url)
            first_paint_ms(page)
            wait_until_still(page)
            took = []
            for _ in range(sizes.growth):
                before = now_ms(page)
                run.grow()
                page.wait_for_function(
                    "since => Object.values(swarmProbe.draws).every(t => t.at(-1) > since)",
                    arg=before,
                )
                wait_until_still(page)
                took.append(sum(request.body_bytes for request in callbacks(page, before)))
            page.context.close()
    finally:
        run.close()
    return took


def _classic(browser: Browser, folder: Path, peers: int, opened: int) -> float:
    """First paint of the classic page, in ms: the median."""
    paints = []
    with classic_server(folder, peers) as url:
        _warm(browser, url)
        for _ in range(opened):
            page = open_page(browser, url)
            paints.append(first_paint_ms(page))
            page.context.close()
    return median(paints)


def _page_verdicts(name: str, seen: Seen) -> list[Verdict]:
    return [
        _at_most(f"{name}: first meaningful paint, ms", _PAINT_MS, seen.paint_ms),
        _at_most(
            f"{name}: figures and all else computed for it, kB compressed",
            _FIGURE_BYTES / 1e3,
            seen.first_bytes / 1e3,
        ),
        _at_most(f"{name}: filter click to repaint, ms", _CLICK_MS, seen.click_ms),
        _at_most(f"{name}: callbacks p95, ms", _CALLBACK_MS, seen.p95_ms),
    ]


def _beside_classic(ours: Seen, classic: dict[int, float]) -> Verdict:
    most = max(classic)
    return Verdict(
        f"first paint beside the classic way's at {most:,} peers",
        "faster",
        f"{ours.paint_ms:,.0f} to {classic[most]:,.0f} ms",
        ours.paint_ms < classic[most],
    )


def _at_most(figure: str, wanted: float, reached: float) -> Verdict:
    return Verdict(figure, f"at most {wanted:,.0f}", f"{reached:,.0f}", reached <= wanted)


def _print_pages(pages: dict[str, Seen], classic: dict[int, float]) -> None:
    rows = [
        (
            name,
            f"{seen.paint_ms:,.0f} ({seen.paint_worst_ms:,.0f})",
            f"{seen.first_bytes / 1e3:,.0f}",
            f"{seen.click_ms:,.0f} ({seen.click_worst_ms:,.0f})",
            f"{seen.p95_ms:,.0f}",
        )
        for name, seen in pages.items()
    ]
    rows += [(f"classic, {n:,} peers", f"{ms:,.0f}", "-", "-", "-") for n, ms in classic.items()]
    head = ("page", "first paint ms (worst)", "kB", "click to repaint ms (worst)", "callbacks p95")
    print_table(head, rows)


@contextmanager
def _workplace(named: Path | None) -> Iterator[tuple[Path, Path]]:
    """Where runs lie, kept where the folder was named, and a scratch folder, which is deleted."""
    with tempfile.TemporaryDirectory(prefix="swarm-atlas-page-") as scratch:
        yield named or Path(scratch) / "made", Path(scratch)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small numbers, seconds")
    parser.add_argument("--part", choices=("pages", "tabs"), help="only this part; else both")
    parser.add_argument("--folder", type=Path, help="where the runs lie, are made, and kept")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
