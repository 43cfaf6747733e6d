"""What the shown world is like right now, computed once for all tabs.

A run's figures are kept until its revision changes, so a tab that asks every second costs one
directory listing. Colours are kept for each run, so that none changes its meaning while it grows.
"""

from __future__ import annotations

import threading
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

    def __init__(self, reader: RunReader, view: RunView) -> None:
        self.view = view
        self._reader = reader
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[object, ...], object] = OrderedDict()

    def numbers(self, selection: Selection) -> RunTotals:
        """See `RunView.key_numbers`."""
        return self._make(("numbers", selection), lambda: self.view.key_numbers(selection))

    def countries(self, selection: Selection) -> pl.DataFrame:
        """See `RunView.countries`."""
        return self._make(("countries", selection), lambda: self.view.countries(selection))

    def histogram(self, selection: Selection, binning: Binning) -> pl.DataFrame:
        """See `RunView.histogram`."""
        return self._make(
            ("bins", selection, binning), lambda: self.view.histogram(selection, binning)
        )

    def places(
        self, selection: Selection, cell_deg: float | None, bounds: Bounds | None
    ) -> pl.DataFrame:
        """See `RunView.places`."""
        return self._make(
            ("places", selection, cell_deg, bounds),
            lambda: self.view.places(selection, cell_deg=cell_deg, bounds=bounds),
        )

    def country_level(self, selection: Selection) -> pl.DataFrame:
        """See `RunView.country_level`."""
        return self._make(("level", selection), lambda: self.view.country_level(selection))

    def top_torrents(self, place_or_country: str) -> list[str]:
        """See `RunView.top_torrents`."""
        return self._make(
            ("top", place_or_country), lambda: self.view.top_torrents(place_or_country)
        )

    def markers(self, selection: Selection) -> pl.DataFrame:
        """The classic tool's markers, a torrent at a place each: see `places_table`."""
        return self._make(("markers", selection), lambda: self._markers(selection))

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

    def _make(self, question: tuple[object, ...], make: Callable[[], _T]) -> _T:
        """Compute once, by one thread."""
        with self._lock:
            if question not in self._made:
                try:
                    self._made[question] = make()
                except (OSError, PolarsError) as error:
                    raise _unreadable(self._reader.run_id, error) from None
                while len(self._made) > _KEPT_ANSWERS:
                    self._made.popitem(last=False)
            self._made.move_to_end(question)
            return self._made[question]  # type: ignore[return-value]


def _unreadable(run_id: str, error: Exception) -> StorageError:
    said = f"run {run_id} does not read just now ({str(error)[:120]})"
    return StorageError(f"{said}; the page tries again when it changes")


class LiveView:
    """The worlds, as the page reads them."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._lock = threading.Lock()
        self._shown: OrderedDict[RunKey, ShownRun] = OrderedDict()
        self._slots: dict[tuple[str, str], dict[str, int]] = {}

    def stamp(self) -> str:
        """Changes whenever anything that the page shows does."""
        desk, host = self.host.current, self.host
        return f"{desk.name}|{desk.revision()}|{host.lab_state}|{host.lab_message}"

    def shown_run(self, desk: Observatory, wanted: str | None = None) -> RunSummary | None:
        """The run that is shown: the one that is `wanted`, else the latest."""
        if wanted is None:
            return desk.latest_run()
        return next((run for run in desk.runs() if run.id == wanted), None)

    def key(self, desk: Observatory, run: RunSummary | None) -> RunKey:
        """The state that the run is in now."""
        if run is None:
            return RunKey(desk.name, "", "")
        return RunKey(desk.name, run.id, desk.open_run(run.id).revision)

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
                self._shown[key] = self._open(key.run_id)
                while len(self._shown) > _KEPT_RUNS:
                    self._shown.popitem(last=False)
            self._shown.move_to_end(key)
            return self._shown[key]

    def _open(self, run_id: str) -> ShownRun:
        desk = self.host.current
        try:
            return ShownRun(desk.open_run(run_id), desk.view(run_id))
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
