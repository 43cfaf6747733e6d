"""btdht as a crawler, in a process and a Python of its own. Started by `rivals`.

Speaks JSON lines: takes a task, says that it is ready, takes "go", gives its result.
Imports nothing of the project, since it runs in a virtual environment without it.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import btdht

_BOOTSTRAP_S = 20.0
_LIMIT = 1000  # btdht ends a lookup at so many peers; its most


def main() -> None:
    """Do one task."""
    task = json.loads(sys.stdin.readline())
    host, _, port = task["bootstrap"].rpartition(":")
    dht = btdht.DHT(ignored_net=[], process_queue_size=100_000, debuglvl=-1)
    dht.start()
    end = time.monotonic() + _BOOTSTRAP_S
    while time.monotonic() < end and dht.root.stats()[0] < 100:
        dht.bootstarp([(host, int(port))])
        time.sleep(1)
    _crawl(dht, task["warm_up"], task["concurrency"], task["most_s"])
    print(json.dumps("ready"), flush=True)
    sys.stdin.readline()
    cpu_before = _cpu_s()
    found, seconds = _crawl(dht, task["keys"], task["concurrency"], task["most_s"])
    cpu_s = _cpu_s() - cpu_before
    print(json.dumps({"found": found, "seconds": seconds, "cpu_s": cpu_s}), flush=True)
    dht.stop_bg()


def _crawl(
    dht: btdht.DHT, keys: list[str], concurrency: int, most_s: float
) -> tuple[dict[str, list[str]], float]:
    """What it finds of each key, and the seconds it took."""
    waiting = list(reversed(keys))
    began: dict[str, float] = {}
    found: dict[str, list[str]] = {}
    started = time.monotonic()

    def told(key: str) -> None:
        peers = dht._get_peers(bytes.fromhex(key), compact=False) or []
        found[key] = [f"{host}:{port}" for host, port in peers]

    ended: list[str] = []
    while waiting or began:
        now = time.monotonic()
        for key in [*ended, *(key for key, at in began.items() if now - at > most_s)]:
            if began.pop(key, None) is not None:
                told(key)
        ended.clear()
        while waiting and len(began) < concurrency:
            key = waiting.pop()
            began[key] = now
            dht.get_peers(
                bytes.fromhex(key),
                block=False,
                callback=lambda _peers, key=key: ended.append(key),
                limit=_LIMIT,
            )
        time.sleep(0.02)
    return found, time.monotonic() - started


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
