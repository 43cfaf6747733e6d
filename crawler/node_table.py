"""NodeTable: every DHT node that one process has heard of, sorted by id, shared by all its lookups.

Unlike a serving node's routing table it has no buckets and no size of eight: a crawler passes
through the whole key space, and what one lookup learns is where its neighbour begins.
Standing follows BEP 5: a node is good for 15 minutes after a reply, then questionable; it is bad
when it fails twice in a row, or at the first try if it never replied. Contacts are 26-byte
compact nodes; the table itself only takes their first 20 bytes for an id.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final

from crawler.contact_order import ContactOrder
from crawler.family import ID_BYTES

GOOD_FOR_S: Final = 15 * 60.0
BAD_FOR_S: Final = 15 * 60.0  # then hearsay may bring it back; twice as long each time it is bad
MOST_BAD_FOR_S: Final = 4 * 3600.0
FAILURES_TO_BAD: Final = 2
MAX_CONTACTS: Final = 2_000_000  # hearsay beyond is not noted: bounds what inventions can take up

_CROWDED: Final = 96  # contacts in one piece beyond which ranking all costs more than a second look
_FURTHEST: Final = (1 << 8 * ID_BYTES) - 1
_NEVER: Final = -1.0
_number: Final = int.from_bytes  # found once: to look it up costs as much as the call


class Standing(Enum):
    """What we know of a node (BEP 5)."""

    UNKNOWN = "unknown"  # never heard of
    UNTRIED = "untried"  # hearsay
    GOOD = "good"
    QUESTIONABLE = "questionable"
    BAD = "bad"


class NodeTable:
    """The known nodes; those that are bad are remembered apart, and never proposed."""

    def __init__(self) -> None:
        self._order = ContactOrder()
        self._replied_at: dict[bytes, float] = {}  # every contact in `_order`
        self._failures: dict[bytes, int] = {}  # where not 0
        self._bad_since: dict[bytes, float] = {}
        self._times_bad: dict[bytes, int] = {}  # in a row, where more than once
        self.verified = 0  # how many in `_order` have ever replied

    def __len__(self) -> int:
        return len(self._order)

    def add(self, contact: bytes, now: float) -> bool:
        """Note hearsay of a node. False if the contact is bad, or the table is full."""
        if contact in self._replied_at:
            return True
        if len(self._replied_at) + len(self._bad_since) >= MAX_CONTACTS:
            return False
        bad_since = self._bad_since.get(contact)
        if bad_since is not None:
            times = self._times_bad.get(contact, 1)
            if now - bad_since < min(BAD_FOR_S * 2 ** (times - 1), MOST_BAD_FOR_S):
                return False
            del self._bad_since[contact]
            self._times_bad[contact] = times + 1
        self._replied_at[contact] = _NEVER
        self._order.add(contact)
        return True

    @property
    def known(self) -> dict[bytes, float]:
        """The contacts in the table, and when each replied: the table's own, not to be changed."""
        return self._replied_at

    def replies(self) -> Iterator[tuple[bytes, float]]:
        """The nodes that have ever answered and are not bad, and when they last did."""
        for contact, replied_at in self._replied_at.items():
            if replied_at != _NEVER:
                yield contact, replied_at

    @property
    def bad(self) -> dict[bytes, float]:
        """The contacts that were given up, and when: the table's own, not to be changed."""
        return self._bad_since

    def replied(self, contact: bytes, now: float) -> bool:
        """Note that the node itself answered. True if it had answered before."""
        before = self._replied_at.get(contact)
        if before is None:
            self._bad_since.pop(contact, None)
            self._order.add(contact)
        if self._times_bad:
            self._times_bad.pop(contact, None)
        self._replied_at[contact] = now
        self._failures.pop(contact, None)
        if before is not None and before != _NEVER:
            return True
        self.verified += 1
        return False

    def failed(self, contact: bytes, now: float) -> bool:
        """Note that the node kept silent. True if it had answered before."""
        replied_at = self._replied_at.get(contact)
        if replied_at is None:
            return False
        failures = self._failures.get(contact, 0) + 1
        if replied_at != _NEVER and failures < FAILURES_TO_BAD:
            self._failures[contact] = failures
        else:
            self.gone(contact, now)
        return replied_at != _NEVER

    def gone(self, contact: bytes, now: float) -> None:
        """Give a node up at once: somebody else answers at its address."""
        replied_at = self._replied_at.pop(contact, None)
        if replied_at is None:
            return
        self.verified -= replied_at != _NEVER
        self._failures.pop(contact, None)
        self._order.remove(contact)
        self._bad_since[contact] = now

    def standing(self, contact: bytes, now: float) -> Standing:
        """What BEP 5 calls the node."""
        if contact in self._bad_since:
            return Standing.BAD
        replied_at = self._replied_at.get(contact)
        if replied_at is None:
            return Standing.UNKNOWN
        if replied_at == _NEVER:
            return Standing.UNTRIED
        if contact in self._failures or now - replied_at > GOOD_FOR_S:
            return Standing.QUESTIONABLE
        return Standing.GOOD

    def closest(self, key: bytes, count: int) -> list[tuple[int, bytes]]:
        """The `count` contacts closest to a 20-byte key, each behind its XOR distance; none is bad.

        Closest first, and exact, in two steps: any `count` contacts near the key in sorted order
        bound the distance that is sought; all that is as close shares the key's leading bits above
        that distance, and so stands in one piece.
        """
        number = _number(key)
        furthest = _FURTHEST
        nearby, all_below, all_above = self._order.around(key, count)
        if not (all_below and all_above):
            distances = [_number(near[:ID_BYTES]) ^ number for near in nearby]
            distances.sort()
            furthest = distances[count - 1]
            bits = furthest.bit_length()
            nearby = self._block(number, bits)
            if len(nearby) > _CROWDED and bits > 0:
                # At the edge of what neighbours have explored: fewer than `count` in our half of
                # the piece, a crowd in the other half. The nearest of those are found likewise.
                half = 1 << (bits - 1)
                ours = _by_distance(self._block(number, bits - 1), number, furthest)
                theirs = self.closest((number ^ half).to_bytes(ID_BYTES), count - len(ours))
                return ours + [(distance ^ half, contact) for distance, contact in theirs]
        return _by_distance(nearby, number, furthest)[:count]

    def within(self, key: bytes, distance: int) -> list[bytes]:
        """All contacts that are not further than a distance from a 20-byte key, and some that are.

        In no order; none is bad.
        """
        return self._block(_number(key), distance.bit_length())

    def _block(self, number: int, bits: int) -> list[bytes]:
        """All contacts that differ from a key in its last `bits` bits only."""
        spread = (1 << bits) - 1
        low, high = number & ~spread, number | spread
        return self._order.between(low.to_bytes(ID_BYTES), high.to_bytes(ID_BYTES))


def _by_distance(contacts: list[bytes], number: int, most: int) -> list[tuple[int, bytes]]:
    """Contacts behind their XOR distance from a key, closest first, up to a distance."""
    ranked: list[tuple[int, bytes]] = []
    for contact in contacts:
        distance = _number(contact[:ID_BYTES]) ^ number
        if distance <= most:
            ranked.append((distance, contact))
    ranked.sort()
    return ranked
