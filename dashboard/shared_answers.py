"""What many tabs ask alike is answered once, and what all answers cost is counted.

After each change of the world, every open tab asks the same questions in the same words. The first
is answered by its callback; all others get the same bytes, compressed already, until the world
changes again. Only questions that order nothing are shared: the beat, and what the Overview shows.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from flask import Flask, Response, g, request

from dashboard import ids
from dashboard.live import LiveView
from swarm.errors import SwarmError

CALLBACKS = "/_dash-update-component"
_SHARED = frozenset({ids.SEEN, ids.FILLED, ids.BARS_DRAWN, ids.MAP_DRAWN})  # one output of each
_LONGEST_QUESTION = 20_000  # bytes; ours have some hundred
_LARGEST_ANSWER = 500_000  # bytes, compressed
_KEPT_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class _Answer:
    """A response's body as it was sent, and how it is to be read."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...]

    def response(self) -> Response:
        return Response(self.body, self.status, headers=list(self.headers))


class _Kept:
    """Answers by their questions, the last ones asked for; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._bytes = 0

    def get(self, key: bytes) -> _Answer | None:
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
            return self._answers.get(key)

    def keep(self, key: bytes, answer: _Answer) -> None:
        with self._lock:
            if key in self._answers:
                return
            self._answers[key] = answer
            self._bytes += _weight(answer)
            while self._bytes > _KEPT_BYTES:
                _, oldest = self._answers.popitem(last=False)
                self._bytes -= _weight(oldest)


def _weight(answer: _Answer) -> int:
    return len(answer.body) + 1_000  # what an answer without a body takes


def share_answers(server: Flask, live: LiveView) -> None:
    """Add this to the server: after who guards it, before who compresses."""
    kept = _Kept()

    @server.before_request
    def answer_as_before() -> Response | None:
        if request.path != CALLBACKS:
            return None
        g.cpu_before = time.thread_time()
        g.question = key = _question(live)
        answer = None if key is None else kept.get(key)
        if answer is None:
            return None
        g.question = None  # it is kept
        return answer.response()

    @server.after_request
    def keep(response: Response) -> Response:
        key = g.get("question")
        if key is not None and response.status_code in (200, 204):
            body = response.get_data()
            if len(body) <= _LARGEST_ANSWER and not _is_said_to_one(response, body):
                names = ("Content-Type", "Content-Encoding", "Vary")
                headers = [(name, response.headers.get(name)) for name in names]
                said = tuple((name, value) for name, value in headers if value is not None)
                kept.keep(key, _Answer(response.status_code, body, said))
        return response

    @server.teardown_request
    def count(_error: BaseException | None) -> None:
        before = g.pop("cpu_before", None)
        if before is not None:
            live.spent(time.thread_time() - before)


def _is_said_to_one(response: Response, body: bytes) -> bool:
    """Whether a message comes with it (`orders.say`): why something failed this time."""
    plain = gzip.decompress(body) if "Content-Encoding" in response.headers else body
    return b'"sideUpdate"' in plain


def _question(live: LiveView) -> bytes | None:
    """What is asked of which state of the world; None: it is not shared."""
    if (request.content_length or _LONGEST_QUESTION + 1) > _LONGEST_QUESTION:
        return None
    raw = request.get_data()
    asked = _read(raw)
    if asked is None:
        return None
    try:
        stamp = live.stamp()
    except SwarmError:
        return None  # its callback says why
    takes_gzip = bool(request.accept_encodings["gzip"])
    return blake2b(repr((stamp, takes_gzip, asked)).encode(), digest_size=16).digest()


def _read(raw: bytes) -> Any:
    """A shared question, without what differs from tab to tab; None: this is none."""
    try:
        match json.loads(raw):
            case {
                "outputs": [*outputs],
                "inputs": [*inputs],
                "changedPropIds": [*because],
                "output": str(output),
                **rest,
            }:
                pass
            case _:
                return None
    except (ValueError, RecursionError):
        return None
    names = {part.get("id") for part in outputs if isinstance(part, dict) if _is_plain(part)}
    if not names & _SHARED or f"{ids.NUDGE}.data" in because:
        return None  # after an order the world is looked at anew
    told = [
        {**part, "value": None} if isinstance(part, dict) and part.get("id") == ids.TICK else part
        for part in inputs
    ]
    return output, outputs, told, because, rest  # the state among it


def _is_plain(part: dict[str, Any]) -> bool:
    return isinstance(part.get("id"), str)
