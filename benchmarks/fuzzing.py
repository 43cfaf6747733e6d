"""Hostile datagrams by the million against the codec: what leaves it, and what it keeps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from crawler import krpc
from swarm.errors import MalformedMessage

_PAGE_BYTES = 4096
_WARM_UP_SHARE = 0.2


class Fuzzed:
    """What came of it; `grown_mb` is what the process grew by after the first fifth."""

    def __init__(self) -> None:
        self.packets = 0
        self.parsed = 0
        self.escaped: dict[str, int] = {}  # exceptions other than MalformedMessage, by name
        self.grown_mb = 0.0


def fuzz_codec(*, seed: int, packets: int) -> Fuzzed:
    """Decode so many damaged messages."""
    fuzzed = Fuzzed()
    warm_up = int(_WARM_UP_SHARE * packets)
    settled_mb = 0.0
    for datagram in _hostile(random.Random(f"{seed}/fuzz"), packets):
        if fuzzed.packets == warm_up:
            settled_mb = _resident_mb()
        fuzzed.packets += 1
        try:
            krpc.decode(datagram)
            fuzzed.parsed += 1
        except MalformedMessage:
            pass
        except Exception as error:  # noqa: BLE001 - that none comes is what is measured
            name = type(error).__name__
            fuzzed.escaped[name] = fuzzed.escaped.get(name, 0) + 1
    fuzzed.grown_mb = _resident_mb() - settled_mb
    return fuzzed


def _hostile(rng: random.Random, count: int) -> Iterator[bytes]:
    honest = _honest(rng)
    for number in range(count):
        datagram = bytearray(honest[number % len(honest)])
        kind = number % 7
        if kind < 4:  # some bytes changed
            for _ in range(1 + kind):
                datagram[rng.randrange(len(datagram))] = rng.randrange(256)
        elif kind == 4:  # cut off, or something behind it
            del datagram[rng.randrange(len(datagram)) :]
            datagram += rng.randbytes(rng.randrange(3))
        elif kind == 5:  # a digit or a delimiter where it hurts
            datagram[rng.randrange(len(datagram))] = rng.choice(b"0123456789:deil-")
        elif rng.random() < 0.5:  # noise
            datagram = bytearray(rng.randbytes(rng.randrange(200)))
        else:  # depth, or a length that nobody has
            depth = rng.randrange(1, 2000)
            datagram = bytearray(rng.choice((b"l", b"d1:a", b"99999999999:", b"i")) * depth)
        yield bytes(datagram)


def _honest(rng: random.Random) -> list[bytes]:
    """One message of every kind."""
    transaction, node_id, key = rng.randbytes(4), rng.randbytes(20), rng.randbytes(20)
    nodes, peers = rng.randbytes(26 * 8), [rng.randbytes(6) for _ in range(50)]
    blooms = rng.randbytes(256), rng.randbytes(256)
    return [
        krpc.encode_ping(transaction, node_id),
        krpc.encode_find_node(transaction, node_id, key),
        krpc.encode_get_peers(transaction, node_id, key),
        krpc.encode_get_peers(transaction, node_id, key, scrape=True),
        krpc.encode_ping_reply(transaction, node_id),
        krpc.encode_find_node_reply(transaction, node_id, nodes),
        krpc.encode_get_peers_reply(transaction, node_id, token=b"t", nodes=nodes),
        krpc.encode_get_peers_reply(transaction, node_id, token=b"t", nodes=nodes, values=peers),
        krpc.encode_get_peers_reply(
            transaction, node_id, token=b"t", seeds=blooms[0], downloaders=blooms[1]
        ),
        krpc.encode_error(transaction, 203, b"Protocol Error"),
    ]


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE_BYTES / 1e6
