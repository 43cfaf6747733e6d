"""Kept nodes: the DHT nodes that answered, from one run to the next. Pure; opens no file.

So a later run begins where the last one ended, and not at the public bootstrap nodes, which the
whole network leans on. Standing follows BEP 5: a node is good for 15 minutes after a reply, so what
is read from a file is questionable: it is asked, but it counts for nothing before it has answered,
and its first silence drops it. After a week it is not asked any more.

The bytes: a magic, the numbers of 26-byte and of 38-byte contacts, one record for each (contact,
then the Unix time of its last reply in 4 bytes), and a digest of all that. Integers are big-endian.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from heapq import nlargest

from crawler.family import FAMILIES, ID_BYTES, Family
from swarm.errors import StorageError

MOST_NODES = 200_000
ASKED_FOR_S = (
    7 * 24 * 3600
)  # half of the nodes are gone after a day; after a week hardly one is left
FRESHEST = 256  # go to every process, whatever its share, so that each has somebody to begin with

_MAGIC = b"swarm-atlas nodes 1\n"
_DIGEST_BYTES = 16
_COUNT_BYTES = _TIME_BYTES = 4

Nodes = Mapping[bytes, int]
"""Contacts (26 or 38 bytes) to the Unix time, in seconds, of their last reply."""


class KeptNodes:
    """What is known of nodes during a run: those of the file, those met since, less the silent."""

    def __init__(self, nodes: Nodes = {}) -> None:  # noqa: B006 - copied, never changed
        self._nodes = dict(nodes)
        self.changed = False  # since `snapshot` was last called

    def __len__(self) -> int:
        return len(self._nodes)

    def update(self, replied: Nodes, silent: Iterable[bytes]) -> None:
        """Take in what a process has met since it last said so."""
        for contact in silent:
            self._nodes.pop(contact, None)
            self.changed = True
        for contact, replied_at in replied.items():
            self._nodes[contact] = max(replied_at, self._nodes.get(contact, 0))
            self.changed = True
        if len(self._nodes) > 2 * MOST_NODES:
            self._nodes = newest(self._nodes, MOST_NODES)

    def worth_asking(
        self, family: Family, *, now_s: int, is_shunned: Callable[[bytes], bool]
    ) -> list[bytes]:
        """The contacts of one family that may be asked at the beginning of a run, freshest first.

        `is_shunned` is asked about each compact address (`BogonFilter.is_bogus`). What claims to
        have replied in the future is left out: some clock was wrong.
        """
        width = family.contact_bytes
        fit = [
            (replied_at, contact)
            for contact, replied_at in self._nodes.items()
            if len(contact) == width
            and 0 <= now_s - replied_at <= ASKED_FOR_S
            and not is_shunned(contact[ID_BYTES:])
        ]
        return [contact for _, contact in sorted(fit, reverse=True)]

    def snapshot(self) -> dict[bytes, int]:
        """What is worth keeping: the `MOST_NODES` that replied last."""
        self.changed = False
        return newest(self._nodes, MOST_NODES)


def newest(nodes: Nodes, most: int) -> dict[bytes, int]:
    """Those that replied last, at most so many."""
    if len(nodes) <= most:
        return dict(nodes)
    return dict(nlargest(most, nodes.items(), key=lambda item: item[1]))


def dealt(contacts: list[bytes], bounds: list[bytes]) -> list[list[bytes]]:
    """One list for each process: the nodes of its share of the key space, and the freshest of all.

    `contacts` are freshest first, and so are the lists; `bounds` are the first keys of the shares,
    ascending: what lies below the first belongs to it as well.
    """
    ordered = sorted(contacts)
    cuts = [0, *(bisect_left(ordered, bound) for bound in bounds[1:]), len(ordered)]
    fresh = contacts[:FRESHEST]
    known = set(fresh)
    rest = [set(ordered[low:high]) - known for low, high in itertools.pairwise(cuts)]
    return [fresh + [contact for contact in contacts if contact in share] for share in rest]


def encode_nodes(nodes: Nodes) -> bytes:
    """The bytes of a file of nodes."""
    columns = [
        [
            contact + replied_at.to_bytes(_TIME_BYTES)
            for contact, replied_at in nodes.items()
            if len(contact) == family.contact_bytes
        ]
        for family in FAMILIES
    ]
    counts = b"".join(len(column).to_bytes(_COUNT_BYTES) for column in columns)
    body = _MAGIC + counts + b"".join(b"".join(column) for column in columns)
    return body + _digest(body)


def decode_nodes(raw: bytes) -> dict[bytes, int]:
    """The nodes of such a file.

    Raises:
        StorageError: the bytes are another file's, or not all there.
    """
    if not raw.startswith(_MAGIC):
        raise StorageError("it is no file of nodes")
    body, digest = raw[:-_DIGEST_BYTES], raw[-_DIGEST_BYTES:]
    if _digest(body) != digest:
        raise StorageError("it is damaged: its digest does not fit")
    at = len(_MAGIC) + _COUNT_BYTES * len(FAMILIES)
    nodes: dict[bytes, int] = {}
    for number, family in enumerate(FAMILIES):
        count_at = len(_MAGIC) + _COUNT_BYTES * number
        count = int.from_bytes(body[count_at : count_at + _COUNT_BYTES])
        width = family.contact_bytes
        end = at + count * (width + _TIME_BYTES)
        if end > len(body):
            raise StorageError("it is damaged: it ends too early")
        for record in range(at, end, width + _TIME_BYTES):
            replied_at = int.from_bytes(body[record + width : record + width + _TIME_BYTES])
            nodes[body[record : record + width]] = replied_at
        at = end
    return nodes


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=_DIGEST_BYTES).digest()
