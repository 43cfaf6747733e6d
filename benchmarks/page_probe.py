"""How a page in a real Chromium is timed: by the browser's own clock, from inside the page.

A chart counts as drawn when plotly says so (`plotly_afterplot`), has something to show, and the
frame after it has begun. Requests are weighed as the browser saw them (Resource Timing), so the
bytes are those of the compressed bodies.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, sync_playwright

DEADLINE_MS = 180_000
_SETTLED_MS = 1_500  # by then a new window's own interface, a renderer of Chromium's, is at rest
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PROBE = """
(() => {
  const probe = window.swarmProbe = { draws: { map: [], histogram: [] }, waiting: 0 };
  const plainFetch = window.fetch;
  window.fetch = async (...request) => {
    probe.waiting += 1;
    try { return await plainFetch(...request); } finally { probe.waiting -= 1; }
  };
  performance.setResourceTimingBufferSize(20000);
  const filled = trace => ["lat", "locations", "x"].some(
    key => trace[key] && (trace[key].length || trace[key].bdata));
  const look = () => {
    for (const id of ["map", "histogram"]) {
      const plot = document.querySelector(`#${id} .js-plotly-plot`);
      if (!plot || !plot.on || plot.swarmProbed) continue;
      plot.swarmProbed = true;
      const note = () => {
        if (!(plot.data || []).some(filled)) return;
        requestAnimationFrame(() => probe.draws[id].push(performance.now()));
      };
      plot.on("plotly_afterplot", note);
      // A map that still loads will say so; what is drawn at once has said it before it was heard.
      if (!plot.classList.contains("dash-graph--pending")) note();
    }
    setTimeout(look, 5);
  };
  look();
})();
"""
_DRAWN = "() => Object.values(swarmProbe.draws).every(times => times.length > 0)"
_FIRST_DRAW_MS = "() => Math.max(...Object.values(swarmProbe.draws).map(times => times[0]))"
_CALLBACKS = """
([kinds, since, until]) => performance.getEntriesByType("resource")
  .filter(entry => kinds.some(kind => entry.name.includes(kind)))
  .filter(entry => entry.startTime >= since && entry.startTime <= until)
  .map(entry => ({
    started_ms: entry.startTime,
    took_ms: entry.responseEnd - entry.requestStart,
    body_bytes: entry.encodedBodySize,
  }))
"""


@dataclass(frozen=True, slots=True)
class Request:
    """One callback's request: when it began, how long its answer took, its compressed body."""

    started_ms: float  # since the page was asked for
    took_ms: float
    body_bytes: int


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium with software rendering."""
    with sync_playwright() as playwright:
        binary = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=binary, args=list(_FLAGS))
        yield browser
        browser.close()


def open_page(browser: Browser, url: str) -> Page:
    """A page in a context of its own (so: an empty cache), with the probe in it.

    It is asked for in a window that stands there already, as a reader's does.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    context.set_default_timeout(DEADLINE_MS)
    context.add_init_script(_PROBE)
    page = context.new_page()
    page.wait_for_timeout(_SETTLED_MS)
    page.goto(url, wait_until="commit")
    return page


def first_paint_ms(page: Page) -> float:
    """When both charts stood there with what they show, since the page was asked for."""
    page.wait_for_function(_DRAWN)
    return float(page.evaluate(_FIRST_DRAW_MS))


def callbacks(page: Page, since_ms: float = 0.0) -> list[Request]:
    """Every callback's request that began since then."""
    return _requests(page, ["_dash-update-component"], since_ms, now_ms(page))


def answers(page: Page, *, until_ms: float) -> list[Request]:
    """What the server computed for the page until then: its layout and every callback."""
    return _requests(page, ["_dash-layout", "_dash-update-component"], 0.0, until_ms)


def _requests(page: Page, kinds: list[str], since_ms: float, until_ms: float) -> list[Request]:
    return [Request(**entry) for entry in page.evaluate(_CALLBACKS, [kinds, since_ms, until_ms])]


def wait_until_still(page: Page) -> None:
    """Wait until no chart has been drawn for half a second, and no callback is under way."""
    page.wait_for_function(
        """() => {
          const last = Math.max(...Object.values(swarmProbe.draws).flat());
          return performance.now() - last > 500 && !window.swarmProbe.waiting;
        }"""
    )


def now_ms(page: Page) -> float:
    """The page's clock."""
    return float(page.evaluate("() => performance.now()"))


def repaint_ms(page: Page, click: str) -> float:
    """From a click (on what the selector names) until both charts are drawn anew."""
    page.wait_for_selector(click)
    return float(
        page.evaluate(
            """async selector => {
              const counts = () => Object.values(swarmProbe.draws).map(times => times.length);
              const before = counts(), started = performance.now();
              document.querySelector(selector).click();
              while (!counts().every((count, i) => count > before[i])) {
                if (performance.now() - started > 60000) throw new Error("no repaint in 60 s");
                await new Promise(resume => setTimeout(resume, 2));
              }
              const last = Object.values(swarmProbe.draws).map(times => times[times.length - 1]);
              return Math.max(...last) - started;
            }""",
            click,
        )
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that `share` of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
