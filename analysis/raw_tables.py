"""The two main tables straight from the sightings, for a run of any size that has no roll-up.

One pass over the columns `swarm` and `place` alone: polars unpacks them ahead of numpy, which
counts (docs/adr/0021). Memory grows with the places, and with bins times countries, never with the
rows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from analysis.place_code import LETTERS_FROM, country_of_number, decoded, with_place
from analysis.place_numbers import Indices, PlaceNumbers, Places
from analysis.rollup import kinds_of
from analysis.tables import Binning

_BATCH_ROWS: Final = 2**18  # handed over by polars, and counted, at once
_CHUNK_ROWS: Final = 2**15  # looked up at once: what is made of them stays in the core's cache
_FIRST_COUNTRIES: Final = 2**8
_NO_SWARM: Final = 2**32  # above all of them
_NO_PLACE: Final = 0  # has no letters, so it is nobody's place


def raw_tables(
    sightings: pl.LazyFrame, swarms: pl.DataFrame, binning: Binning = Binning.CLASSIC
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Peers by size bin and country, and by place.

    Args:
        sightings: SIGHTING_COLUMNS.
        swarms: SWARM_COLUMNS, all of the run.
        binning: how sizes are cut.

    Returns:
        `order`, `label`, `country`, `peers`, in bin order; and `place`, `peers`, `latitude`,
        `longitude` (null: known to the country only), `country`, most peers first.
    """
    kinds, kind_of_swarm = kinds_of(swarms)
    bins = kinds.select(
        pl.col(binning.value).alias("order"), pl.col(f"{binning.value}_label").alias("label")
    )
    bins = bins.unique().sort("order").with_row_index("bin")
    bin_of_kind = kinds.select("kind", pl.col(binning.value).alias("order")).join(bins, on="order")
    count = _Count(kind_of_swarm.join(bin_of_kind, on="kind").select("swarm", "bin"), len(bins))
    rows = with_place(sightings).select("swarm", pl.col("place").fill_null(_NO_PLACE))
    for batch in rows.collect_batches(chunk_size=_BATCH_ROWS, maintain_order=False):
        count.add(batch)
    by_bin, by_place = count.tables()
    histogram = (
        by_bin.join(bins, on="bin")
        .with_columns(country=country_of_number("country"))
        .select("order", "label", "country", "peers")
        .sort("order", "country")
    )
    return histogram, decoded(by_place).sort(["peers", "place"], descending=[True, False])


class _Count:
    """Peers by place, and by bin and country, as far as they were added.

    A row becomes two numbers, that of its place and that of its cell, a bin's country; those of a
    batch are then counted at once.
    """

    def __init__(self, bin_of_swarm: pl.DataFrame, bins: int) -> None:
        """`bin_of_swarm`: `swarm`, `bin`; a sighting of another swarm is in no bin."""
        ordered = bin_of_swarm.sort("swarm")
        # The last are no swarm, and the bin of swarms that are not in the run.
        self._swarms = np.append(ordered["swarm"].to_numpy().astype(np.int64), _NO_SWARM)
        self._bins = np.append(ordered["bin"].to_numpy().astype(np.int64), bins)
        self._cells = np.zeros((bins + 1, _FIRST_COUNTRIES), np.int64)
        self._places = PlaceNumbers(_CHUNK_ROWS)
        self._at_place = np.zeros(0, np.int64)
        self._country_of_place = np.zeros(1, np.int32)
        self._letters: list[int] = []  # of each country, in the order in which they came
        self._waiting_places = np.empty(_BATCH_ROWS, np.int64)
        self._waiting_cells = np.empty(_BATCH_ROWS, np.int64)
        self._waiting = 0
        self._countries = np.empty(_CHUNK_ROWS, np.int32)

    def add(self, rows: pl.DataFrame) -> None:
        """Count rows of `swarm` and `place`; fastest where a swarm's rows follow each other."""
        swarms, places = rows["swarm"].to_numpy(), rows["place"].to_numpy()
        for start in range(0, len(rows), _CHUNK_ROWS):
            here = slice(start, start + _CHUNK_ROWS)
            self._add_chunk(swarms[here], places[here])

    def tables(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """`bin`, `country` (see `country_of_number`; null: none), `peers`; and `place`, `peers`."""
        self._count_waiting()
        in_bin, country = np.nonzero(self._cells[:-1])
        by_bin = pl.DataFrame(
            {
                "bin": in_bin.astype(np.uint32),
                "country": np.array(self._letters, np.uint16)[country],
                "peers": self._cells[in_bin, country],
            }
        )
        by_place = pl.DataFrame({"place": self._places.places[1:], "peers": self._at_place[1:]})
        has_country, has_place = pl.col("country") != _NO_PLACE, pl.col("place") != _NO_PLACE
        return (
            by_bin.with_columns(country=pl.when(has_country).then("country")),
            by_place.with_columns(place=pl.when(has_place).then("place")),
        )

    def _add_chunk(self, swarms: npt.NDArray[np.uint32], places: Places) -> None:
        if self._waiting + len(places) > _BATCH_ROWS:
            self._count_waiting()
        end = self._waiting + len(places)
        numbers = self._waiting_places[self._waiting : end]
        self._places.write(places, numbers)
        self._note_countries()
        countries = self._countries[: len(places)]
        self._country_of_place.take(numbers, out=countries, mode="clip")
        first = self._first_cells(swarms)
        np.add(first, countries, out=self._waiting_cells[self._waiting : end])
        self._waiting = end

    def _first_cells(self, swarms: npt.NDArray[np.uint32]) -> Indices:
        """Where each row's bin begins in `_cells`; looked up once for neighbours of one swarm."""
        begin = np.append(0, np.flatnonzero(swarms[1:] != swarms[:-1]) + 1)
        asked = swarms[begin]
        at = np.searchsorted(self._swarms, asked)
        bins = self._bins[np.where(self._swarms[at] == asked, at, -1)]
        first = bins * self._cells.shape[1]
        return np.repeat(first, np.diff(np.append(begin, len(swarms))))

    def _note_countries(self) -> None:
        """Number the countries of places that are new."""
        new = self._places.places[len(self._country_of_place) :]
        if not new.size:
            return
        letters = (new // np.uint64(LETTERS_FROM)).tolist()
        numbers = {letters: number for number, letters in enumerate(self._letters)}
        countries = [numbers.setdefault(pair, len(numbers)) for pair in letters]
        self._letters = list(numbers)
        self._country_of_place = np.append(self._country_of_place, np.array(countries, np.int32))
        if len(numbers) > self._cells.shape[1]:
            self._count_waiting()
            self._cells = np.pad(self._cells, ((0, 0), (0, len(numbers))))

    def _count_waiting(self) -> None:
        """Count what was numbered since it was last done."""
        at_place = np.bincount(self._waiting_places[: self._waiting], minlength=len(self._places))
        at_place[: len(self._at_place)] += self._at_place
        self._at_place = at_place
        cells = self._waiting_cells[: self._waiting]
        in_cells = np.bincount(cells, minlength=self._cells.size)
        self._cells += in_cells.reshape(self._cells.shape)
        self._waiting = 0
