"""What many tabs ask alike is answered once, and what all answers cost is counted.

After each change of the world, every open tab asks the same questions in the same words. The first
is answered by its callback; all others get the same bytes, compressed already, until the world
changes again; who asks before there is an answer waits for that one. Only questions that order
nothing are shared: the beat, and what the Overview shows.
"""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import suppress
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
_PATIENCE_S = 20.0  # for another's answer; then who waits makes one


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
        self._made: dict[bytes, Future[_Answer | None]] = {}

    def get(self, key: bytes) -> _Answer | None:
        """The answer, kept or being made; None: the caller makes it, and says so to `made`."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
            another = self._made.get(key)
            if another is None:
                self._made[key] = Future()
                return None
        with suppress(TimeoutError):
            return another.result(_PATIENCE_S)
        return None

    def made(self, key: bytes, answer: _Answer | None) -> None:
        """Tell those who wait for it, errors too; None: there is none, and each makes its own."""
        with self._lock:
            awaited = self._made.pop(key, None)
        if awaited is not None:
            awaited.set_result(answer)

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
        key = _question(live)
        answer = None if key is None else kept.get(key)
        if answer is not None:
            return answer.response()
        g.question = key
        return None

    @server.after_request
    def keep(response: Response) -> Response:
        key = g.get("question")
        if key is not None:
            answer = _answer(response)
            if _is_for_all(answer):
                kept.keep(key, answer)
            kept.made(key, answer)
        return response

    @server.teardown_request
    def count(_error: BaseException | None) -> None:
        if (key := g.pop("question", None)) is not None:
            kept.made(key, None)  # where what came before it has failed
        before = g.pop("cpu_before", None)
        if before is not None:
            live.spent(time.thread_time() - before)


def _answer(response: Response) -> _Answer:
    names = ("Content-Type", "Content-Encoding", "Vary")
    headers = [(name, response.headers.get(name)) for name in names]
    said = tuple((name, value) for name, value in headers if value is not None)
    return _Answer(response.status_code, response.get_data(), said)


def _is_for_all(answer: _Answer) -> bool:
    """Whether it is worth keeping, and no message comes with it: why something failed this time."""
    if answer.status not in (200, 204) or len(answer.body) > _LARGEST_ANSWER:
        return False
    packed = any(name == "Content-Encoding" for name, _ in answer.headers)
    plain = gzip.decompress(answer.body) if packed else answer.body
    return b'"sideUpdate"' not in plain


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
