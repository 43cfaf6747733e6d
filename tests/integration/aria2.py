"""aria2c, a client that nobody here wrote, seeding on loopback at ports of its own choice."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from swarm.endpoint import Endpoint

DEADLINE_S = 60.0
# It takes one that is free. Below those that the system gives out: nobody else comes upon them.
_PORTS = "20000-32000"
_VERIFIED = "Verification finished successfully"
_LISTENING = re.compile(r"listening on TCP port (\d+)")


@contextmanager
def seeding(folder: Path, torrent: Path, *, bootstrap: str | None = None) -> Iterator[Endpoint]:
    """aria2c, sharing what is in the folder; yields where, once it has checked it and listens.

    With `bootstrap` it joins that DHT and announces itself there.
    """
    log = folder / "aria2.log"
    dht = ["--enable-dht=false"]
    if bootstrap is not None:
        dht = [
            "--enable-dht=true", "--enable-dht6=false", f"--dht-entry-point={bootstrap}",
            f"--dht-file-path={folder / 'dht.dat'}", f"--dht-listen-port={_PORTS}",
        ]  # fmt: skip
    process = subprocess.Popen(
        [
            "aria2c", "--no-conf=true", "--quiet=true", f"--log={log}", "--log-level=notice",
            f"--dir={folder}", "--check-integrity=true", "--seed-ratio=0.0",
            "--interface=127.0.0.1", "--disable-ipv6=true", f"--listen-port={_PORTS}",
            "--bt-enable-lpd=false", "--enable-peer-exchange=false", *dht, str(torrent),
        ],
    )  # fmt: skip
    try:
        yield Endpoint(IPv4Address("127.0.0.1"), _port_when_ready(process, log))
    finally:
        process.kill()
        process.wait()


def _port_when_ready(process: subprocess.Popen[bytes], log: Path) -> int:
    end = time.monotonic() + DEADLINE_S
    said = ""
    while process.poll() is None and time.monotonic() < end:
        said = log.read_text() if log.exists() else ""
        listening = _LISTENING.search(said)
        if listening and _VERIFIED in said:
            return int(listening[1])
        time.sleep(0.02)
    raise AssertionError(f"aria2c does not seed (exit code {process.poll()}): {said}")
