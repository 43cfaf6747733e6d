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
from analysis.ranges import RangeTable

_Nodes = npt.NDArray[np.uint32]
_BITS = np.arange(2, dtype=np.uint64)
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

    def ranked(self) -> SearchTree:
        """The same tree with its records numbered from `node_count` + 1 on, without gaps."""
        is_record = self.children > self.node_count
        _, ranks = np.unique(self.children[is_record], return_inverse=True)
        children = self.children.copy()
        children[is_record] = self.node_count + 1 + ranks
        return SearchTree(self.node_count, self.ip_version, children)

    def v4_ranges(self) -> RangeTable:
        """All of IPv4 as ranges, each with the record it leads to or `node_count`.

        Raises:
            ValueError: the tree is damaged and runs in circles.
        """
        nodes = np.array([self._v4_root()], dtype=np.uint32)
        prefixes = np.zeros(1, dtype=np.uint64)
        starts, records, visited = [], [], 0
        for depth in range(33):
            ends = nodes >= self.node_count
            starts.append(prefixes[ends] << np.uint64(32 - depth))
            records.append(nodes[ends])
            nodes, prefixes = nodes[~ends], prefixes[~ends]
            visited += len(nodes)
            if visited > self.node_count or (depth == 32 and len(nodes)):
                raise ValueError("its search tree runs in circles")
            nodes = self.children.reshape(-1, 2)[nodes].reshape(-1)
            prefixes = (prefixes[:, None] * np.uint64(2) + _BITS).reshape(-1)
        start, record = np.concatenate(starts), np.concatenate(records)
        order = np.argsort(start)
        return RangeTable(start[order].astype(np.uint32), record[order])

    def find_v6(self, addresses: AddressColumns) -> _Nodes:
        """The record each IPv6 address leads to, in the order of `rising_v6`; see `v4_ranges`."""
        v6 = addresses.rising_v6
        if self.ip_version != 6:
            return np.full(len(v6), self.node_count, dtype=np.uint32)
        halfway = self._walk(np.zeros(len(v6), dtype=np.uint32), addresses.high[v6], 64)
        return self._walk(halfway, addresses.low[v6], 64)

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
        active = np.flatnonzero(reached < self.node_count)
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
