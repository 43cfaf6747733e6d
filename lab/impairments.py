"""What befalls an answer on its way: loss, round-trip time, damage, forgery. Pure, seeded."""

from __future__ import annotations

import random
from math import exp
from statistics import NormalDist

from crawler import krpc
from lab.traits import INVENTED_NETWORK, DhtTraits

_NODE_RTTS = 4096  # distinct round-trip times; the nodes are dealt out to them
_OVERSIZED_BYTES = 5000

Delivery = tuple[float, int, bytes]
"""Seconds from the question, the address it seems to come from (a number), the datagram."""


class Impairments:
    """The path between all nodes and all askers."""

    def __init__(self, traits: DhtTraits, *, seed: int) -> None:
        self._traits = traits
        self._rng = random.Random(f"{seed}/impairments")
        self._rtts_s = _round_trip_times(traits, random.Random(f"{seed}/rtts"))
        self._damages = any(
            (
                traits.malformed_share, traits.wrong_transaction_share,
                traits.oversized_share, traits.spoofed_share,
            )
        )  # fmt: skip

    def deliveries(self, answer: bytes, node: int) -> list[Delivery]:
        """What arrives of an answer that leaves the node at address `node` (a number)."""
        traits, draw = self._traits, self._rng.random
        if traits.loss and draw() < traits.loss:
            return []
        # Addresses are scattered over the ids; multiplying scatters them over the times.
        delay_s = self._rtts_s[(node * 2654435761 >> 16) % _NODE_RTTS]
        if not self._damages:
            return [(delay_s, node, answer)]
        deliveries = []
        if draw() < traits.spoofed_share:
            forger = node ^ 1 << self._rng.randrange(20)
            deliveries.append((delay_s / 2, forger, self._forged(answer)))
        deliveries.append((delay_s, node, self._damaged(answer)))
        return deliveries

    def _damaged(self, answer: bytes) -> bytes:
        traits, draw = self._traits, self._rng.random
        if draw() < traits.malformed_share:
            return self._garbled(answer)
        if draw() < traits.wrong_transaction_share:
            return _with_wrong_transaction(answer)
        if draw() < traits.oversized_share:
            # "z" sorts behind every other key, so the message stays well-formed.
            return answer[:-1] + b"1:z%d:%be" % (_OVERSIZED_BYTES, bytes(_OVERSIZED_BYTES))
        return answer

    def _garbled(self, answer: bytes) -> bytes:
        if self._rng.random() < 0.5:
            return answer[: self._rng.randrange(len(answer))]
        garbled = bytearray(answer)
        for _ in range(8):
            garbled[self._rng.randrange(len(garbled))] = self._rng.randrange(256)
        # However it was hit, it must not pass for the true answer.
        garbled[0] = 0
        return bytes(garbled)

    def _forged(self, answer: bytes) -> bytes:
        """The worst forgery: it even knows the transaction id."""
        rng, transaction = self._rng, krpc.decode(answer).transaction
        peers = b"".join(
            b"6:%b%b%b" % (INVENTED_NETWORK, rng.randbytes(2), b"\x1b\x58") for _ in range(20)
        )
        return b"d1:rd2:id20:%b6:valuesl%bee1:t%d:%b1:y1:re" % (
            rng.randbytes(20), peers, len(transaction), transaction,
        )  # fmt: skip


def _with_wrong_transaction(answer: bytes) -> bytes:
    transaction = krpc.decode(answer).transaction
    mark = b"1:t%d:%b" % (len(transaction), transaction)
    head, _, tail = answer.rpartition(mark)
    wrong = bytes(byte ^ 0xFF for byte in transaction)
    return b"%b1:t%d:%b%b" % (head, len(wrong), wrong, tail)


def _round_trip_times(traits: DhtTraits, rng: random.Random) -> list[float]:
    """One from each quantile of the log-normal distribution, so that the median is exact."""
    normal = NormalDist(0.0, 1.0)
    deviations = [normal.inv_cdf((i + 0.5) / _NODE_RTTS) for i in range(_NODE_RTTS)]
    rng.shuffle(deviations)
    median_s = traits.rtt_median_ms / 1000
    return [median_s * exp(traits.rtt_sigma * z) for z in deviations]
