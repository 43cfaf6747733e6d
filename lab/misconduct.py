"""What is wrong with the nodes themselves: liars, junk, rate limits, sybils. Pure, seeded.

Who is what is drawn once; what a liar invents for a key is always the same for the same liar.
"""

from __future__ import annotations

import random
from array import array
from dataclasses import dataclass, field
from hashlib import shake_128

from lab.nodes import CONTACT_BYTES, K, Population
from lab.traits import INVENTED_NETWORK, DhtTraits
from swarm.errors import WorldError

_ID_BYTES = 20
_TWINS = 4  # junk contacts that exist per real one
_FEWEST_INVENTED, _MORE_INVENTED = 8, 40
_RATE_GAP_S, _RATE_AHEAD_S = 1.0, 1.0  # one answer a second, burst 2
_SYBIL_SHARED_BITS = 40  # far more than any honest node shares with a key
_SYBILS_PER_ANSWER = K // 2
_ODDS = 1 << 16


class Misconduct:
    """Which nodes behave how. Nodes are numbers of the population."""

    def __init__(self, traits: DhtTraits, population: Population, *, seed: int) -> None:
        self._population = population
        self._seed = seed
        self._junk_below = round(traits.junk_share * _ODDS)
        if traits.junk_share:
            self._junk_shifts = tuple(population.empty_shift(twin + 1) for twin in range(_TWINS))
        self._liars = self._draw("liars", traits.liar_share)
        self._limited = self._draw("rate limits", traits.rate_limited_share)
        self._omitting = self._draw("omits", traits.omits_values_on_scrape)
        self._full_at: dict[int, float] = {}

    def _draw(self, name: str, share: float) -> bytearray | None:
        """One flag per node, or None where no node has it."""
        if not share:
            return None
        count = self._population.count
        draws = array("H")
        draws.frombytes(random.Random(f"{self._seed}/{name}").randbytes(2 * count))
        below = round(share * _ODDS)
        # The entry for newcomers, number `count`, behaves well.
        return bytearray(draw < below for draw in draws) + b"\0"

    def is_liar(self, node: int) -> bool:
        """Whether the node names invented peers for any key."""
        return self._liars is not None and self._liars[node] == 1

    def omits_values(self, node: int) -> bool:
        """Whether the node leaves `values` out of a reply with scrape filters."""
        return self._omitting is not None and self._omitting[node] == 1

    def refuses(self, node: int, now: float) -> bool:
        """Whether the node has answered enough for now; counts the question if not."""
        if self._limited is None or not self._limited[node]:
            return False
        full_at = self._full_at.get(node, 0.0)
        if full_at > now + _RATE_AHEAD_S:
            return True
        self._full_at[node] = max(full_at, now) + _RATE_GAP_S
        return False

    def invented(self, node: int, key: bytes) -> list[bytes]:
        """The peers that a liar names for a key."""
        return invented_peers(b"%d/%d/%b" % (self._seed, node, key))

    def keeps_truth(self, node: int) -> bool:
        """Whether the liar also names the peers that it was told of."""
        return node & 1 == 1

    def contacts(self, node: int, column: bytes) -> bytes:
        """The contacts of an answer, some of them replaced by junk that stands as near the key.

        There are four junk contacts to each real one, the same in all tables that have them.
        """
        if not self._junk_below or node == self._population.bootstrap:
            return column
        answer = []
        for at in range(0, len(column), CONTACT_BYTES):
            contact = column[at : at + CONTACT_BYTES]
            address = int.from_bytes(contact[20:24])
            # A constant coin per table and entry (the multiplier of Knuth's hash, mixed twice).
            coin = (node * 0x9E3779B97F4A7C15 ^ address * 0xC2B2AE3D27D4EB4F) & (1 << 64) - 1
            coin = (coin ^ coin >> 29) * 0xBF58476D1CE4E5B9 >> 20
            if coin % _ODDS < self._junk_below:
                contact = self._twin(contact, address, coin >> 20 & _TWINS - 1)
            answer.append(contact)
        return b"".join(answer)

    def _twin(self, contact: bytes, address: int, twin: int) -> bytes:
        """A contact whose id differs behind the bits that order the ids, where nobody is."""
        empty = self._population.shifted(address, self._junk_shifts[twin])
        changed = contact[8] ^ twin + 1
        return b"%b%c%b%b%b" % (
            contact[:8], changed, contact[9:20], empty.to_bytes(4), contact[24:],
        )  # fmt: skip


def invented_peers(cause: bytes) -> list[bytes]:
    """8 to 47 peers in 127.251.0.0/16, always the same for the same cause."""
    raw = shake_128(cause).digest(1 + 4 * (_FEWEST_INVENTED + _MORE_INVENTED))
    count = _FEWEST_INVENTED + raw[0] % _MORE_INVENTED
    peers = (raw[at : at + 4] for at in range(1, 1 + 4 * count, 4))
    # A port below 1 is none.
    return [INVENTED_NETWORK + peer[:2] + (peer[2] | 1).to_bytes() + peer[3:] for peer in peers]


@dataclass(slots=True)
class Sybil:
    """One host that plays many nodes around a key, to be asked instead of the true holders."""

    key: bytes
    ids: tuple[bytes, ...]
    contacts: tuple[bytes, ...]
    asked: int = field(default=0)

    def next_id(self) -> bytes:
        """Under which of its names it answers now."""
        self.asked += 1
        return self.ids[self.asked % len(self.ids)]


class Sybils:
    """All sybil hosts: by address, and by the key that they surround."""

    def __init__(self, population: Population, *, seed: int, port: int) -> None:
        self._population = population
        self._rng = random.Random(f"{seed}/sybils")
        self._port = port
        self.at: dict[int, Sybil] = {}
        self._around: dict[bytes, Sybil] = {}

    def add(self, key: bytes, count: int) -> None:
        """Put so many names around a key, all at one address."""
        if count < 1:
            raise WorldError(f"a key is surrounded by at least one sybil, got {count}")
        address = self._population.empty_address(len(self.at))
        kept = _SYBIL_SHARED_BITS // 8
        ids = tuple(key[:kept] + self._rng.randbytes(_ID_BYTES - kept) for _ in range(count))
        place = address.to_bytes(4) + self._port.to_bytes(2)
        self.at[address] = self._around[key] = Sybil(key, ids, tuple(i + place for i in ids))

    def mingle(self, key: bytes, column: bytes) -> bytes:
        """A node's answer about a key: where it is surrounded, half of the answer are sybils."""
        sybil = self._around.get(key)
        if sybil is None:
            return column
        names = self._rng.sample(sybil.contacts, min(_SYBILS_PER_ANSWER, len(sybil.contacts)))
        return b"".join(names) + column[: CONTACT_BYTES * (K - len(names))]
