"""Honesty: whose word about peers counts, and who is a liar. Opens nothing.

Some nodes return peers for any infohash. Since a node answers for every key, it can be tried: asked
for a random key, which nobody ever announced, an honest node names no peer. A node is tried only
if its word hangs on it alone (see `lookup`), once, and the verdict holds for the whole crawl, by
address and port, since an id is changed at will.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from crawler.krpc import ID_BYTES

if TYPE_CHECKING:
    from crawler.lookup import Lookup

TRIALS: Final = 2  # a question to be tried may get lost once

# One control lookup, for a random key, among so many: whoever names a peer in it is a liar.
INFOHASHES_PER_CONTROL: Final = 100


class Honesty:
    """Verdicts by compact address, the trials under way, and the lookups that wait for them."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self.liars: set[bytes] = set()
        self.proven: set[bytes] = set()  # tried, and found honest
        self._silent: set[bytes] = set()  # tried, and never answered: its lone word does not count
        self._entropy = entropy
        self._waiting: dict[bytes, list[Lookup]] = {}
        self._trials: dict[bytes, int] = {}
        self._to_try: deque[bytes] = deque()

    def control_key(self) -> bytes:
        """A key that nobody has announced."""
        return self._entropy(ID_BYTES)

    def is_judged(self, address: bytes) -> bool:
        """Whether there is a verdict, or none to be had."""
        return address in self.proven or address in self.liars or address in self._silent

    def next_trial(self) -> bytes | None:
        """The contact to be asked for a random key now, if any."""
        return self._to_try.popleft() if self._to_try else None

    def try_for(self, lookup: Lookup, contact: bytes) -> None:
        """Have a contact tried; the lookup waits for the verdict."""
        waiting = self._waiting.setdefault(contact[ID_BYTES:], [])
        if not waiting:
            self._to_try.append(contact)
        waiting.append(lookup)
        lookup.verdicts_awaited += 1

    def acquit(self, address: bytes) -> list[Lookup]:
        """Note that the node named nobody for a random key; returns who waited for it."""
        if address not in self.liars:
            self._silent.discard(address)
            self.proven.add(address)
        return self._settle(address)

    def convict(self, address: bytes) -> list[Lookup]:
        """Note that the node named peers where there are none; returns who waited for it."""
        self.proven.discard(address)
        self.liars.add(address)
        return self._settle(address)

    def unanswered(self, contact: bytes) -> list[Lookup]:
        """Note that a trial got no answer: it is repeated once, then given up."""
        address = contact[ID_BYTES:]
        if self.is_judged(address):
            return []
        self._trials[address] = self._trials.get(address, 0) + 1
        if self._trials[address] < TRIALS:
            self._to_try.append(contact)
            return []
        self._silent.add(address)
        return self._settle(address)

    def _settle(self, address: bytes) -> list[Lookup]:
        lookups = self._waiting.pop(address, [])
        for lookup in lookups:
            lookup.verdicts_awaited -= 1
        return lookups
