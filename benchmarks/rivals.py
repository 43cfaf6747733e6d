"""The other DHT clients, each in a process of its own, upon the same lab."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from socket import inet_aton
from typing import Any

from benchmarks.measuring import Measured, score
from lab.dht import SimulatedDht
from lab.planted import PlantedSwarm

_HERE = Path(__file__).parent
_BUILD_DEADLINE_S = 300.0
QUIET_S = 2.5  # libtorrent never says that a lookup is over: it is when nothing came for so long


class LeftOut(Exception):
    """A rival cannot take part; says why."""


def measure_libtorrent(
    dht: SimulatedDht, swarms: Sequence[PlantedSwarm], warm_up: Sequence[PlantedSwarm], *,
    concurrency: int, most_s: float = 8.0, quiet_s: float | None = QUIET_S,
) -> Measured:  # fmt: skip
    """libtorrent's `dht_get_peers`, so many lookups at once, each given up after `most_s`.

    It never says that a lookup is over. After the first answer one is taken to be when nothing has
    come for `quiet_s`: its own timeouts are 1 and 15 s. None: each gets all of `most_s`.
    """
    python, script = Path(sys.executable), "rival_libtorrent.py"
    name = f"libtorrent, {concurrency:,} at once"
    if quiet_s is None:
        name, quiet_s = f"{name}, {most_s:g} s each", most_s
    return _measure(name, python, script, dht, swarms, warm_up, concurrency, most_s, quiet_s)


def measure_btdht(
    python: Path, dht: SimulatedDht, swarms: Sequence[PlantedSwarm],
    warm_up: Sequence[PlantedSwarm], *, concurrency: int, most_s: float = 20.0,
) -> Measured:  # fmt: skip
    """btdht under the given Python, so many lookups at once, each given up after `most_s`."""
    name = f"btdht, {concurrency:,} at once"
    return _measure(name, python, "rival_btdht.py", dht, swarms, warm_up, concurrency, most_s)


def _measure(
    name: str, python: Path, script: str, dht: SimulatedDht, swarms: Sequence[PlantedSwarm],
    warm_up: Sequence[PlantedSwarm], concurrency: int, most_s: float, quiet_s: float = 0.0,
) -> Measured:  # fmt: skip
    task = {
        "bootstrap": dht.bootstrap,
        "keys": [swarm.key.hex() for swarm in swarms],
        "warm_up": [swarm.key.hex() for swarm in warm_up],
        "concurrency": concurrency,
        "most_s": most_s,
        "quiet_s": quiet_s,
    }
    # Each batch of lookups takes at most `most_s`; starting and warming up take their share.
    batches = (len(swarms) + len(warm_up)) / concurrency + 2
    deadline_s = 120 + 3 * batches * most_s
    command = ["timeout", str(int(deadline_s)), str(python), "-W", "ignore", str(_HERE / script)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(json.dumps(task) + "\n")
            process.stdin.flush()
            _next_line(process, name)
            before = dht.counters()
            process.stdin.write("go\n")
            process.stdin.flush()
            result = _next_line(process, name)
            after = dht.counters()
        finally:
            process.terminate()  # `timeout` hands it on; a kill would leave the client running
    found = {bytes.fromhex(key): set(map(_compact, told)) for key, told in result["found"].items()}
    measured = score(name, swarms, found, result["seconds"], result["cpu_s"], before, after)
    return replace(measured, note=f"each lookup at most {most_s:g} s")


def _next_line(process: subprocess.Popen[str], name: str) -> Any:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise LeftOut(f"{name} ended (exit code {process.wait()}) without a result")
    return json.loads(line)


def _compact(endpoint: str) -> bytes:
    host, _, port = endpoint.rpartition(":")
    return inet_aton(host) + int(port).to_bytes(2)


@contextmanager
def btdht_python() -> Iterator[Path]:
    """A throwaway virtual environment with btdht; it is gone afterwards.

    Raises:
        LeftOut: it cannot be built here.
    """
    with tempfile.TemporaryDirectory(prefix="btdht-") as folder:
        python = Path(folder) / "bin" / "python"
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _build([sys.executable, "-m", "venv", folder])
        # Only an old Cython makes its C, and setuptools finds it in this environment alone.
        _build([*pip, "setuptools<70", "wheel", "Cython<3"])
        _build([*pip, "--no-build-isolation", "btdht"])
        yield python


def _build(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=_BUILD_DEADLINE_S)
    except subprocess.TimeoutExpired:
        raise LeftOut(f"btdht was not built within {_BUILD_DEADLINE_S:g} s") from None
    except (subprocess.CalledProcessError, OSError) as error:
        said = getattr(error, "stderr", None) or str(error).encode()
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        raise LeftOut(f"btdht cannot be built here: {' '.join(last)}") from None
