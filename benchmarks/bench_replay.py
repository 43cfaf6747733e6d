"""What the engine itself costs per infohash, as source and compiled, and what the socket adds.

`python -m benchmarks.bench_replay` (or `make bench-replay`); `--smoke` proves in seconds that it
still runs. No crawl is timed here: a recorded one is replayed (see `recorded_crawl`), so neither
the lab nor a wait is in the figures. CPU time all the same depends on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.tables import machine, print_table
from crawler import compiled
from crawler.allocation import huge_pages

_ROOT = Path(__file__).parents[1]
_DATAGRAMS = 20_000
_BURST = 64  # datagrams sent before they are taken in
_QUERY_BYTES, _REPLY_BYTES = 104, 420  # what a crawl's have on average


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes, a few seconds")
    parser.add_argument("--nodes", type=int, help="live nodes of the simulated DHT")
    parser.add_argument("--infohashes", type=int, help="how many are looked up")
    given = parser.parse_args()
    nodes = given.nodes or (2_000 if given.smoke else 100_000)
    infohashes = given.infohashes or (100 if given.smoke else 6_000)
    print(f"{machine()}; {nodes:,} nodes, {infohashes:,} infohashes\n")
    built = compiled.import_root()
    ways: list[tuple[str, Path | None, bool]] = [("source", None, False)]
    if built:
        ways += [("compiled", built, False), ("compiled, huge pages", built, True)]
    else:
        print("Without the compiled engine: `make fast` builds it.\n")
    played = {
        name: _play(nodes, infohashes, root, has_huge_pages=has_huge_pages)
        for name, root, has_huge_pages in ways
    }
    _print_engine(played, infohashes)
    sent_us, received_us, polled_us = _socket_costs_us()
    any_played = next(iter(played.values()))
    sent, received = (any_played[name] / infohashes for name in ("sent", "received"))
    print_table(
        ("system call", "us each", "ms per infohash"),
        [
            ("sendto", f"{sent_us:.1f}", f"{sent * sent_us / 1000:.3f}"),
            ("recvfrom", f"{received_us:.1f}", f"{received * received_us / 1000:.3f}"),
            ("poll that finds nothing", f"{polled_us:.1f}", "one in a millisecond at most"),
        ],
    )


def _play(
    nodes: int, infohashes: int, built: Path | None, *, has_huge_pages: bool
) -> dict[str, Any]:
    roots = os.pathsep.join(str(root) for root in (built, _ROOT) if root)
    done = subprocess.run(
        [
            sys.executable, "-P", "-m", "benchmarks.recorded_crawl",
            f"--nodes={nodes}", f"--infohashes={infohashes}",
        ],
        env={
            **os.environ,
            **(huge_pages(os.environ) if has_huge_pages else {}),
            "PYTHONPATH": roots,
        },
        check=True, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _print_engine(played: dict[str, dict[str, Any]], infohashes: int) -> None:
    print_table(
        (
            "engine", "packets each", "replies each", "recall", "invented", "virtual s",
            "engine ms each", "reports ms each", "memory MB",
        ),
        [
            (
                name, f"{figures['sent'] / infohashes:.1f}",
                f"{figures['received'] / infohashes:.1f}", f"{figures['recall']:.2%}",
                str(figures["invented"]), f"{figures['virtual_s']:.1f}",
                f"{1000 * figures['engine_cpu_s'] / infohashes:.3f}",
                f"{1000 * figures['reports_cpu_s'] / infohashes:.3f}",
                f"{figures['memory_mb']:.0f}",
            )
            for name, figures in played.items()
        ],
    )  # fmt: skip


def _socket_costs_us() -> tuple[float, float, float]:
    """Microseconds of CPU for a send of a query, a receipt of a reply, an empty poll; loopback."""
    sent = received = polled = 0.0
    query, reply = bytes(_QUERY_BYTES), bytes(_REPLY_BYTES)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there,
    ):
        for udp in (here, there):
            udp.bind(("127.0.0.1", 0))
            udp.setblocking(False)
        our_address, their_address = here.getsockname(), there.getsockname()
        poll = select.poll()
        poll.register(here, select.POLLIN)
        for _ in range(_DATAGRAMS // _BURST):
            began = time.process_time()
            for _ in range(_BURST):
                here.sendto(query, their_address)
            sent += time.process_time() - began
            for _ in range(_BURST):
                there.recvfrom(4097)
                there.sendto(reply, our_address)
            began = time.process_time()
            for _ in range(_BURST):
                here.recvfrom(4097)
            received += time.process_time() - began
            began = time.process_time()
            for _ in range(_BURST):
                poll.poll(0)
            polled += time.process_time() - began
    count = _DATAGRAMS // _BURST * _BURST / 1_000_000
    return sent / count, received / count, polled / count


if __name__ == "__main__":
    main()
