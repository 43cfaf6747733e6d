"""The search tree of a MaxMind DB file, walked for whole columns of addresses at once.

The tree says which addresses share a record; what a record holds is left to the maxminddb
reader, which then decodes each record once instead of once per address.
Format: MaxMind DB file format specification 2.0, "Binary Search Tree Section".
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from analysis.addresses import AddressColumns

_Nodes = npt.NDArray[np.uint32]
_SEPARATOR_BYTES = 16  # zeros between the tree and the records


@dataclass(frozen=True, slots=True)
class SearchTree:
    """`children[2 * node + bit]` is a node below `node_count`, or else names a record.

    `node_count` itself means "no record".
    """

    node_count: int
    ip_version: int
    children: _Nodes

    @classmethod
    def read(cls, path: Path, node_count: int, record_size: int, ip_version: int) -> Self:
        """Read the tree from the head of the file.

        Raises:
            OSError: the file does not read.
            ValueError: it is shorter than its metadata says, or of an unknown record size.
        """
        if record_size not in (24, 28, 32):
            raise ValueError(f"record size {record_size} is none of 24, 28, 32")
        size = node_count * record_size // 4
        if path.stat().st_size < size + _SEPARATOR_BYTES:
            raise ValueError("it is shorter than its own search tree")
        raw = np.fromfile(path, dtype=np.uint8, count=size).reshape(node_count, -1)
        return cls(node_count, ip_version, _children(raw, record_size))

    @property
    def network_count(self) -> int:
        """How many networks have a record; what stands in the tree twice counts twice."""
        return int(np.count_nonzero(self.children > self.node_count))

    def find(self, addresses: AddressColumns) -> _Nodes:
        """The record each address leads to, `node_count` where there is none."""
        found = np.full(len(addresses), self.node_count, dtype=np.uint32)
        v4, v6 = np.flatnonzero(addresses.is_v4), np.flatnonzero(~addresses.is_v4)
        if self.ip_version == 6:
            starts = np.zeros(len(v6), dtype=np.uint32)
            halfway = self._walk(starts, addresses.high[v6], 64)
            found[v6] = self._walk(halfway, addresses.low[v6], 64)
        starts = np.full(len(v4), self._v4_root(), dtype=np.uint32)
        found[v4] = self._walk(starts, addresses.low[v4], 32)
        return found

    def first_addresses(self, count: int) -> list[int]:
        """The lowest address of each of the first `count` networks that have a record.

        Numbers of 32 or 128 bits, by rising address; IPv4 is ::/96 of an IPv6 tree.
        """
        bits = 128 if self.ip_version == 6 else 32
        found: list[int] = []
        waiting = [(0, 0, 0)]  # node, depth, address so far
        # A damaged tree can run in circles: a sound one has a record within so many steps.
        for _ in range(count * bits):
            if not waiting or len(found) == count:
                break
            node, depth, address = waiting.pop()
            if node > self.node_count:
                found.append(address << (bits - depth))
            elif node < self.node_count and depth < bits:
                left, right = self.children[2 * node : 2 * node + 2].tolist()
                waiting.append((right, depth + 1, address << 1 | 1))
                waiting.append((left, depth + 1, address << 1))
        return found

    def _v4_root(self) -> int:
        """IPv4 stands at ::/96 of an IPv6 tree; in an IPv4 tree at the root."""
        node = 0
        for _ in range(96 if self.ip_version == 6 else 0):
            if node >= self.node_count:
                break
            node = int(self.children[2 * node])
        return node

    def _walk(self, nodes: _Nodes, keys: npt.NDArray[np.uint64], bits: int) -> _Nodes:
        """Follow the low `bits` bits of each key, highest first, until a record or the end."""
        reached = nodes.copy()
        # Keys in order keep neighbouring steps in the same part of the tree.
        active = np.argsort(keys)
        active = active[reached[active] < self.node_count]
        at, key = reached[active], keys[active]
        for shift in range(bits - 1, -1, -1):
            bit = (key >> np.uint64(shift)).astype(np.uint32) & np.uint32(1)
            at = self.children[at.astype(np.intp) * 2 + bit]
            inside = at < self.node_count
            if not inside.all():
                reached[active[~inside]] = at[~inside]
                active, at, key = active[inside], at[inside], key[inside]
            if not len(active):
                break
        reached[active] = at
        return reached


def _children(raw: npt.NDArray[np.uint8], record_size: int) -> _Nodes:
    """Left and right records of every node, interleaved."""
    children = np.empty((len(raw), 2), dtype=np.uint32)
    half = raw.shape[1] // 2
    if record_size == 28:  # the middle byte holds the high bits of both
        children[:, 0] = _big_endian(raw[:, :3]) | (raw[:, 3].astype(np.uint32) >> 4) << 24
        children[:, 1] = _big_endian(raw[:, 4:]) | (raw[:, 3].astype(np.uint32) & 15) << 24
    else:
        children[:, 0] = _big_endian(raw[:, :half])
        children[:, 1] = _big_endian(raw[:, half:])
    return children.reshape(-1)


def _big_endian(columns: npt.NDArray[np.uint8]) -> _Nodes:
    value = np.zeros(len(columns), dtype=np.uint32)
    for byte in columns.T:
        value = value << np.uint32(8) | byte
    return value
