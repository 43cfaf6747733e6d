"""The nodes of the simulated DHT: who they are and what stands in their routing tables. Pure.

A million nodes have no million tables: what node `x` would answer about a key is computed from
the sorted node ids when it is asked, always the same for the same question, in the shape that
Kademlia gives to tables (BEP 5): of the subtree where the key lies, `x` knows all if the subtree
is small, thus all of its own neighbourhood, and eight contacts of it, spread over it, if it is big.

Dead contacts are addresses in tables where nobody answers. Real tables do not agree on them, since
each node drops its dead at its own time; so each table shows each dead node with even chance.
"""

from __future__ import annotations

import random
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import ClassVar

from swarm.errors import WorldError

K = 8  # BEP 5: nodes in a bucket, in a reply, and holders of a swarm
CONTACT_BYTES = 26
_ID_BYTES = 20
_KEY_BITS = 64  # ids are ordered and compared by their first 64 bits: ties do not happen
_WHOLE_SUBTREE = 3 * K  # a subtree of up to so many contacts is known completely
_NEIGHBOURS = 6 * K  # enough that eight visible ones are among them
_CACHED = 1 << 16
_MASK = (1 << 64) - 1

# Node addresses are 127.1.0.0 to 127.255.255.254: 127.0.0.0/16 is left to the programs of users.
_FIRST_ADDRESS = 0x7F010000
_ADDRESSES = 0x7FFFFFFF - _FIRST_ADDRESS
_STRIDE = 10_368_889  # near the golden section of the range, so that neighbours share no network
_RESERVED = 1 << 16
BOOTSTRAP_ADDRESS = 0x7F000001


class Population:
    """All nodes of a DHT of IPv4, live and dead, numbered in the order of their ids.

    `live` nodes answer. `dead_share` of all addresses that stand in tables are dead. All nodes
    have `port`. One more node stands at 127.0.0.1, in nobody's table: the entry for newcomers,
    whose number is `bootstrap`. While `shows_dead` is off, no table shows a dead contact.
    """

    is_ipv6: ClassVar[bool] = False

    def __init__(self, *, seed: int, live: int, dead_share: float, port: int) -> None:
        if not 0 <= dead_share <= 0.8:
            raise WorldError(f"the dead share is 0 to 0.8, got {dead_share}")
        count = node_count(live, dead_share)
        dead = count - live
        if live < K or count >= _ADDRESSES - _RESERVED:
            raise WorldError(f"the lab can have {K} to 10,000,000 nodes, got {live}")
        rng = random.Random(f"{seed}/nodes")
        self.count = count
        self.bootstrap = count
        self.shows_dead = True
        self._offset = rng.randrange(_ADDRESSES)
        self._inverse = pow(_STRIDE, -1, _ADDRESSES)
        self._tops = array("Q", sorted(_random_tops(rng, count)))
        self._contacts = self._packed_contacts(rng, port)
        self._width = len(self._contacts) // count
        self._alive = bytearray(rng.sample(b"\x01\x00", count, counts=(live, dead)))
        bootstrap_top = rng.getrandbits(_KEY_BITS)
        self._bootstrap_id = bootstrap_top.to_bytes(8) + rng.randbytes(_ID_BYTES - 8)
        self._tops.append(bootstrap_top)  # beyond `count`: no search ever looks there
        self._subtrees: dict[int, tuple[int, int]] = {}
        self._neighbours: dict[int, tuple[int, ...]] = {}

    def _packed_contacts(self, rng: random.Random, port: int) -> bytes:
        rest = rng.randbytes((_ID_BYTES - 8) * self.count)
        tail = port.to_bytes(2)
        return b"".join(
            top.to_bytes(8) + rest[12 * i : 12 * i + 12] + self._place(i, tail)
            for i, top in enumerate(self._tops)
        )

    def _place(self, node: int, port: bytes) -> bytes:
        """Where a node is, as a compact address."""
        return self.address(node).to_bytes(4) + port

    def address(self, node: int) -> int:
        """The node's IPv4 address as a number."""
        if node == self.count:
            return BOOTSTRAP_ADDRESS
        return _FIRST_ADDRESS + (node * _STRIDE + self._offset) % _ADDRESSES

    def empty_shift(self, times: int) -> int:
        """What leads from any node's address to one where nobody is; another for each `times`.

        Raises:
            WorldError: so many nodes leave no room for that.
        """
        if self.count * (times + 1) >= _ADDRESSES - _RESERVED:
            raise WorldError(f"{self.count:,} nodes leave no addresses for junk contacts")
        return _STRIDE * self.count * times % _ADDRESSES

    def shifted(self, address: int, shift: int) -> int:
        """The empty address that belongs to a node's address and a shift."""
        return _FIRST_ADDRESS + (address - _FIRST_ADDRESS + shift) % _ADDRESSES

    def empty_address(self, number: int) -> int:
        """An address of no node and no junk contact: one of the 65,536 that are kept free."""
        if not 0 <= number < _RESERVED:
            raise WorldError(f"there are {_RESERVED:,} free addresses, not {number + 1:,}")
        slot = _ADDRESSES - 1 - number
        return _FIRST_ADDRESS + (slot * _STRIDE + self._offset) % _ADDRESSES

    def node_at(self, address: int) -> int | None:
        """The live node at an IPv4 address (a number); None where nobody answers."""
        if address == BOOTSTRAP_ADDRESS:
            return self.bootstrap
        if not _FIRST_ADDRESS <= address < _FIRST_ADDRESS + _ADDRESSES:
            return None
        node = (address - _FIRST_ADDRESS - self._offset) * self._inverse % _ADDRESSES
        return node if node < self.count and self._alive[node] else None

    def node_id(self, node: int) -> bytes:
        """The node's 20-byte id."""
        if node == self.count:
            return self._bootstrap_id
        return self._contacts[self._width * node : self._width * node + _ID_BYTES]

    def holders(self, key: bytes) -> tuple[int, ...]:
        """The eight live nodes closest to a 20-byte key: where a perfect client announces."""
        target = int.from_bytes(key[:8])
        wanted = _NEIGHBOURS
        while True:
            near = self._nearest(target, wanted)
            live = tuple(node for node in near if self._alive[node])[:K]
            if len(live) == K or len(near) == self.count:
                return live
            wanted *= 2

    def closest(self, node: int, key: bytes) -> bytes:
        """What the node answers about a key: up to eight contacts of its table (BEP 5)."""
        target = int.from_bytes(key[:8])
        shared = _KEY_BITS - (self._tops[node] ^ target).bit_length()
        if shared < _KEY_BITS:
            low, high = self._subtree(target, shared + 1)
            if high - low > _WHOLE_SUBTREE:
                return self._bucket(node, shared, low, high)
        return self._neighbourhood(node, target)

    def _bucket(self, node: int, shared: int, low: int, high: int) -> bytes:
        """Eight contacts of a big subtree, one from each eighth of it."""
        size = high - low
        draw = (node * 0x9E3779B97F4A7C15 + (shared + 1) * 0xC2B2AE3D27D4EB4F) & _MASK
        alive, contacts, width = self._alive, self._contacts, self._width
        picked = []
        for part in range(K):
            draw = (draw * 6364136223846793005 + 1442695040888963407) & _MASK
            contact = low + ((part * size + ((draw >> 33) * size >> 31)) >> 3)
            if not alive[contact] and not self._keeps_dead(node, contact):
                contact = self._next_live(contact, low, high)
            picked.append(contacts[width * contact : width * (contact + 1)])
        return b"".join(picked)

    def _next_live(self, contact: int, low: int, high: int) -> int:
        """The live node after a dead one in its subtree, or the dead one where there is none."""
        found = self._alive.find(1, contact, high)
        if found < 0:
            found = self._alive.find(1, low, contact)
        return contact if found < 0 else found

    def _neighbourhood(self, node: int, target: int) -> bytes:
        """The eight contacts closest to the target, out of all but the dead that `node` dropped."""
        near = self._neighbours.get(target)
        if near is None:
            if len(self._neighbours) >= _CACHED:
                self._neighbours.clear()
            near = self._neighbours[target] = tuple(self._nearest(target, _NEIGHBOURS))
        alive, contacts, width = self._alive, self._contacts, self._width
        picked = []
        for contact in near:
            if contact != node and (alive[contact] or self._keeps_dead(node, contact)):
                picked.append(contacts[width * contact : width * (contact + 1)])
                if len(picked) == K:
                    break
        return b"".join(picked)

    def _keeps_dead(self, node: int, contact: int) -> bool:
        """Whether the node still has this dead contact in its table: a fair, constant coin."""
        coin = ((node * 0x9E3779B1) ^ (contact * 0x85EBCA77)) >> 13 & 1
        return self.shows_dead and coin == 1

    def _nearest(self, target: int, wanted: int) -> list[int]:
        """At least `wanted` nodes (or all there are), those closest to the target first."""
        bits = min(_KEY_BITS, max(0, (self.count // wanted).bit_length()) + 3)
        low, high = self._subtree(target, bits)
        while high - low < wanted and bits:
            bits -= 1
            low, high = self._subtree(target, bits)
        tops = self._tops
        return sorted(range(low, high), key=lambda node: tops[node] ^ target)

    def _subtree(self, target: int, bits: int) -> tuple[int, int]:
        """The range of nodes that share their first `bits` bits with the target."""
        shift = _KEY_BITS - bits
        prefix = target >> shift
        cache_key = (1 << bits) | prefix  # the leading 1 tells 0b01 from 0b001
        known = self._subtrees.get(cache_key)
        if known is None:
            if len(self._subtrees) >= _CACHED:
                self._subtrees.clear()
            low = bisect_left(self._tops, prefix << shift, 0, self.count)
            high = bisect_left(self._tops, (prefix + 1) << shift, low, self.count)
            known = self._subtrees[cache_key] = (low, high)
        return known


class Population6(Population):
    """All nodes of a DHT of IPv6 (BEP 32): at ::1, each with a port of its own.

    There is one loopback address only, so a node's `address` is here its number, which is that of
    its socket; the last of the `ports` is that of the entry for newcomers.
    """

    is_ipv6: ClassVar[bool] = True

    def __init__(self, *, seed: int, live: int, dead_share: float, ports: Sequence[int]) -> None:
        self._ports = ports
        super().__init__(seed=seed, live=live, dead_share=dead_share, port=0)

    def address(self, node: int) -> int:
        """The node's number."""
        return node

    def _place(self, node: int, port: bytes) -> bytes:
        return IPv6Address("::1").packed + self._ports[node].to_bytes(2)

    def node_at(self, address: int) -> int | None:
        """The live node of that number; None where it is dead."""
        return address if address == self.bootstrap or self._alive[address] else None

    def empty_address(self, number: int) -> int:
        """There is none: each port is a node's.

        Raises:
            WorldError: always.
        """
        raise WorldError("the lab's DHT of IPv6 has no sybils and no junk contacts")

    def empty_shift(self, times: int) -> int:
        """There is none either.

        Raises:
            WorldError: always.
        """
        return self.empty_address(times)


def node_count(live: int, dead_share: float) -> int:
    """How many nodes there are in all, if so many live."""
    return live + round(live * dead_share / (1 - dead_share))


def _random_tops(rng: random.Random, count: int) -> array[int]:
    tops: array[int] = array("Q")
    tops.frombytes(rng.randbytes(8 * count))
    return tops
