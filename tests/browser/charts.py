"""What a test asks of the two charts in the browser."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page

_GRAPH = "document.querySelector('#{name} .js-plotly-plot')"


def ask(page: Page, name: str, expression: str) -> Any:
    """The value of a JavaScript expression over `graph`, the plotly element of a chart."""
    return page.evaluate(
        f"(() => {{ const graph = {_GRAPH.format(name=name)}; return {expression} }})()"
    )


def wait_until(page: Page, name: str, condition: str, deadline_s: float = 20) -> None:
    """Wait until a JavaScript condition over `graph` holds.

    Playwright's own `wait_for_function` evaluates in the page, where our security policy forbids
    that.
    """
    page.evaluate(
        f"""() => new Promise((done, failed) => {{
            const end = Date.now() + {deadline_s * 1000};
            const look = () => {{
                const graph = {_GRAPH.format(name=name)};
                if (graph && ({condition})) done();
                else if (Date.now() > end) failed(new Error({condition!r}));
                else setTimeout(look, 40);
            }};
            look();
        }})"""
    )


def wait_for_markers(page: Page, more_than: int = 0) -> int:
    """Wait until the map has more markers than that; how many it has."""
    wait_until(
        page, "map", f"graph.data && graph.data[0] && graph.data[0].lat.length > {more_than}"
    )
    return int(ask(page, "map", "graph.data[0].lat.length"))


def wait_for_map(page: Page) -> None:
    """Wait until MapLibre has loaded its style and outlines, and stands still."""
    wait_until(
        page,
        "map",
        "graph._fullLayout && graph._fullLayout.map && graph._fullLayout.map._subplot"
        " && graph._fullLayout.map._subplot.map && graph._fullLayout.map._subplot.map.loaded()"
        " && !graph._fullLayout.map._subplot.map.isMoving()",
    )


def map_view(page: Page) -> list[float]:
    """Zoom, longitude and latitude of what the map really shows."""
    map_ = "graph._fullLayout.map._subplot.map"
    shown = f"[{map_}.getZoom(), {map_}.getCenter().lng, {map_}.getCenter().lat]"
    return [round(float(value), 4) for value in ask(page, "map", shown)]


def marker_in_sight(page: Page) -> tuple[float, float]:
    """Where in the window the first marker is that the map shows."""
    x, y = ask(
        page,
        "map",
        "(() => { const trace = graph.data[0], at = graph.getBoundingClientRect();"
        "const map = graph._fullLayout.map._subplot.map;"
        "const spots = trace.lon.map((lon, i) => map.project([lon, trace.lat[i]]));"
        "const seen = spots.find(p => p.x > 9 && p.y > 9"
        " && p.x < at.width - 9 && p.y < at.height - 9);"
        "return [at.x + seen.x, at.y + seen.y] })()",
    )
    return float(x), float(y)


def bars(page: Page) -> dict[str, float]:
    """Peers per trace of the histogram, by the trace's name."""
    sums = "graph.data.map(t => [t.name, t.y.reduce((a, b) => a + b, 0)])"
    return dict(ask(page, "histogram", sums))


def wait_for_bars(page: Page) -> None:
    """Wait until the histogram has bars."""
    wait_until(
        page,
        "histogram",
        "graph.data && graph.data.length > 0 && graph.querySelector('.bars path')",
    )


def bins(page: Page) -> list[str]:
    """The labels of the histogram's axis, in order."""
    return list(ask(page, "histogram", "graph._fullLayout.xaxis._categories"))
