"""observatory.host and lab_process: the lab as a child of the page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from commands.dashboard import lab_command
from observatory.desk import Observatory
from observatory.host import Host
from observatory.lab_process import LabProcess, LabState
from storage.workspace import Workspace
from swarm.errors import WorldError

ROOT = Path(__file__).parents[2]
OPTIONS = ["--seed=5", "--no-challenge"]
DEADLINE_S = 60.0


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_S
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)
    return holds()


def test_entering_and_leaving_the_lab(tmp_path: Path) -> None:
    """The lab becomes the shown world when it is ready, and the real one is back after it."""
    home = Observatory(Workspace(tmp_path), name="Internet", description="real")
    lab_root = tmp_path / ".lab"
    host = Host(
        home,
        lab=LabProcess([*lab_command(lab_root), *OPTIONS]),
        lab_workspace=Workspace(lab_root),
    )
    with closing(host):
        assert (host.current, host.lab_state) == (home, LabState.OFF)
        host.start_lab()
        assert host.current is home
        assert host.lab_state is LabState.STARTING
        assert eventually(lambda: host.lab_state is not LabState.STARTING), host.lab_message
        assert host.current.is_lab
        assert "seed 5" in host.current.description
        assert host.current.settings().allow_local_peers
        assert not home.settings().allow_local_peers
        host.leave_lab()
        assert (host.current, host.lab_state) == (home, LabState.OFF)
        assert not (lab_root / "world.json").exists()
        host.enter_lab()
        assert host.current.is_lab


def test_lab_that_cannot_start_says_why(tmp_path: Path) -> None:
    """A second lab in the same folder fails with the lab's own sentence, and the page goes on."""
    with closing(LabGuard(tmp_path)):
        second = LabProcess([*lab_command(tmp_path), *OPTIONS])
        second.start()
        with pytest.raises(WorldError, match="already runs"):
            second.wait()
        assert second.state is LabState.FAILED


_SLOW_TO_LEAVE = """
import json, pathlib, subprocess, sys, time
first, second, gone = (pathlib.Path(sys.argv[1]) / name for name in ("first", "second", "gone"))
def until(path):
    end = time.monotonic() + 60  # a test that failed leaves nobody who waits for ever
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.01)
if sys.argv[2:]:  # holds the pipe of the first lab open until the second one starts
    until(second)
    gone.touch()
elif not first.exists():
    first.touch()
    subprocess.Popen([sys.executable, *sys.orig_argv[1:], "holder"], stdin=subprocess.DEVNULL)
else:
    second.touch()
    until(gone)
    time.sleep(0.3)  # whoever listens to the first lab hears its end before this one is ready
if not sys.argv[2:]:
    print(json.dumps({"event": "ready"}), flush=True)
    sys.stdin.read()
"""


def test_the_late_end_of_one_lab_is_not_that_of_the_next(tmp_path: Path) -> None:
    """A lab that is started again right after it was left is waited for until it is ready."""
    process = LabProcess([sys.executable, "-c", _SLOW_TO_LEAVE, str(tmp_path)])
    process.start()
    process.wait(30)
    process.stop()
    process.start()
    process.wait(30)
    assert process.state is LabState.RUNNING
    process.stop()


class LabGuard:
    """A lab that runs until it is closed."""

    def __init__(self, root: Path) -> None:
        self._process = LabProcess([*lab_command(root), *OPTIONS])
        self._process.start()
        self._process.wait()

    def close(self) -> None:
        """End it."""
        self._process.stop()


def test_command_that_is_no_lab_fails() -> None:
    """A command that dies says its last line, instead of keeping the page waiting."""
    process = LabProcess([sys.executable, "-c", "import sys; sys.exit('no such thing')"])
    process.start()
    with pytest.raises(WorldError, match="no such thing"):
        process.wait()


def test_lab_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    """A broken file in the lab's workspace fails the click with its reason, and ends the lab."""
    home = Observatory(Workspace(tmp_path), name="Internet", description="real")
    lab_root = tmp_path / ".lab"
    (lab_root / "bulkTorrents").mkdir(parents=True)
    (lab_root / "bulkTorrents" / "index.json").write_text("{")
    process = LabProcess([*lab_command(lab_root), *OPTIONS])
    host = Host(home, lab=process, lab_workspace=Workspace(lab_root))
    with closing(host):
        with pytest.raises(WorldError, match=r"index\.json is no JSON"):
            host.enter_lab()
        assert host.lab_state is LabState.FAILED
        assert host.current is home
        assert eventually(lambda: not (lab_root / "world.json").exists())


PARENT = """
import sys, time
from observatory.lab_process import LabProcess
process = LabProcess(sys.argv[1:])
process.start()
process.wait()
print("ready", flush=True)
time.sleep(600)
"""


def test_killed_page_takes_the_lab_along(tmp_path: Path) -> None:
    """kill -9 of whoever started the lab ends it, and all of its processes."""
    command = [*lab_command(tmp_path), *OPTIONS]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, *command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    lab_pid = json.loads((tmp_path / "world.json").read_text())["pid"]
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    assert eventually(lambda: not Path(f"/proc/{lab_pid}").exists())
    assert not (tmp_path / "world.json").exists()
