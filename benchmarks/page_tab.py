"""A tab as the server knows it: what an idle page asks, as often as it asks it.

It is made to cost little, since it shares the machine with what is measured: a plain connection,
and of the answers only those are read that the next question depends on. Its CPU is counted.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

BEAT_S = 1.0  # as dashboard/shell.py has it
CALLBACKS = "_dash-update-component"
TICK, SEEN, RUN_KEY = "tick.data", "seen.data", "run-key.data"
CHARTED = "charted.data"  # what assets/overview.js makes of RUN_KEY


@dataclass(frozen=True, slots=True)
class Heard:
    """What a real page asks: each callback by what sets it off, and all that it knew by then."""

    pulse: dict[str, Any]
    refresh: dict[str, Any]
    charts: tuple[dict[str, Any], ...]
    known: dict[str, Any]  # "id.property": value


@dataclass
class Tab(threading.Thread):
    """One tab: a beat each second, and what follows from its answer."""

    url: str
    heard: Heard
    ended: threading.Event
    delay_s: float
    waits_ms: list[float] = field(default_factory=list)
    cpu_s: float = 0.0  # once it has ended
    failed: Exception | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._known = dict(self.heard.known)
        self._beats = 0
        self._server = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        self._headers = {
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
            "Origin": self.url,
        }

    __hash__ = threading.Thread.__hash__

    def run(self) -> None:
        """Beat until the crawl has ended."""
        try:
            self.ended.wait(self.delay_s)
            while not self.ended.is_set():
                started = time.monotonic()
                self._beat()
                self.ended.wait(max(0.0, started + BEAT_S - time.monotonic()))
        except (HTTPException, OSError) as error:
            self.failed = error
        finally:
            self._server.close()
            self.cpu_s = time.thread_time()

    def _beat(self) -> None:
        self._beats += 1
        self._known[TICK] = self._beats
        if SEEN not in self._told(self.heard.pulse, TICK):
            return
        if RUN_KEY not in self._told(self.heard.refresh, SEEN):
            return
        self._known[CHARTED] = self._known[RUN_KEY]
        for chart in self.heard.charts:
            self._ask(chart, CHARTED)

    def _told(self, body: dict[str, Any], because: str) -> set[str]:
        """Ask, and remember what is told; what has changed."""
        answer = self._ask(body, because)
        if answer is None:
            return set()
        told = {
            f"{name}.{prop}": value
            for name, props in json.loads(answer)["response"].items()
            for prop, value in props.items()
        }
        self._known |= told
        return set(told)

    def _ask(self, body: dict[str, Any], because: str) -> bytes | None:
        """Ask with what is known; the answer's body, None where nothing has changed."""
        filled = body | {"changedPropIds": [because]}
        for part in ("inputs", "state"):
            filled[part] = [
                given | {"value": self._known.get(f"{given['id']}.{given['property']}")}
                for given in body.get(part, [])
            ]
        question = json.dumps(filled).encode()
        started = time.monotonic()
        self._server.request("POST", f"/{CALLBACKS}", question, self._headers)
        answer = self._server.getresponse()
        said = answer.read()
        self.waits_ms.append(1000 * (time.monotonic() - started))
        if answer.status not in (200, 204):
            raise HTTPException(f"status {answer.status}")
        if answer.status == 204:
            return None
        return said if because == CHARTED or not _is_gzip(answer) else gzip.decompress(said)


def _is_gzip(answer: HTTPResponse) -> bool:
    return answer.getheader("Content-Encoding") == "gzip"
