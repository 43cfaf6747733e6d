"""observatory.run_view: every figure of a selection is what a count of the raw rows says."""

from __future__ import annotations

import polars as pl
import pytest

from analysis.raw_tables import raw_tables
from analysis.selection import Bounds, Selection
from analysis.tables import Binning, countries_table, histogram_table
from benchmarks.seeded_run import Scale, write_run
from observatory.rollups import Rollups, make_rollup
from observatory.run_view import RunView
from storage.runs import RunReader

SCALE = Scale(sightings=20_000, swarms=60)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunReader:
    return RunReader(write_run(tmp_path_factory.mktemp("runs"), SCALE))


@pytest.fixture(scope="module")
def view(run: RunReader) -> RunView:
    return RunView(run, make_rollup(run))


@pytest.fixture(scope="module")
def rows(run: RunReader) -> pl.DataFrame:
    """Raw rows with category and size of their swarm."""
    return run.sightings().join(run.swarms(), on="swarm").collect()


def counted(frame: pl.DataFrame, *names: str) -> dict[object, int]:
    """Peers by the columns' values."""
    return {row[:-1]: row[-1] for row in frame.select(*names, "peers").rows()}


def grouped(rows: pl.DataFrame, *names: str) -> dict[object, int]:
    """Rows by the columns' values."""
    return counted(rows.group_by(names).agg(peers=pl.len()), *names)


SELECTIONS = {
    "everything": (Selection(), pl.lit(True)),
    "countries": (
        Selection(countries=frozenset({"AA", "AB"})),
        pl.col("country").is_in(["AA", "AB"]),
    ),
    "category": (Selection(categories=frozenset({"Music"})), pl.col("category") == "Music"),
    "bin": (
        Selection(size_bin=(Binning.LOG2, 9)),
        pl.col("size_bytes").is_between(512_000_000, 1_024_000_000, closed="left"),
    ),
    "two categories": (
        Selection(categories=frozenset({"Music", "Maps", "No such"})),
        pl.col("category").is_in(["Music", "Maps"]),
    ),
    "a classic bin of a country": (
        Selection(countries=frozenset({"AA"}), size_bin=(Binning.CLASSIC, 3)),
        (pl.col("country") == "AA")
        & pl.col("size_bytes").is_between(300_000_000, 400_000_000, closed="left"),
    ),
    "swarm": (Selection(swarm=5), pl.col("swarm") == 5),
    "all at once": (
        Selection(
            countries=frozenset({"AA"}),
            categories=frozenset({"Movies"}),
            size_bin=(Binning.LOG2, 9),
        ),
        (pl.col("country") == "AA")
        & (pl.col("category") == "Movies")
        & pl.col("size_bytes").is_between(512_000_000, 1_024_000_000, closed="left"),
    ),
}


@pytest.mark.parametrize("binning", Binning)
def test_raw_rows_say_what_the_rollup_says(view: RunView, run: RunReader, binning: Binning) -> None:
    """Counted straight from the sightings, bins and places are those of the view."""
    histogram, places = raw_tables(run.sightings(), run.swarms().collect(), binning)
    assert histogram.equals(view.histogram(binning=binning))
    points = places.filter(pl.col("latitude").is_not_null()).group_by("latitude", "longitude")
    shown = view.places().select("lat", "lon", "peers").rows()
    rounded = {(round(lat, 4), round(lon, 4), peers) for lat, lon, peers in shown}
    assert set(points.agg(pl.col("peers").sum()).rows()) == rounded
    assert places["peers"].sum() == SCALE.sightings


@pytest.mark.parametrize("name", SELECTIONS)
def test_each_figure_counts_the_rows_of_its_selection(
    view: RunView, run: RunReader, rows: pl.DataFrame, name: str
) -> None:
    """Countries, places, networks, hosting, sources, bins and totals: as counted row by row."""
    selection, chosen = SELECTIONS[name]
    rows = rows.filter(chosen)
    assert len(rows) > 50
    assert counted(view.countries(selection), "country") == grouped(rows, "country")
    assert counted(view.places(selection), "label", "country") == grouped(rows, "city", "country")
    assert counted(view.networks(selection), "asn", "hosting") == grouped(rows, "asn", "hosting")
    assert counted(view.hosting(selection), "hosting") == grouped(rows, "hosting")
    for source in view.sources(selection).rows(named=True):
        bit = {"dht": 1, "tracker": 2, "pex": 4}[source["source"]]
        assert source["peers"] == rows.filter(pl.col("sources") & bit != 0).height
        assert source["alone"] == rows.filter(pl.col("sources") == bit).height
    tallies = rows.group_by("swarm", "country").agg(peers=pl.len().cast(pl.Int64)).lazy()
    for binning in Binning:
        expected = histogram_table(tallies, run.swarms(), binning)
        assert view.histogram(selection, binning).rows() == expected.rows()
    expected = countries_table(tallies, run.swarms())
    assert view.countries(selection).rows() == expected.rows()
    numbers = view.key_numbers(selection)
    assert (numbers.peers, numbers.memberships) == (rows["peer"].n_unique(), len(rows))
    assert (numbers.swarms, numbers.places) == (rows["swarm"].n_unique(), rows["city"].n_unique())


@pytest.mark.parametrize("name", SELECTIONS)
def test_distinct_peers_need_no_rows_once_a_run_has_ended(
    run: RunReader, rows: pl.DataFrame, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They stand in the roll-up that is kept, for every selection but a place."""
    view = RunView(run, Rollups().of(run))
    if name != "swarm":  # it is rolled up from its own rows
        monkeypatch.setattr(view, "_chosen_rows", None)
    selection, chosen = SELECTIONS[name]
    assert view.key_numbers(selection).peers == rows.filter(chosen)["peer"].n_unique()


@pytest.mark.parametrize("cell_deg", [None, 5.0])
def test_a_place_is_selected_by_its_key(
    view: RunView, rows: pl.DataFrame, cell_deg: float | None
) -> None:
    """The key that a place is given finds just the peers that it was drawn with."""
    places = view.places(cell_deg=cell_deg)
    assert places["peers"].sum() == len(rows)
    for place in (places.row(0, named=True), places.row(len(places) // 2, named=True)):
        numbers = view.key_numbers(Selection(place=place["key"]))
        assert (numbers.memberships, numbers.places) == (place["peers"], place["places"])
        names = view.top_torrents(place["key"])
        assert 1 <= len(names) <= 3


def test_bounds_keep_what_is_inside(view: RunView) -> None:
    """A box, and one across the antimeridian, hold the places between their sides."""
    places = view.places()
    box = view.places(bounds=Bounds(west=-20, south=0, east=40, north=50))
    assert box["key"].to_list() == (
        places.filter(pl.col("lon").is_between(-20, 40), pl.col("lat").is_between(0, 50))[
            "key"
        ].to_list()
    )
    across = view.places(bounds=Bounds(west=170, south=-90, east=-170, north=90))
    assert len(across) == places.filter(pl.col("lon").abs() >= 170).height > 0


def test_the_list_of_swarms_is_searched_sorted_and_paged(view: RunView) -> None:
    """Pages follow each other without a gap; estimates and their intervals are in the rows."""
    first, total = view.swarms(limit=7)
    second, _ = view.swarms(offset=7, limit=53)
    assert total == len(first) + len(second) == SCALE.swarms
    peers = [*first["peers"], *second["peers"]]
    assert peers == sorted(peers, reverse=True)
    assert sum(peers) == SCALE.sightings
    row = first.row(0, named=True)
    assert row["low"] < row["estimate"] < row["high"]
    assert row["top_countries"][0] == view.countries(Selection(swarm=row["swarm"]))["country"][0]
    found, total = view.swarms(search=" TORRENT 5", sort="name", descending=False, limit=100)
    assert found["name"].to_list()[:3] == ["Torrent 5", "Torrent 50", "Torrent 51"]
    assert total == len(found) == 11
    assert view.swarms(search="%.*")[1] == 0
    with pytest.raises(ValueError, match="not sorted by"):
        view.swarms(sort="no such column")


@pytest.mark.parametrize(
    "selection",
    [
        Selection(countries=frozenset({"'; DROP"})),
        Selection(categories=frozenset({"none such"})),
        Selection(place="somewhere"),
        Selection(place="cell:0.00:1"),
        Selection(place="point:999999:9999999"),
        Selection(swarm=10**6),
        Selection(size_bin=(Binning.CLASSIC, -4)),
    ],
)
def test_what_selects_nobody_is_empty(view: RunView, selection: Selection) -> None:
    """A selection that nobody meets, or that is nonsense, gives empty tables and no error."""
    assert view.countries(selection).is_empty()
    assert view.histogram(selection).is_empty()
    assert view.places(selection).is_empty()
    numbers = view.key_numbers(selection)
    assert (numbers.peers, numbers.memberships, numbers.located_share) == (0, 0, None)


def test_seeds_of_all_swarms_keep_their_interval(view: RunView) -> None:
    """The sum's interval is narrower than the sum of the ends, and there is none by country."""
    numbers = view.key_numbers()
    assert numbers.seeds is not None
    assert numbers.seeds.high is not None
    assert numbers.seeds.value == pytest.approx(0.4 * SCALE.sightings)
    assert 0.35 * SCALE.sightings < numbers.seeds.low < numbers.seeds.value < numbers.seeds.high
    assert view.key_numbers(Selection(countries=frozenset({"AA"}))).seeds is None
    assert numbers.downloaders is None
