"""What the shown world is like right now, computed once for all tabs.

A run's figures are kept until its revision changes, and whether it has changed is looked at a few
times a second for all tabs together. After a change, the next one is told the later the more all
answers to it took: so the page costs a crawl no more than a share of one core, however big the run
is and however many look at it. Colours are kept for each run, so that none changes its meaning
while it grows.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import polars as pl
from polars.exceptions import PolarsError

from analysis.palette import SLOTS, assign_slots
from analysis.rollup import kinds_of, of_country, of_kind
from analysis.selection import Bounds, Selection, at_place
from analysis.tables import Binning, places_table, top_countries
from analysis.totals import RunTotals
from observatory.desk import Observatory
from observatory.host import Host
from observatory.run_view import RunView
from observatory.summaries import RunSummary
from storage.runs import RunReader
from swarm.errors import StorageError

_KEPT_RUNS = 4
_KEPT_ANSWERS = 200  # per run: selections times charts
_LOOK_S = 0.25  # between two looks at the world
_REST = 20  # times the CPU of all answers since a change was told, until the next is
_LONGEST_REST_S = 10.0
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RunKey:
    """One state of one run of one world."""

    world: str
    run_id: str  # empty: the world has no run
    revision: str


class ShownRun:
    """The figures of one state of a run, each computed when it is first asked for.

    Each method raises StorageError where a part does not read, for example since the run was
    purged meanwhile.
    """

    def __init__(self, reader: RunReader, view: RunView, spent: Callable[[float], None]) -> None:
        """`spent` is told the CPU seconds that other threads took to make something."""
        self.view = view
        self._spent = spent
        self._making = False
        self._reader = reader
        self._lock = threading.RLock()  # what is drawn asks for tables
        self._made: OrderedDict[tuple[object, ...], object] = OrderedDict()

    def numbers(self, selection: Selection) -> RunTotals:
        """See `RunView.key_numbers`."""
        return self.made(("numbers", selection), lambda: self.view.key_numbers(selection))

    def countries(self, selection: Selection) -> pl.DataFrame:
        """See `RunView.countries`."""
        return self.made(("countries", selection), lambda: self.view.countries(selection))

    def histogram(self, selection: Selection, binning: Binning) -> pl.DataFrame:
        """See `RunView.histogram`."""
        return self.made(
            ("bins", selection, binning), lambda: self.view.histogram(selection, binning)
        )

    def places(
        self, selection: Selection, cell_deg: float | None, bounds: Bounds | None
    ) -> pl.DataFrame:
        """See `RunView.places`."""
        return self.made(
            ("places", selection, cell_deg, bounds),
            lambda: self.view.places(selection, cell_deg=cell_deg, bounds=bounds),
        )

    def country_level(self, selection: Selection) -> pl.DataFrame:
        """See `RunView.country_level`."""
        return self.made(("level", selection), lambda: self.view.country_level(selection))

    def top_torrents(self, place_or_country: str) -> list[str]:
        """See `RunView.top_torrents`."""
        return self.made(
            ("top", place_or_country), lambda: self.view.top_torrents(place_or_country)
        )

    def markers(self, selection: Selection) -> pl.DataFrame:
        """The classic tool's markers, a torrent at a place each: see `places_table`."""
        return self.made(("markers", selection), lambda: self._markers(selection))

    def categories(self) -> list[str]:
        """The categories of the run's torrents, in order; "" where some have none."""
        names = self.view.swarm_table["category"].fill_null("").unique()
        return sorted(names.to_list())

    def _markers(self, selection: Selection) -> pl.DataFrame:
        swarms = self.view.swarm_table
        kinds, kind_of_swarm = kinds_of(swarms)
        kept = kind_of_swarm.join(kinds.filter(of_kind(selection)), on="kind", how="semi")
        rows = self._reader.sightings().filter(of_country(selection))
        if selection.place is not None:
            rows = rows.filter(at_place(selection.place))
        return places_table(rows, swarms.join(kept, on="swarm", how="semi").lazy())

    def made(self, question: tuple[object, ...], make: Callable[[], _T]) -> _T:
        """What `make` makes for the `question`: computed once, by one thread, for all tabs."""
        with self._lock:
            if question not in self._made:
                before, within = _cpu_of_others_s(), self._making
                self._making = True
                try:
                    self._made[question] = make()
                except (OSError, PolarsError) as error:
                    raise _unreadable(self._reader.run_id, error) from None
                finally:
                    self._making = within
                    if not within:  # else who asked for it counts it
                        self._spent(_cpu_of_others_s() - before)
                while len(self._made) > _KEPT_ANSWERS:
                    self._made.popitem(last=False)
            self._made.move_to_end(question)
            return self._made[question]  # type: ignore[return-value]


def _cpu_of_others_s() -> float:
    """What this process has used outside this thread: polars counts with threads of its own."""
    return time.process_time() - time.thread_time()


def _unreadable(run_id: str, error: Exception) -> StorageError:
    said = f"run {run_id} does not read just now ({str(error)[:120]})"
    return StorageError(f"{said}; the page tries again when it changes")


class LiveView:
    """The worlds, as the page reads them."""

    def __init__(self, host: Host, clock: Callable[[], float] = time.monotonic) -> None:
        self.host = host
        self._clock = clock
        self._lock = threading.Lock()
        self._looking = threading.RLock()
        self._stamp = ""
        self._looked_at = self._changed_at = -_LONGEST_REST_S
        self._spending = threading.Lock()
        self._spent_s = 0.0
        self._keys: dict[tuple[str, str], RunKey] = {}
        self._said: dict[tuple[object, ...], object] = {}
        self._shown: OrderedDict[RunKey, ShownRun] = OrderedDict()
        self._slots: dict[tuple[str, str], dict[str, int]] = {}

    def stamp(self, *, at_once: bool = False) -> str:
        """Changes when anything that the page shows does: soon, or `at_once` after an order.

        Raises:
            SwarmError: the world does not read.
        """
        with self._looking:
            now = self._clock()
            rested = now - self._changed_at >= min(_REST * self._spent_s, _LONGEST_REST_S)
            if at_once or (now - self._looked_at >= _LOOK_S and rested):
                self._looked_at = now
                self._look(now)
            return self._stamp

    def _look(self, now: float) -> None:
        desk, host = self.host.current, self.host
        stamp = f"{desk.name}|{desk.revision()}|{host.lab_state}|{host.lab_message}"
        if stamp != self._stamp:
            self._stamp, self._changed_at = stamp, now
            with self._spending:
                self._spent_s = 0.0
            self._keys.clear()
            self._said.clear()

    def spent(self, cpu_s: float) -> None:
        """Count what an answer took: the next change is told the later."""
        with self._spending:
            self._spent_s += cpu_s

    def said(self, question: tuple[object, ...], make: Callable[[], _T]) -> _T:
        """What `make` makes for the `question`, until the stamp changes."""
        with self._looking:
            if question not in self._said:
                self._said[question] = make()
            return self._said[question]  # type: ignore[return-value]

    def shown_run(self, desk: Observatory, wanted: str | None = None) -> RunSummary | None:
        """The run that is shown: the one that is `wanted`, else the latest."""
        if wanted is None:
            return desk.latest_run()
        return next((run for run in desk.runs() if run.id == wanted), None)

    def key_now(self, desk: Observatory, run: RunSummary) -> RunKey:
        """The state that the run is in, for a program that asks once."""
        return RunKey(desk.name, run.id, desk.open_run(run.id).revision)

    def key(self, desk: Observatory, run: RunSummary | None) -> RunKey:
        """The state that the run was in at the last look, the same for all tabs."""
        if run is None:
            return RunKey(desk.name, "", "")
        self.stamp()  # looks, where it is time
        with self._looking:
            name = (desk.name, run.id)
            if name not in self._keys:
                self._keys[name] = self.key_now(desk, run)
            return self._keys[name]

    def shown(self, key: RunKey) -> ShownRun | None:
        """The figures of a run's state, from memory where they were made before.

        Returns:
            None where the key is that of a world without a run.

        Raises:
            StorageError: there is no such run any more, or it does not read.
        """
        if not key.run_id:
            return None
        with self._lock:
            if key not in self._shown:
                before = _cpu_of_others_s()
                self._shown[key] = self._open(key.run_id)
                self.spent(_cpu_of_others_s() - before)
                while len(self._shown) > _KEPT_RUNS:
                    self._shown.popitem(last=False)
            self._shown.move_to_end(key)
            return self._shown[key]

    def _open(self, run_id: str) -> ShownRun:
        desk = self.host.current
        try:
            return ShownRun(desk.open_run(run_id), desk.view(run_id), self.spent)
        except (OSError, PolarsError) as error:
            raise _unreadable(run_id, error) from None

    def slots(self, key: RunKey) -> dict[str, int]:
        """The colours of the run's leading countries, for all tabs the same."""
        shown = self.shown(key)
        if shown is None:
            return {}
        top = top_countries(shown.countries(Selection()), SLOTS)
        with self._lock:
            held = self._slots.get((key.world, key.run_id), {})
            self._slots[key.world, key.run_id] = assign_slots(held, top)
            return dict(self._slots[key.world, key.run_id])
