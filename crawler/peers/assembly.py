"""Metadata from many hands: which block to ask of whom, and whom to believe. Pure.

Anybody may claim any size and send any block; only the hash over the whole tells. So blocks of one
claimed size are put together from all who claim it, and where that whole is false, each of them
must give all of it alone: who then fails is a poisoner and is barred.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from dataclasses import dataclass

from crawler.peers.extended import BLOCK_BYTES
from swarm.errors import MalformedMessage
from swarm.infohash import InfoHash

MAX_METADATA_BYTES = 100_000_000
Peer = Hashable


@dataclass(frozen=True, slots=True)
class MetadataKey:
    """What the metadata must hash to. A lone 20-byte key may be v1, or v2 cut to 20 (BEP 52)."""

    infohash: InfoHash
    infohash_v2: bytes | None = None  # 32 bytes

    def __post_init__(self) -> None:
        if self.infohash_v2 is not None and len(self.infohash_v2) != 32:
            raise ValueError(f"a v2 infohash has 32 bytes, got {len(self.infohash_v2)}")

    @property
    def wire_keys(self) -> tuple[InfoHash, ...]:
        """The infohashes to shake hands with: one, or two for a hybrid."""
        if self.infohash_v2 is None:
            return (self.infohash,)
        return tuple(dict.fromkeys((self.infohash, InfoHash(self.infohash_v2[:20]))))

    def fits(self, metadata: bytes) -> bool:
        """Whether these are the bytes that were asked for: every hash that is known agrees."""
        v2 = hashlib.sha256(metadata).digest()
        if self.infohash_v2 is not None and v2 != self.infohash_v2:
            return False
        v1 = hashlib.sha1(metadata, usedforsecurity=False).digest()
        return self.infohash.digest in (v1, v2[:20])


class _Assembly:
    """Blocks of one claimed size."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.count = -(-size_bytes // BLOCK_BYTES)
        self.blocks: dict[int, bytes] = {}
        self.givers: set[Peer] = set()
        self.asked: dict[Peer, set[int]] = {}  # by who is at it now
        self._first_gap = 0

    @property
    def held_bytes(self) -> int:
        return len(self.blocks) * BLOCK_BYTES

    def next_block(self, peer: Peer) -> int | None:
        """A missing block that nobody was asked for, else one that `peer` was not asked for."""
        mine = self.asked[peer]
        taken = set().union(*self.asked.values())
        while self._first_gap in self.blocks:
            self._first_gap += 1
        spare = None
        for index in range(self._first_gap, self.count):
            if index in self.blocks or index in mine:
                continue
            if index not in taken:
                return index
            spare = index if spare is None else spare
        return spare

    def put(self, peer: Peer, index: int, block: bytes) -> None:
        if index not in self.asked[peer]:
            raise MalformedMessage(f"metadata block {index} came, and was not asked for")
        last = index == self.count - 1
        due = self.size_bytes - index * BLOCK_BYTES if last else BLOCK_BYTES
        if len(block) != due:
            raise MalformedMessage(f"metadata block {index} has {len(block)} bytes, not {due}")
        self.asked[peer].discard(index)
        if index not in self.blocks:
            self.blocks[index] = block
            self.givers.add(peer)

    def empty(self) -> None:
        """Forget all blocks; who is at it stays, and what it was asked for is still under way."""
        self.blocks.clear()
        self.givers.clear()
        self._first_gap = 0


class MetadataHunt:
    """The metadata of one torrent: peers `join`, are asked, give blocks, `leave`."""

    def __init__(self, key: MetadataKey, max_bytes: int = MAX_METADATA_BYTES) -> None:
        self._key = key
        self._max_bytes = max_bytes
        self._shared: dict[int, _Assembly] = {}  # by size
        self._alone: dict[Peer, _Assembly] = {}
        self._doubted: set[int] = set()  # sizes whose blocks of several hands were false
        self._at: dict[Peer, _Assembly] = {}
        self.barred: set[Peer] = set()
        self.metadata: bytes | None = None  # once it is found and fits

    @property
    def held_bytes(self) -> int:
        """What is kept and not proven yet."""
        assemblies = (*self._shared.values(), *self._alone.values())
        return sum(assembly.held_bytes for assembly in assemblies)

    def join(self, peer: Peer, size_bytes: int) -> None:
        """A peer offers metadata of this size.

        Raises:
            MalformedMessage: none is so large, or it was barred.
        """
        if size_bytes > self._max_bytes:
            raise MalformedMessage(f"metadata of {size_bytes:,} bytes; {self._max_bytes:,} at most")
        if peer in self.barred:
            raise MalformedMessage("this peer has given false metadata")
        if size_bytes in self._doubted:
            assembly = self._alone[peer] = _Assembly(size_bytes)
        else:
            assembly = self._shared.setdefault(size_bytes, _Assembly(size_bytes))
        assembly.asked[peer] = set()
        self._at[peer] = assembly

    def leave(self, peer: Peer) -> None:
        """It is gone; others may be asked for what it owed."""
        assembly = self._at.pop(peer, None)
        if assembly is not None:
            assembly.asked.pop(peer, None)
        self._alone.pop(peer, None)

    def owes(self, peer: Peer) -> int:
        """How many blocks it was asked for and has not given."""
        assembly = self._at.get(peer)
        return 0 if assembly is None else len(assembly.asked[peer])

    def ask(self, peer: Peer) -> int | None:
        """The block to ask this peer for now, noted as asked; None if there is none for it."""
        assembly = self._at.get(peer)
        if assembly is None or self.metadata is not None or peer in self.barred:
            return None
        index = assembly.next_block(peer)
        if index is not None:
            assembly.asked[peer].add(index)
        return index

    def give(self, peer: Peer, index: int, block: bytes) -> None:
        """A peer's block. With the last one the whole is tried: it is found, or somebody lied.

        Raises:
            MalformedMessage: it was not asked for, or has a wrong length.
        """
        if peer in self.barred:
            return  # blocks that were under way
        assembly = self._at[peer]
        assembly.put(peer, index, block)
        if len(assembly.blocks) < assembly.count:
            return
        whole = b"".join(assembly.blocks[i] for i in range(assembly.count))
        if self._key.fits(whole):
            self.metadata = whole
            self._forget()
        elif len(assembly.givers) == 1:
            self.barred |= assembly.givers
            assembly.empty()
        else:
            self._part(assembly)

    def _part(self, assembly: _Assembly) -> None:
        """Somebody among several lied: from now on each gives all of it alone."""
        del self._shared[assembly.size_bytes]
        self._doubted.add(assembly.size_bytes)
        for peer, under_way in assembly.asked.items():
            if peer in self.barred:
                continue
            self.join(peer, assembly.size_bytes)
            self._at[peer].asked[peer] = under_way

    def _forget(self) -> None:
        """It is found: all that was unproven goes."""
        for assembly in (*self._shared.values(), *self._alone.values()):
            assembly.empty()

    def drop_largest(self) -> None:
        """Give up the largest unproven assembly, and bar those who are at it: memory is short."""
        assemblies = (*self._shared.values(), *self._alone.values())
        largest = max(assemblies, key=lambda assembly: assembly.held_bytes)
        self.barred.update(largest.asked)
        largest.empty()
