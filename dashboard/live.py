"""What the shown world is like right now, computed once for all tabs.

A run's tables are kept until its revision changes, so a tab that asks every second costs one
directory listing. Colours are kept for each run, so that none changes its meaning while it grows.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import polars as pl
from polars.exceptions import PolarsError

from analysis.palette import SLOTS, assign_slots
from analysis.tables import (
    Binning,
    KeyNumbers,
    countries_table,
    histogram_table,
    key_numbers,
    places_table,
    top_countries,
)
from observatory.desk import Observatory
from observatory.host import Host
from observatory.summaries import RunSummary
from swarm.columns import SIGHTING_COLUMNS, SWARM_COLUMNS, TALLY_COLUMNS, polars_schema
from swarm.errors import StorageError

_KEPT_RUNS = 4
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RunKey:
    """One state of one run of one world."""

    world: str
    run_id: str
    revision: str


class Reader(Protocol):
    """What of a RunReader the tables are made from."""

    run_id: str

    def sightings(self) -> pl.LazyFrame:
        """SIGHTING_COLUMNS."""

    def swarms(self) -> pl.LazyFrame:
        """SWARM_COLUMNS."""

    def tallies(self) -> pl.LazyFrame:
        """TALLY_COLUMNS."""


class NoRun:
    """The run of a world that has none: empty frames, so that the empty map is drawn like any."""

    run_id = ""

    def sightings(self) -> pl.LazyFrame:
        """SIGHTING_COLUMNS, no row."""
        return pl.LazyFrame(schema=polars_schema(SIGHTING_COLUMNS))

    def swarms(self) -> pl.LazyFrame:
        """SWARM_COLUMNS, no row."""
        return pl.LazyFrame(schema=polars_schema(SWARM_COLUMNS))

    def tallies(self) -> pl.LazyFrame:
        """TALLY_COLUMNS, no row."""
        return pl.LazyFrame(schema=polars_schema(TALLY_COLUMNS))


class RunTables:
    """The tables of one state of a run, each computed when it is first asked for."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lock = threading.Lock()
        self._made: dict[object, object] = {}

    def countries(self) -> pl.DataFrame:
        """See `countries_table`."""
        reader = self._reader
        return self._make("countries", lambda: countries_table(reader.tallies(), reader.swarms()))

    def places(self) -> pl.DataFrame:
        """See `places_table`."""
        reader = self._reader
        return self._make("places", lambda: places_table(reader.sightings(), reader.swarms()))

    def numbers(self) -> KeyNumbers:
        """See `key_numbers`."""
        reader = self._reader
        return self._make("numbers", lambda: key_numbers(reader.sightings(), reader.tallies()))

    def histogram(self, binning: Binning) -> pl.DataFrame:
        """See `histogram_table`."""
        reader = self._reader
        return self._make(
            binning, lambda: histogram_table(reader.tallies(), reader.swarms(), binning)
        )

    def _make(self, name: object, make: Callable[[], _T]) -> _T:
        """Compute once, by one thread.

        Raises:
            StorageError: a part does not read, for example since the run was purged meanwhile.
        """
        with self._lock:
            if name not in self._made:
                try:
                    self._made[name] = make()
                except (OSError, PolarsError) as error:
                    raise StorageError(
                        f"run {self._reader.run_id} does not read just now "
                        f"({str(error)[:120]}); the page tries again when it changes"
                    ) from None
            return self._made[name]  # type: ignore[return-value]


class LiveView:
    """The worlds, as the page reads them."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._lock = threading.Lock()
        self._tables: OrderedDict[RunKey, RunTables] = OrderedDict()
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
        """The state that the run is in now; without a run, the key of empty tables."""
        if run is None:
            return RunKey(desk.name, NoRun.run_id, "")
        return RunKey(desk.name, run.id, desk.open_run(run.id).revision)

    def tables(self, key: RunKey) -> RunTables:
        """The tables of a run's state, from memory where they were made before.

        Raises:
            StorageError: there is no such run any more.
        """
        with self._lock:
            if key not in self._tables:
                reader = self.host.current.open_run(key.run_id) if key.run_id else NoRun()
                self._tables[key] = RunTables(reader)
                while len(self._tables) > _KEPT_RUNS:
                    self._tables.popitem(last=False)
            self._tables.move_to_end(key)
            return self._tables[key]

    def slots(self, key: RunKey) -> dict[str, int]:
        """The colours of the run's leading countries, for all tabs the same."""
        top = top_countries(self.tables(key).countries(), SLOTS)
        with self._lock:
            held = self._slots.get((key.world, key.run_id), {})
            self._slots[key.world, key.run_id] = assign_slots(held, top)
            return dict(self._slots[key.world, key.run_id])
