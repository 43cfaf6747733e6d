"""LiveView: figures are computed once a revision, colours stay, a vanished run is a sentence."""

from __future__ import annotations

import itertools
from typing import cast

import polars as pl
import pytest
from polars.exceptions import ComputeError

from analysis.selection import Selection
from dashboard.address_state import AddressState
from dashboard.app import build_app
from dashboard.live import LiveView
from dashboard.overview.callbacks import obey
from dashboard.overview.state import state_of_page
from observatory.host import Host
from observatory.job import JobKind
from swarm.errors import JobRefused, StorageError
from tests.browser.fake_host import FakeHost, FakeRun


def watched() -> tuple[FakeHost, LiveView]:
    """A world in the middle of a fetch, and the page's view of it, a minute later at each look."""
    host = FakeHost(torrents=24)
    host.home.start(JobKind.FETCH, {})
    host.home.work(6)
    return host, LiveView(cast(Host, host), itertools.count(0, 60).__next__)


def test_the_stamp_changes_only_when_something_did() -> None:
    """Nothing new, nothing sent; a finished swarm or a starting lab is new."""
    host, live = watched()
    before = live.stamp()
    assert live.stamp() == before
    host.home.work(1)
    after = live.stamp()
    assert after != before
    host.start_lab()
    assert live.stamp() != after


def test_all_tabs_look_together() -> None:
    """Within a moment nobody looks again, but for who has ordered something; then all see it."""
    host, _ = watched()
    now = 0.0
    live = LiveView(cast(Host, host), lambda: now)
    before = live.stamp()
    run = live.shown_run(live.host.current)
    key = live.key(live.host.current, run)
    host.home.work(1)
    assert (live.stamp(), live.key(live.host.current, run)) == (before, key)
    assert live.stamp(at_once=True) != before
    assert live.key(live.host.current, run) != key
    seen = live.stamp()
    host.home.work(1)
    now = 0.3
    assert live.stamp() != seen


def test_a_change_is_told_the_later_the_more_all_tabs_took() -> None:
    """When twenty times the CPU of all answers since the last one has passed, ten s at most."""
    host, _ = watched()
    now = 0.0
    live = LiveView(cast(Host, host), lambda: now)
    shown = live.shown(live.key(live.host.current, live.shown_run(live.host.current)))
    assert shown is not None
    host.home.work(1)
    before = live.stamp(at_once=True)
    for cost_s, too_early, in_time in ((0.02, 3.9, 4.1), (3.0, 14.0, 14.2)):
        for _tab in range(10):
            live.spent(cost_s)
        host.home.work(1)
        now = too_early
        assert live.stamp() == before
        now = in_time
        assert live.stamp() != before
        before = live.stamp()


def test_figures_are_made_once_for_each_state_of_a_run() -> None:
    """The same revision and selection give the same table, the next revision others."""
    host, live = watched()
    desk = live.host.current
    run = live.shown_run(desk)
    key = live.key(desk, run)
    shown = live.shown(key)
    assert shown is not None
    assert live.shown(key) is shown
    french = Selection(countries=frozenset({"FR"}))
    assert shown.countries(french) is shown.countries(Selection(countries=frozenset({"FR"})))
    assert shown.countries(french)["country"].to_list() == ["FR"]
    host.home.work(1)
    assert live.key(desk, run) != key


def test_colours_stay_while_a_run_grows() -> None:
    """Who has a colour at the first look has it at the last, if still on top."""
    host, live = watched()
    desk = live.host.current
    first = live.slots(live.key(desk, live.shown_run(desk)))
    host.home.work(18)
    last = live.slots(live.key(desk, live.shown_run(desk)))
    assert all(last[country] == slot for country, slot in first.items() if country in last)


def test_a_run_that_vanishes_while_it_is_read_is_a_sentence() -> None:
    """What polars and the disk complain of becomes a StorageError that names the run."""

    class Torn(FakeRun):
        def sightings(self) -> pl.LazyFrame:
            raise ComputeError("file ended early")

    host, live = watched()
    host.home.all_runs[0].__class__ = Torn
    run_id = host.home.all_runs[0].run_id
    with pytest.raises(StorageError, match=rf"{run_id}.*file ended early"):
        live.shown(live.key(live.host.current, live.shown_run(live.host.current)))


def test_another_run_than_the_latest_can_be_wanted() -> None:
    """The seam for a run picker: by its id, or none where there is no such run."""
    host, live = watched()
    assert live.shown_run(live.host.current, host.home.all_runs[0].run_id) is not None
    assert live.shown_run(live.host.current, "20200101-000000-abcd") is None


def test_the_state_of_an_empty_world_names_no_run() -> None:
    """Without a run the figures step back and the offer is shown, in the lab without the lab."""
    host = FakeHost()
    live = LiveView(cast(Host, host))
    state = state_of_page(live, 3, AddressState())
    assert (state["empty"], state["figures"]) == ("card empty", "figures no-run")
    host.lab_is_ready()
    assert state_of_page(live, 3, AddressState())["empty"] == "card empty in-lab"


def test_buttons_order_jobs() -> None:
    """Each button does its one thing; a bad number is refused before a job begins."""
    host = FakeHost(torrents=3)
    worlds = cast(Host, host)
    with pytest.raises(JobRefused, match="whole number"):
        obey(worlds, "scrape", None)
    obey(worlds, "scrape", 2)
    with pytest.raises(JobRefused, match="scrape job is running"):
        obey(worlds, "fetch", 2)
    obey(worlds, "cancel", 2)
    obey(worlds, "fetch", 2)
    assert [job.kind for job in host.home.jobs] == [JobKind.SCRAPE, JobKind.FETCH]


def test_the_page_is_served_without_any_foreign_address() -> None:
    """The HTML that opens the page names its language and no other server."""
    client = build_app(cast(Host, FakeHost())).server.test_client()
    html = client.get("/").get_data(as_text=True)
    assert '<html lang="en">' in html
    assert "https://" not in html
    assert "//cdn" not in html
