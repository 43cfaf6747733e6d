"""Pacing: when the next packet may be sent, to anybody and to one address.

Two promises of good manners, kept over all processes of a crawl together: no second holds more
packets than the cap, and no address gets more than one query a second after a burst of four.
Both are the generic cell rate algorithm (ITU-T I.371): a token bucket whose whole state is one
number, the time at which the bucket will be full again. So the state fits into a shared array.

`FlightWindow` is the third limit and no matter of manners: how many queries may be unanswered
before the path, or our own socket, drops them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol
from zlib import crc32

ADDRESS_RATE_PER_S: Final = 1.0
ADDRESS_BURST: Final = 4

_ADDRESS_GAP_S: Final = 1 / ADDRESS_RATE_PER_S
_ADDRESS_AHEAD_S: Final = (ADDRESS_BURST - 1) * _ADDRESS_GAP_S

# Addresses share slots by hash: a collision delays a query, it never lets one too many through.
SLOTS: Final = 1 << 16

_ROUNDING_S: Final = 1e-6  # a wait below this is an artefact of floating point
_BURST_SHARE: Final = 0.05  # of the cap: how many packets may leave back to back


class BucketState(Protocol):
    """1 + SLOTS numbers, all 0 at first; a list or shared memory."""

    def __getitem__(self, slot: int, /) -> float: ...
    def __setitem__(self, slot: int, full_at: float, /) -> None: ...


class Pacing:
    """Token buckets over shared state; one object a process, all on the same state and lock."""

    def __init__(
        self,
        max_packets_per_s: float,
        state: BucketState | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """A cap of 0 lifts both limits."""
        self.unlimited = max_packets_per_s == 0
        burst = max(1.0, max_packets_per_s * _BURST_SHARE)
        # Burst and refill together stay within the cap in any one second.
        rate = max(max_packets_per_s - burst, max_packets_per_s / 2)
        self._gap_s = 0.0 if self.unlimited else 1 / rate
        self._ahead_s = (burst - 1) * self._gap_s
        self._state: BucketState = state if state is not None else [0.0] * (1 + SLOTS)
        self._lock = lock if lock is not None else nullcontext()

    def blocked_s(self, now: float) -> float:
        """The seconds until anybody at all may be sent a packet; 0.0 if now."""
        return 0.0 if self.unlimited else self._wait_s(0, self._ahead_s, now)

    def take(self, host: str, now: float) -> float:
        """Take leave to send one query to an address, whatever the port.

        Returns 0.0 if it must be sent now, else the seconds after which to ask again. A refusal
        costs nothing.
        """
        if self.unlimited:
            return 0.0
        slot = 1 + crc32(host.encode()) % SLOTS
        with self._lock:
            wait_s = max(
                self._wait_s(0, self._ahead_s, now), self._wait_s(slot, _ADDRESS_AHEAD_S, now)
            )
            if wait_s == 0.0:
                self._state[0] = max(self._state[0], now) + self._gap_s
                self._state[slot] = max(self._state[slot], now) + _ADDRESS_GAP_S
        return wait_s

    def _wait_s(self, slot: int, ahead_s: float, now: float) -> float:
        wait_s = self._state[slot] - ahead_s - now
        return wait_s if wait_s > _ROUNDING_S else 0.0


class FlightWindow:
    """How many queries may be in flight: grows while known nodes answer, shrinks when they stop.

    Only nodes that answered before are listened to: their silence tells of a crowded path, that
    of a contact never met tells nothing.
    """

    LEAST = 64
    MOST = 8192
    _EPOCH = 64  # outcomes per decision
    _TOLERATED_LOSS = 0.15  # rate-limited nodes and plain loss stay below this
    _FIRST_GROWTH = 2.0  # until it was too much for the first time, as TCP's slow start
    _LATER_GROWTH = 1.25

    def __init__(self) -> None:
        self.size = 4 * self.LEAST
        self._growth = self._FIRST_GROWTH
        self._answered = 0
        self._silent = 0

    def answered(self) -> None:
        """A node answered that had answered before."""
        self._answered += 1
        self._decide()

    def silent(self) -> None:
        """A node kept silent that had answered before."""
        self._silent += 1
        self._decide()

    def _decide(self) -> None:
        outcomes = self._answered + self._silent
        if outcomes < self._EPOCH:
            return
        if self._silent > self._TOLERATED_LOSS * outcomes:
            self.size = max(self.LEAST, self.size * 7 // 10)
            self._growth = self._LATER_GROWTH
        else:
            self.size = min(self.MOST, int(self.size * self._growth))
        self._answered = self._silent = 0
