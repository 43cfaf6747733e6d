"""What a crawl process weighs when it knows so many nodes. Run in a process of its own.

Prints JSON: `before_mb` with everything imported, `after_mb` with the nodes in the table.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import crawler.worker  # all that a crawl process has imported
from crawler.krpc import CONTACT_BYTES
from crawler.node_table import NodeTable

assert crawler.worker


def main() -> None:
    """Fill a table with as many nodes as the first argument says; every second one answered."""
    count = int(sys.argv[1])
    before_mb = _peak_mb()
    rng = random.Random(1)
    table = NodeTable()
    for number in range(count):
        contact = rng.randbytes(CONTACT_BYTES)
        table.add(contact, 1.0)
        if number % 2:
            table.replied(contact, 2.0)
        if number % 1000 == 0:
            table.closest(rng.randbytes(20), 8)  # what is due is sorted in now and then
    table.closest(bytes(20), 8)
    print(json.dumps({"known": len(table), "before_mb": before_mb, "after_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Not getrusage: its maximum is inherited from the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
