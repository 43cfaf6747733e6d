"""The lab as a child process of the page: started on a click, gone when the page is gone.

The lab prints one JSON object a line: `{"event": "building", "message": ...}` while it builds,
`{"event": "ready", ...}` once, or `{"event": "failed", "message": ...}`. It ends when its standard
input closes, so it cannot outlive whoever holds the other end, not even one that was killed.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

from swarm.errors import SwarmError, WorldError

START_DEADLINE_S = 120.0
_STOP_DEADLINE_S = 15.0


class LabState(StrEnum):
    """How the lab stands."""

    OFF = "off"
    STARTING = "starting"
    RUNNING = "running"
    FAILED = "failed"


class LabProcess:
    """Starts and stops the lab's command. Safe to call from several threads."""

    def __init__(self, command: Sequence[str]) -> None:
        """Take the command that runs a lab with `--json --until-eof`; nothing is started yet."""
        self._command = list(command)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._settled = threading.Event()
        self.state = LabState.OFF
        self.message = ""
        self.facts: Mapping[str, Any] = {}

    def start(self, when_ready: Callable[[], None] | None = None) -> None:
        """Start building the world and return at once; `when_ready` is called from a thread."""
        with self._lock:
            if self.state in (LabState.STARTING, LabState.RUNNING):
                return
            self.state, self.message = LabState.STARTING, "Building the lab's world"
            self._settled = threading.Event()  # each lab has its own: the last one may end late
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            threading.Thread(
                target=self._listen,
                args=(self._process, self._settled, when_ready),
                daemon=True,
            ).start()

    def wait(self, timeout_s: float = START_DEADLINE_S) -> None:
        """Wait until the lab is ready.

        Raises:
            WorldError: it failed, or was not ready in time; says why.
        """
        if not self._settled.wait(timeout_s):
            self.stop()
            raise WorldError(f"the lab was not ready after {timeout_s:.0f} s: {self.message}")
        if self.state is not LabState.RUNNING:
            raise WorldError(f"the lab did not start: {self.message}")

    def stop(self) -> None:
        """End the lab and wait until it is gone."""
        with self._lock:
            process, self._process = self._process, None
            self.state = LabState.OFF
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _listen(
        self,
        process: subprocess.Popen[str],
        settled: threading.Event,
        when_ready: Callable[[], None] | None,
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        said = ""
        for line in process.stdout:
            said = self._hear(process, settled, line, when_ready) or said
        complaints = process.stderr.read().strip()
        process.stdout.close()
        process.stderr.close()
        with suppress(BrokenPipeError):  # it ended before it read what was written
            process.stdin.close()
        process.wait()
        with self._lock:
            if self._process is process:
                self._process = None
                self.state = LabState.FAILED
                last = complaints.splitlines()[-1] if complaints else "it ended by itself"
                self.message = said or last
        settled.set()

    def _hear(
        self,
        process: subprocess.Popen[str],
        settled: threading.Event,
        line: str,
        when_ready: Callable[[], None] | None,
    ) -> str | None:
        """Take one line of a lab; the answer is why it failed, if it did."""
        assert process.stdin is not None
        if self._process is not process:
            return None  # it was stopped: what it says is of no interest any more
        try:
            event = json.loads(line)
        except ValueError:
            return None
        if event.get("event") == "failed":
            return str(event.get("message"))
        if event.get("event") == "ready":
            self.facts = event
            try:
                if when_ready is not None:
                    when_ready()
            except SwarmError as error:
                process.stdin.close()  # ends the lab
                return str(error)
            self.state, self.message = LabState.RUNNING, ""
            settled.set()
        else:
            self.message = str(event.get("message", ""))
        return None
