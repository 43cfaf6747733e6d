"""Faults of the lab's tracker: what a broken or hostile tracker does instead of answering."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from enum import Enum


class TrackerFault(Enum):
    """One way to go wrong. Those that one protocol cannot show are passed over there."""

    SILENT = "takes the question and never answers"
    GARBAGE = "answers random bytes"
    FAILURE = "refuses, with a reason (HTTP: `failure reason`; UDP: the error action)"
    WRONG_TRANSACTION = "UDP: answers to another transaction"
    FIRST_ONLY = "HTTP: a scrape answers the first swarm alone"
    LAST_ONLY = "HTTP: a scrape answers the last swarm alone"
    GZIP_BOMB = "HTTP: a small body that inflates to very much"
    ENDLESS = "HTTP: a body that never ends"
    DRIBBLE = "HTTP: a body that never ends, byte by byte"
    REDIRECT_TO_FILE = "HTTP: a redirect to a file of the asker's machine"
    REDIRECT_FOR_EVER = "HTTP: a redirect to itself"


class FaultDice:
    """Draws a fault, or none, for each question; the same seed draws the same sequence.

    `shares` are probabilities, 0 to 1; what they lack to 1 is the share of honest answers.
    """

    def __init__(self, seed: int, shares: Mapping[TrackerFault, float]) -> None:
        if any(share < 0 for share in shares.values()) or sum(shares.values()) > 1:
            raise ValueError("the shares of a tracker's faults are 0 to 1, and 1 at most in sum")
        self._random = random.Random(seed)
        self._shares = dict(shares)
        self._lock = threading.Lock()

    def draw(self) -> TrackerFault | None:
        """What happens to the next question."""
        with self._lock:
            at = self._random.random()
        for fault, share in self._shares.items():
            at -= share
            if at < 0:
                return fault
        return None

    def noise(self) -> bytes:
        """Bytes that mean nothing, 1 to 200 of them; never valid bencoding."""
        with self._lock:
            return b"\xff" + self._random.randbytes(self._random.randrange(200))
