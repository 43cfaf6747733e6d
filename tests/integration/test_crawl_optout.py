"""optout.txt in a crawl: who is in a network of it never gets a packet."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

from lab.dht import SimulatedDht

ROOT = Path(__file__).resolve().parents[2]
OPTED_OUT = IPv4Network("127.128.0.0/9")  # half of the lab's nodes, not its entry
KEYS = 40


def crawl(workspace: Path, listing: Path, dht: SimulatedDht) -> dict[str, object]:
    command = [sys.executable, "main.py", "crawl", str(listing), "--json", "--processes=1"]
    done = subprocess.run(
        [*command, f"--workspace={workspace}", f"--bootstrap={dht.bootstrap}"],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    summary: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return summary


def test_networks_that_opted_out_get_no_packet(tmp_path: Path) -> None:
    """By the count of the nodes themselves; nor do nodes that were kept from an earlier crawl."""
    workspace = tmp_path / "world"
    workspace.mkdir()
    (workspace / "config.txt").write_text(
        "allow_local_peers=yes\nask_trackers=no\nmax_packets_per_s=0\nignore_environment=yes\n"
    )
    rng = random.Random(11)
    keys = [rng.randbytes(20) for _ in range(KEYS)]
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{key.hex()}\n" for key in keys))
    with SimulatedDht(seed=11, nodes=400) as dht:
        dht.plant({key: [bytes([127, 3, 0, n, 0x1A, 0xE1]) for n in range(5)] for key in keys})
        dht.watch(OPTED_OUT)
        assert crawl(workspace, listing, dht)["peers"] == 5 * KEYS
        assert dht.counters().to_watched > KEYS  # so the count counts, and nodes were kept
        (workspace / "optout.txt").write_text(f"{OPTED_OUT}\n")
        dht.watch(OPTED_OUT)
        before = dht.counters().datagrams
        crawl(workspace, listing, dht)
        assert dht.counters().datagrams > before + KEYS
        assert dht.counters().to_watched == 0
