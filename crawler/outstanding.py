"""Outstanding: the queries that wait for a reply, by transaction id.

A reply counts only if it comes from the address that was asked and carries the unpredictable
transaction id of that query. A query that has waited too long is overdue: its node is taken for
silent, but a late reply is still recognised for a while, since it tells that the node lives and
that the timeout is too short.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from crawler.family import SocketAddress
from crawler.lookup import Lookup

LATE_S: Final = 10.0  # how long after its query a late reply is still recognised
TRANSACTION_BYTES: Final = 4

_BLOCK: Final = 1024  # transaction ids' worth of entropy drawn at once


class Question:
    """One query: whom it asks, for which lookup, and when it was sent, if it was.

    Without a lookup it is a trial of the contact's honesty; without a contact, a query to a
    bootstrap node.
    """

    __slots__ = ("address", "contact", "lookup", "overdue", "sent_at")

    def __init__(
        self, address: SocketAddress, contact: bytes | None, lookup: Lookup | None, sent_at: float
    ) -> None:
        self.address = address
        self.contact = contact
        self.lookup = lookup
        self.sent_at = sent_at
        self.overdue = False


class Outstanding:
    """Queries in flight and overdue ones. `entropy(n)` gives n unpredictable bytes."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._transactions: list[bytes] = []
        self._asked: dict[bytes, Question] = {}
        self._waiting: deque[bytes] = deque()  # transactions in the order sent
        self._late: deque[bytes] = deque()
        self.in_flight = 0  # sent, neither answered nor overdue

    def add(self, question: Question) -> bytes:
        """Note a query that is sent now; returns its transaction id."""
        transaction = self._draw()
        self._asked[transaction] = question
        self._waiting.append(transaction)
        self.in_flight += 1
        return transaction

    def match(self, transaction: bytes, source: SocketAddress) -> Question | None:
        """The query that a datagram answers, taken out; None if nobody asked that address."""
        asked = self._asked.get(transaction)
        if asked is None or asked.address != source:
            return None
        del self._asked[transaction]
        self.in_flight -= not asked.overdue
        return asked

    def overdue(self, now: float, timeout_s: float) -> list[Question]:
        """The queries that have become overdue, and forget those too late even for that."""
        found = []
        while self._waiting:
            asked = self._asked.get(self._waiting[0])
            if asked is not None:
                if now < asked.sent_at + timeout_s:  # the very sum that next_overdue gives
                    break
                asked.overdue = True
                self.in_flight -= 1
                self._late.append(self._waiting[0])
                found.append(asked)
            self._waiting.popleft()
        while self._late:
            asked = self._asked.get(self._late[0])
            if asked is not None and now - asked.sent_at < LATE_S:
                break
            self._asked.pop(self._late.popleft(), None)
        return found

    def next_overdue(self, timeout_s: float) -> float | None:
        """When the oldest query in flight becomes overdue; None if none is in flight."""
        while self._waiting:
            asked = self._asked.get(self._waiting[0])
            if asked is not None:
                return asked.sent_at + timeout_s
            self._waiting.popleft()
        return None

    def _draw(self) -> bytes:
        while True:
            while self._transactions:
                transaction = self._transactions.pop()
                if transaction not in self._asked:
                    return transaction
            block = self._entropy(_BLOCK * TRANSACTION_BYTES)
            self._transactions = [
                block[i : i + TRANSACTION_BYTES] for i in range(0, len(block), TRANSACTION_BYTES)
            ]
            self._transactions.reverse()
