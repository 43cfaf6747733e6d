"""Swarms, a swarm's own page, Runs and Compare over two real runs on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from dash import html

from benchmarks.seeded_run import Scale, write_run
from dashboard.live import LiveView
from dashboard.page import Visit
from dashboard.runs.compare import COMPARE, asked_for
from dashboard.runs.page import RUNS, archive
from dashboard.swarms.one import SWARM
from dashboard.swarms.page import swarm_rows
from observatory.desk import Observatory
from observatory.host import Host
from storage.workspace import Workspace
from swarm.errors import StorageError
from tests.unit.test_dashboard_jobs_methods import texts

FIRST, SECOND = "20261101-120000-beac", "20261108-120000-beac"
SWARMS = 40


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveView]:
    """A desk with two seeded runs, as the page sees it."""
    root: Path = tmp_path_factory.mktemp("archive")
    (root / "runs").mkdir()
    write_run(root / "runs", Scale(4_000, SWARMS), run_id=FIRST)
    write_run(root / "runs", Scale(3_000, SWARMS, seed=8), run_id=SECOND)
    desk = Observatory(Workspace(root), name="Internet", description="two runs")
    yield LiveView(cast(Host, SimpleNamespace(current=desk, lab_state="off", lab_message="")))
    desk.close()


def listed(live: LiveView, search: str = "", query: str = "", **request: Any) -> Any:
    return swarm_rows(live, {"startRow": 0, "endRow": 100} | request, search, query)


def test_the_list_is_turned_page_by_page(live: LiveView) -> None:
    """Pages follow each other without gap or double, the most peers first."""
    whole, total = listed(live)
    assert total == len(whole) == SWARMS
    pages = [listed(live, startRow=at, endRow=at + 15)[0] for at in (0, 15, 30)]
    assert [row for page in pages for row in page] == whole
    peers = [int(row["peers"].replace(",", "")) for row in whole]
    assert sorted(peers, reverse=True) == peers


def test_the_list_is_sorted_searched_and_narrowed(live: LiveView) -> None:
    """By name, by text of a name, by what the address says; sums agree with the view."""
    by_name, _ = listed(live, sortModel=[{"colId": "name", "sort": "asc"}])
    names = [row["name"] for row in by_name]
    assert sorted(names) == names
    found, total = listed(live, search=by_name[3]["infohash"])
    assert (total, found[0]["infohash"]) == (1, by_name[3]["infohash"])
    country = live.host.current.view(FIRST).countries()["country"][0]
    narrowed, _ = listed(live, query=f"?run={FIRST}&country={country}")
    there = live.host.current.view(FIRST).countries().row(0, named=True)["peers"]
    assert sum(int(row["peers"].replace(",", "")) for row in narrowed) == there


@pytest.mark.parametrize(
    "request_",
    [
        {"startRow": -5, "endRow": "x"},
        {"sortModel": [{"colId": "__class__", "sort": "asc"}]},
        {"sortModel": "name"},
        {"startRow": 10**12, "endRow": 10**13},
    ],
)
def test_a_hostile_request_gets_a_page(live: LiveView, request_: dict[str, Any]) -> None:
    """What the browser sends and does not read is passed over."""
    rows, total = listed(live, **request_)
    assert total == SWARMS
    assert len(rows) <= 100


def test_a_swarms_page_tells_its_peers_and_its_history(live: LiveView) -> None:
    """Peers by country add up to the swarm's; a run that does not know it says so."""
    row = listed(live, query=f"?run={FIRST}")[0][0]
    said = texts(SWARM.layout(live, Visit({"infohash": row["infohash"]}, f"?run={FIRST}")))
    assert row["name"] in said
    assert row["peers"] in said
    unknown = texts(SWARM.layout(live, Visit({"infohash": "0" * 39 + "<"}, "")))
    assert any("knows no swarm" in text for text in unknown)


def test_the_archive_lists_every_run(live: LiveView) -> None:
    """Both runs with their peers, the newest first."""
    said = texts(archive(live))
    assert "4,000" in said
    assert "3,000" in said


def test_the_latest_two_runs_are_ready_to_be_compared(live: LiveView) -> None:
    """The one before, then the latest; what can be done with runs is there since there are some."""
    page = html.Div(RUNS.layout(live, Visit({}, "")))
    chosen = [page[name].value for name in ("runs-first", "runs-second", "runs-taken-run")]
    assert chosen == [FIRST, SECOND, SECOND]
    assert page["runs-orders"].className == "orders"


def test_two_runs_are_compared(live: LiveView) -> None:
    """Tables of countries, places and swarms; ids that are none are one sentence."""
    said = texts(COMPARE.layout(live, Visit({}, f"?a={FIRST}&b={SECOND}")))
    assert any("torrents" in text for text in said)
    assert said.count("Before") == said.count("Difference") == 3
    assert "Choose two runs to compare, on the page Runs." in texts(
        COMPARE.layout(live, Visit({}, "?a=&b="))
    )
    with pytest.raises(StorageError, match="no run"):
        COMPARE.layout(live, Visit({}, "?a=../x&b=y"))


def test_only_one_of_each_run_is_asked_for() -> None:
    """Doubled, missing or endless parameters name nothing."""
    assert asked_for("?a=1&b=2") == ("1", "2")
    assert asked_for("?a=1&a=3&b=2") == ("", "2")
    assert asked_for("?" + "a=1&" * 500) == ("", "")
