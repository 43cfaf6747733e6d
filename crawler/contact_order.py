"""ContactOrder: a sorted collection of contacts that stays cheap to add to at a million entries.

A contact is the compact form of a DHT node (BEP 5): 20 bytes id, then address and port. Sorted as
bytes, contacts are sorted by id. They stand in chunks of a few hundred, so that an insertion moves
a few kilobytes and not the whole list.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Final

_CHUNK: Final = 512
_AFTER_ANY_ADDRESS: Final = b"\xff" * 19  # sorts behind the longest address and port


class ContactOrder:
    """Contacts in ascending order, each at most once."""

    def __init__(self) -> None:
        self._chunks: list[list[bytes]] = [[]]
        self._firsts: list[bytes] = [b""]  # lower bound of each chunk; the first is open
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            yield from chunk

    def add(self, contact: bytes) -> None:
        """Insert a contact that is not there yet."""
        at = bisect_right(self._firsts, contact) - 1
        chunk = self._chunks[at]
        insort(chunk, contact)
        self._count += 1
        if len(chunk) > _CHUNK:
            half = chunk[_CHUNK // 2 :]
            del chunk[_CHUNK // 2 :]
            self._chunks.insert(at + 1, half)
            self._firsts.insert(at + 1, half[0])

    def remove(self, contact: bytes) -> None:
        """Take a contact out that is there."""
        at = bisect_right(self._firsts, contact) - 1
        chunk = self._chunks[at]
        del chunk[bisect_left(chunk, contact)]
        self._count -= 1
        if not chunk and at > 0:
            del self._chunks[at]
            del self._firsts[at]

    def around(self, key: bytes, reach: int) -> tuple[list[bytes], bool, bool]:
        """Up to `reach` contacts on either side of a key, ascending.

        The two flags say whether that is all there is below, and all there is above.
        """
        at = bisect_right(self._firsts, key) - 1
        chunk = self._chunks[at]
        place = bisect_left(chunk, key)
        low, high = place - reach, place + reach
        if low >= 0 and high <= len(chunk):  # the common case: one chunk holds the window
            return chunk[low:high], False, False
        below = chunk[max(low, 0) : place]
        above = chunk[place:high]
        first = at
        while len(below) < reach and first > 0:
            first -= 1
            below = self._chunks[first][len(below) - reach :] + below
        last = at
        while len(above) < reach and last + 1 < len(self._chunks):
            last += 1
            above = above + self._chunks[last][: reach - len(above)]
        return below + above, len(below) < reach, len(above) < reach

    def between(self, low_id: bytes, high_id: bytes) -> list[bytes]:
        """The contacts whose 20-byte ids lie between two ids, these included, ascending."""
        beyond = high_id + _AFTER_ANY_ADDRESS
        first = bisect_right(self._firsts, low_id) - 1
        last = bisect_right(self._firsts, beyond) - 1
        chunk = self._chunks[first]
        begin = bisect_left(chunk, low_id)
        if first == last:
            return chunk[begin : bisect_left(chunk, beyond)]
        found = chunk[begin:]
        for middle in self._chunks[first + 1 : last]:
            found += middle
        chunk = self._chunks[last]
        return found + chunk[: bisect_left(chunk, beyond)]
