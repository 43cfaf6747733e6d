"""Figures: one trace for the map, inert names, axes in bin order, colours by country."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures import (
    LONGEST_NAME,
    bin_order,
    bin_ticks,
    histogram_layout,
    histogram_traces,
    inert_text,
    map_layout,
    map_traces,
    marker_px,
    size_text,
    theme_changes,
)
from analysis.palette import DARK, LIGHT
from analysis.tables import OTHER, Binning

SLOTS = {"FR": 0, "DE": 1}
HISTOGRAM = pl.DataFrame(
    [
        (0, "0 - 99", "FR", 3),
        (0, "0 - 99", OTHER, 7),
        (3, "300 - 399", "DE", 2),
        (3, "300 - 399", "ZZ", 1),
    ],
    schema=["order", "label", "country", "peers"],
    orient="row",
)
PLACES = pl.DataFrame(
    [
        (48.9, 2.4, "Paris", "FR", "<b>film</b>", 1024.0, 3, 1),
        (52.5, 13.4, None, "DE", "book", None, 1, 1),
        (1.0, 2.0, None, "ZZ", None, 64.0, 9, 4),
        (35.7, 139.7, "Tokyo", "JP", "game", 64.0, 1, 1),
    ],
    schema=["latitude", "longitude", "city", "country", "name", "size_mb", "peers", "swarms"],
    orient="row",
)


@given(st.text())
def test_inert_text_has_no_markup_and_one_line(text: str) -> None:
    """Whatever a torrent calls itself: no tag, no attribute, no line break, bounded."""
    shown = inert_text(text)
    assert not set(shown) & set("<>\"'\n\r\t")
    assert len(shown) <= LONGEST_NAME * len("&quot;")


def test_inert_text_drops_marks_that_turn_the_writing_direction() -> None:
    """A name cannot disguise its ending by a right-to-left override."""
    assert inert_text("film\u202egpj.exe\u200b\x00") == "film gpj.exe"


@pytest.mark.parametrize(
    ("size_mb", "px"), [(None, 1.0), (0.5, 1.0), (2, 1.0), (1024, 10.0), (4096, 12.0)]
)
def test_markers_grow_with_log2_of_the_size(size_mb: float | None, px: float) -> None:
    """log2 of the megabytes, never less than one pixel."""
    assert marker_px(size_mb) == px


@pytest.mark.parametrize(
    ("size_mb", "text"),
    [(None, "size unknown"), (0.64, "640 kB"), (350, "350 MB"), (1410, "1.41 GB"), (2e6, "2 TB")],
)
def test_sizes_are_decimal(size_mb: float | None, text: str) -> None:
    """As sites and the classic tool write them."""
    assert size_text(size_mb) == text


def test_the_map_is_one_trace_that_keeps_the_order() -> None:
    """A marker a row, sized and coloured; the row order decides what is drawn on top."""
    (trace,) = map_traces(PLACES, SLOTS, DARK)
    assert list(trace.lat) == [48.9, 52.5, 1.0, 35.7]
    assert list(trace.marker.size) == [10.0, 1.0, 6.0, 6.0]
    colours = [DARK.countries[0], DARK.countries[1], DARK.unknown, DARK.other]
    assert list(trace.marker.color) == colours


def test_hover_names_torrent_size_place_and_peers() -> None:
    """Names escaped; no city is said as such; a merged marker counts its torrents."""
    (trace,) = map_traces(PLACES, SLOTS, DARK)
    assert trace.text[0] == "<b>&lt;b&gt;film&lt;/b&gt;</b><br>1.02 GB<br>Paris, France<br>3 peers"
    assert trace.text[1] == "<b>book</b><br>size unknown<br>somewhere in Germany<br>1 peer"
    assert trace.text[2].startswith("<b>4 torrents</b><br>median 64 MB")


def test_hidden_countries_are_on_neither_chart() -> None:
    """Hiding a country, all others or the unknown takes marks and empty bins away."""
    (trace,) = map_traces(PLACES, SLOTS, DARK, hidden=["FR", OTHER])
    assert list(trace.lat) == [52.5, 1.0]
    bars = histogram_traces(HISTOGRAM, ["FR", "DE"], SLOTS, DARK, hidden=["FR", OTHER])
    assert [bar.name for bar in bars] == ["Germany", "Unknown country"]
    assert bin_order(HISTOGRAM, hidden=["FR", OTHER]) == ["300 - 399"]


def test_bars_are_stacked_top_first_then_others_then_unknown() -> None:
    """A trace a country in its colour; the unknown is told apart by a pattern as well."""
    bars = histogram_traces(HISTOGRAM, ["FR", "DE"], SLOTS, LIGHT)
    names = ["France", "Germany", "Other countries", "Unknown country"]
    assert [bar.name for bar in bars] == names
    assert [bar.marker.color for bar in bars[:2]] == list(LIGHT.countries[:2])
    assert bars[3].marker.pattern.shape == "/"
    assert bin_order(HISTOGRAM) == ["0 - 99", "300 - 399"]


def test_an_axis_of_doublings_has_no_jumps() -> None:
    """A doubling that nobody shares keeps its place; bins of 100 MB that are empty are absent."""
    rows = [(-1, "0 - 1", "FR", 3), (2, "4 - 8", "DE", 1), (10**9, "unknown size", "FR", 1)]
    held = pl.DataFrame(rows, schema=["order", "label", "country", "peers"], orient="row")
    doublings = ["0 - 1", "1 - 2", "2 - 4", "4 - 8", "unknown size"]
    assert bin_order(held, binning=Binning.LOG2) == doublings
    assert bin_order(held, ["DE"], Binning.LOG2) == ["0 - 1", "unknown size"]
    assert bin_order(held.filter(pl.col("order") > 2), binning=Binning.LOG2) == ["unknown size"]
    assert bin_order(held) == ["0 - 1", "4 - 8", "unknown size"]


def test_doublings_are_written_shortly_below_the_axis() -> None:
    """GB from 1024 MB on; bins of 100 MB keep the labels of the classic tool."""
    order = ["0 - 1", "512 - 1024", "1024 - 2048", "unknown size"]
    ticks = bin_ticks(order, Binning.LOG2)
    assert ticks["tickvals"] == order
    assert ticks["ticktext"] == ["0-1", "512-1024", "1-2 GB", "unknown size"]
    assert bin_ticks(order, Binning.CLASSIC)["ticktext"] is None


def test_the_map_asks_nobody_but_us() -> None:
    """Explicit centre and zoom; both sources are ours; no glyphs or sprites from elsewhere."""
    layout = map_layout(DARK, "/assets", 0.5).to_plotly_json()
    assert layout["map"]["zoom"] == 0.5
    assert set(layout["map"]["center"]) == {"lat", "lon"}
    style = layout["map"]["style"]
    assert not {"glyphs", "sprite"} & set(style)
    assert all(s["data"].startswith("/assets/") for s in style["sources"].values())


def test_a_theme_changes_colours_and_nothing_of_the_readers() -> None:
    """No entry that zooming or panning writes to is among the changes."""
    readers = {("map", "zoom"), ("map", "center"), ("xaxis", "range"), ("xaxis", "autorange")}
    layouts = (
        (map_layout(DARK, "/assets", 1), map_layout(LIGHT, "/assets", 1)),
        (histogram_layout(DARK), histogram_layout(LIGHT)),
    )
    for dark, light in layouts:
        before, after = theme_changes(dark), theme_changes(light)
        assert before.keys() == after.keys()
        assert not readers & before.keys()
        assert all(before[path] != after[path] for path in before)
