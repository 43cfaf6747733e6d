"""Numbers places 1, 2, 3, ... as they are met, by the array.

Pure. For counts of rows by the hundred million: where numbers follow each other, an array counts
what polars would group by hashing, in half of the time (docs/adr/0021). Inside is a hash table with
open addresses: hashing by multiplication, linear probing (Knuth, The Art of Computer Programming 3,
6.4).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]

_FIRST_BITS: Final = 17
_SHORT_BITS: Final = 17  # of a table half of whose slots can be numbered in 16 bits
_NOBODY: Final = 0  # the number of no place
_NOWHERE: Final = np.uint64(2**64 - 1)  # no place: `analysis.place_code` takes 59 bits
# 2**64 by the golden ratio, made odd: neighbours come to lie far apart.
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)


class PlaceNumbers:
    """Which place has which number."""

    def __init__(self, at_once: int) -> None:
        """`at_once`: of how many places numbers are asked for in one call, at most."""
        # Kept for all calls: fresh memory takes longer than what is done in it.
        self._slots = np.empty(at_once, np.int64)
        self._found = np.empty(at_once, np.uint64)
        self._place_of = np.full(1, _NOWHERE)
        self._end = 1  # the next number
        self._make_table(_FIRST_BITS)

    def __len__(self) -> int:
        """One more than the highest number."""
        return self._end

    @property
    def places(self) -> Places:
        """All places by number; at 0 there is none."""
        return self._place_of[: self._end]

    def write(self, places: Places, numbers: Indices) -> None:
        """Write the number of each place into `numbers`."""
        while self._end + len(places) > len(self._table) // 2:
            self._make_table(self._bits + 1)
        slots, found = self._slots[: len(places)], self._found[: len(places)]
        self._hash(places, slots)
        numbers[:] = self._table.take(slots, out=self._narrow[: len(places)], mode="clip")
        self._place_of.take(numbers, out=found, mode="clip")
        elsewhere = np.flatnonzero(found != places)
        wanted, at = places[elsewhere], slots[elsewhere]
        while elsewhere.size:
            free = np.flatnonzero(self._table[at] == _NOBODY)
            if free.size:
                self._give_numbers(wanted[free], at[free])
            there = self._table[at]
            numbers[elsewhere] = there
            others = np.flatnonzero(self._place_of[there] != wanted)
            elsewhere, wanted, at = elsewhere[others], wanted[others], self._next(at[others])

    def _hash(self, places: Places, slots: Indices) -> None:
        hashed = slots.view(np.uint64)
        np.multiply(places, _SPREAD, out=hashed)
        np.right_shift(hashed, np.uint64(64 - self._bits), out=hashed)

    def _next(self, slots: Indices) -> Indices:
        return (slots + 1) & (len(self._table) - 1)

    def _give_numbers(self, places: Places, slots: Indices) -> None:
        """These places get these free slots; of several at one slot, the first."""
        taken, first = np.unique(slots, return_index=True)
        end = self._end + taken.size
        self._place_of[self._end : end] = places[first]
        self._table[taken] = np.arange(self._end, end)
        self._end = end

    def _make_table(self, bits: int) -> None:
        """A table of 2**`bits` slots, half of which may be taken; numbers stay as they are."""
        self._bits = bits
        # The narrower the numbers, the more of the table is in the core's own cache.
        number = np.uint16 if bits <= _SHORT_BITS else np.uint32
        self._table = np.full(1 << bits, _NOBODY, number)
        self._narrow = np.empty(len(self._slots), number)
        numbers = np.arange(1, self._end)
        self._place_of = np.append(self.places, np.empty(len(self._table) // 2, np.uint64))
        slots = np.empty(numbers.size, np.int64)
        self._hash(self._place_of[numbers], slots)
        while numbers.size:
            free = self._table[slots] == _NOBODY
            self._table[slots[free]] = numbers[free]
            others = self._table[slots] != numbers
            numbers, slots = numbers[others], self._next(slots[others])
