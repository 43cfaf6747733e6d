"""The Overview's pure parts: a chart shows whom the address leaves, words say what is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from dash import Patch

from analysis.palette import Scheme
from analysis.selection import Bounds, Selection
from analysis.tables import OTHER, Binning
from dashboard import words
from dashboard.address_state import AddressState, read_address
from dashboard.live import LiveView, RunKey, ShownRun
from dashboard.overview.charts import read_viewport
from dashboard.overview.country_table import country_rows
from dashboard.overview.drawing import (
    Viewport,
    Wish,
    choose_colours,
    draw_histogram,
    draw_map,
    map_zoom,
    places_in_view,
)
from dashboard.overview.narrowing import category_choices, narrowed
from dashboard.overview.parts import numbers
from observatory.host import Host
from observatory.job import JobKind
from storage.manifest import RunState
from swarm.place import UNKNOWN_COUNTRY
from tests.browser.fake_host import FakeHost


def fetched() -> tuple[LiveView, RunKey, ShownRun]:
    """A world whose fetch is done, and its run as it is shown."""
    host = FakeHost(torrents=24)
    host.home.start(JobKind.FETCH, {})
    host.home.work(24)
    live = LiveView(cast(Host, host))
    key = live.key(live.host.current, live.shown_run(live.host.current))
    shown = live.shown(key)
    assert shown is not None
    return live, key, shown


def labels(state: RunState) -> list[str]:
    """What stands under the numbers of a run in that state."""
    live, _key, shown = fetched()
    run = live.shown_run(live.host.current)
    assert run is not None
    totals = replace(shown.numbers(Selection()), recall=0.4)
    strip = numbers(replace(run, state=state), totals, Selection())
    return [part.children[1].children for part in strip]


def test_recall_of_a_running_run_is_so_far() -> None:
    """Known peers of swarms that were not asked for yet are not yet missed."""
    assert words.RECALL_SO_FAR in labels(RunState.RUNNING)
    assert words.RECALL in labels(RunState.COMPLETE)


def wish(query: str = "", hidden: tuple[str, ...] = ()) -> Wish:
    return Wish(Scheme.DARK, 5, frozenset(hidden), read_address(query))


def drawn(query: str, which: str, hidden: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The traces of a chart, drawn whole."""
    live, key, shown = fetched()
    wanted = wish(query, hidden)
    colours = choose_colours(shown, live.slots(key), wanted)
    if which == "map":
        figure = draw_map(shown, colours, wanted, Viewport(1.0), "/assets", whole=True)
    else:
        figure = draw_histogram(shown, colours, wanted, whole=True)
    return list(figure["data"])


def bar_sum(traces: list[dict[str, Any]]) -> int:
    return int(sum(sum(trace["y"]) for trace in traces))


def markers(traces: list[dict[str, Any]]) -> int:
    return int(sum(sum(trace["marker"]["size"]) for trace in traces))


def test_charts_count_whom_the_address_leaves() -> None:
    """Map and histogram show exactly the peers of the chosen country."""
    _, _, shown = fetched()
    french = shown.numbers(Selection(countries=frozenset({"FR"}))).memberships
    assert bar_sum(drawn("?country=FR", "histogram")) == french
    assert markers(drawn("?country=FR", "map")) == french
    assert bar_sum(drawn("", "histogram")) == shown.numbers(Selection()).memberships


def test_a_chart_fades_what_was_not_chosen_on_it() -> None:
    """A chosen bin leaves the other bins in sight, faded; the map shows its peers alone."""
    _, _, shown = fetched()
    bins = shown.histogram(Selection(), Binning.LOG2)
    order = int(bins["order"][0])
    traces = drawn(f"?bin={order}", "histogram")
    assert bar_sum(traces) == shown.numbers(Selection()).memberships
    for trace in traces:
        full = [opacity == 1 for opacity in trace["marker"]["opacity"]]
        assert full == [at == order for at in trace["customdata"]]
    there = Selection(size_bin=(Binning.LOG2, order))
    placed = shown.places(there, Viewport(1.0).cell_deg, None)["peers"].sum()
    assert markers(drawn(f"?bin={order}", "map")) == placed


def test_a_marker_carries_its_place_and_area_by_peers() -> None:
    """What a click sends is a key that the same run reads; areas are proportional to peers."""
    _, _, shown = fetched()
    (trace,) = [one for one in drawn("", "map") if one["type"] == "scattermap"]
    key, peers = trace["customdata"][0], trace["marker"]["size"][0]
    assert trace["marker"]["sizemode"] == "area"
    assert shown.numbers(Selection(place=key)).memberships == peers
    assert shown.view.place_name(key) is not None
    assert shown.view.place_name("point:1:1") is None


def test_hidden_colours_stay_away_from_both_charts() -> None:
    """A hidden country has neither bar nor marker, the others keep theirs."""
    _, _, shown = fetched()
    everybody = shown.numbers(Selection()).memberships
    french = shown.numbers(Selection(countries=frozenset({"FR"}))).memberships
    assert bar_sum(drawn("", "histogram", hidden=("FR",))) == everybody - french
    assert markers(drawn("", "map", hidden=("FR",))) == markers(drawn("", "map")) - french


def test_a_second_drawing_touches_no_view() -> None:
    """What is sent to a chart that stands replaces data and colours, never zoom or centre."""
    live, key, shown = fetched()
    colours = choose_colours(shown, live.slots(key), wish())
    patch = draw_map(shown, colours, wish(), Viewport(1.0), "/assets", whole=False)
    assert isinstance(patch, Patch)
    touched = [operation["location"] for operation in patch.to_plotly_json()["operations"]]
    assert ["data"] in touched
    assert all("zoom" not in path and "center" not in path for path in touched)


def test_without_a_run_the_charts_are_empty() -> None:
    """A world without a run draws an empty map and no bars."""
    wanted = wish()
    colours = choose_colours(None, {}, wanted)
    (trace,) = draw_map(None, colours, wanted, Viewport(1.0), "/assets", whole=True)["data"]
    assert (trace["type"], trace["lat"]) == ("scattermap", [])
    assert draw_histogram(None, colours, wanted, whole=True)["data"] == []


def test_shares_of_a_bin() -> None:
    """Shares are a matter of the layout: what is counted stays the same."""
    live, key, shown = fetched()
    wanted = wish("?bars=shares")
    colours = choose_colours(shown, live.slots(key), wanted)
    figure = draw_histogram(shown, colours, wanted, whole=True)
    assert figure["layout"]["barnorm"] == "percent"
    assert bar_sum(figure["data"]) == shown.numbers(Selection()).memberships


def test_the_classic_map_has_a_marker_per_torrent_and_place() -> None:
    """The switch brings back the classic tool's markers: log2 of the torrent's megabytes."""
    (trace,) = drawn("?map=classic", "map")
    assert max(trace["marker"]["size"]) < 16
    assert any("Open film no." in text for text in trace["text"])


def test_words_for_what_is_chosen_are_buttons() -> None:
    """Each part of a selection is named and can be taken away alone."""
    assert narrowed(AddressState(), None, None) == []
    state = read_address("?country=FR&country=DE&category=Film&bin=300&place=point:1:2")
    said = narrowed(state, "300 - 399", "Paris, FR")
    buttons = [part.to_plotly_json()["props"] for part in said[1:]]
    picks = [(props["data-pick"], props["data-value"]) for props in buttons]
    assert picks == [
        ("country", "DE"), ("country", "FR"), ("category", "Film"), ("bin", "300"),
        ("place", "point:1:2"), ("all", ""),
    ]  # fmt: skip


def test_a_category_is_text() -> None:
    """A category is the site's word: control and direction marks do not reach the page."""
    (choice,) = category_choices(["Film\u202e\nx"])
    assert choice["label"].isprintable()
    assert choice["value"] == "Film\u202e\nx"


@pytest.mark.parametrize(
    ("seen", "viewport"),
    [
        ({"zoom": 3}, Viewport(3.0)),
        ({"zoom": 6, "bounds": [1, 2.5, 3, 4]}, Viewport(6.0, Bounds(1.0, 2.5, 3.0, 4.0))),
        (None, Viewport(1.5)),
        ({"zoom": "x"}, Viewport(1.5)),
        ({"zoom": 6, "bounds": ["a", 1, 2, 3]}, Viewport(6.0)),
    ],
)
def test_a_viewport_is_read_from_hostile_input(seen: object, viewport: Viewport) -> None:
    """What the browser says of the map is taken where it has the right shape, else passed over."""
    assert read_viewport(seen, 1.5) == viewport


def test_markers_part_when_the_map_comes_close() -> None:
    """Cells shrink with the zoom until each place has a marker of its own."""
    cells = [Viewport(float(zoom)).cell_deg for zoom in range(9)]
    sizes = [cell for cell in cells if cell is not None]
    assert sizes == sorted(sizes, reverse=True)
    assert cells[7:] == [None, None]
    assert 0 <= map_zoom(390) < map_zoom(2560) <= 2


def test_a_map_has_no_more_markers_than_can_be_told_apart() -> None:
    """Where a run has more places than that, larger cells merge them; nobody is lost."""
    _, _, shown = fetched()
    places = Viewport(7.0)
    many, cell_deg = places_in_view(shown, Selection(), places)
    assert cell_deg is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dashboard.overview.drawing._MOST_MARKERS", 100)
        few, cell_deg = places_in_view(shown, Selection(), places)
    assert len(few) <= 100 < len(many)
    assert cell_deg is not None
    assert few["peers"].sum() == many["peers"].sum()


def test_the_table_names_everybody_and_says_who_is_chosen() -> None:
    """Countries that are not chosen stay in the table, quiet; each name is a button."""
    live, key, shown = fetched()
    wanted = wish("?country=FR")
    colours = choose_colours(shown, live.slots(key), wanted)
    rows = country_rows(shown, colours, wanted)
    named = {row["code"]: row for row in rows if "code" in row}
    assert (named["FR"]["chosen"], named["FR"]["quiet"]) == (True, False)
    assert (named["DE"]["chosen"], named["DE"]["quiet"]) == (False, True)
    assert UNKNOWN_COUNTRY in named
    everybody = shown.countries(Selection())
    assert set(named) == set(everybody["country"])
    marked = [row["key"] for row in rows if "key" in row]
    assert marked == [*colours.top, OTHER, UNKNOWN_COUNTRY]
