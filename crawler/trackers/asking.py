"""Asks trackers who shares what: the door of this package.

All trackers are asked at once, each host one question at a time. The conversation runs in a
thread with an event loop of its own, so that a caller who takes his time between two answers makes
nobody's reply late.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass

import httpx

from crawler.trackers.admission import AddressRule
from crawler.trackers.http_asker import HttpAsker, check_proxy, open_transport
from crawler.trackers.interview import Asker, Interview
from crawler.trackers.pacing import HostGate
from crawler.trackers.plan import TrackerPlan, TrackerTarget
from crawler.trackers.questions import actions, sort_questions
from crawler.trackers.replies import NoReply
from crawler.trackers.routing import Router
from crawler.trackers.udp_asker import UdpAsker
from swarm.tracking import TrackerAnswer, TrackerOutcome

__all__ = ["TrackerPlan", "TrackerTarget", "ask_trackers"]

_LOG = logging.getLogger(__name__)
_AT_ONCE = 64  # trackers
_HEARTBEAT_S = 0.5  # how long the caller waits for word of any kind


def ask_trackers(
    targets: Sequence[TrackerTarget], plan: TrackerPlan
) -> Generator[TrackerAnswer | None, None, None]:
    """Ask each target's trackers; yields one answer per infohash, tracker and action.

    A tracker here is its `scheme://host:port`. None comes now and then while answers are awaited.
    Closing the generator ends the asking: what was announced and not yet stopped gets its
    `stopped`, for at most 3 s, and nothing else is sent.

    Raises:
        SettingsError: the proxy's address is none.
    """
    questions, settled = sort_questions(targets, plan)
    yield from settled
    if not questions:
        return
    check_proxy(plan.http_proxy)
    rule = AddressRule.of(allow_local=plan.allow_local, never_contact=plan.never_contact)
    told: queue.SimpleQueue[TrackerAnswer | _End] = queue.SimpleQueue()
    interviews = [Interview(each, actions(plan), rule=rule, tell=told.put) for each in questions]
    round_ = _Round(interviews, plan, rule, at_end=lambda: told.put(_End()))
    round_.start()
    try:
        while not isinstance(answer := _next(told), _End):
            yield answer
    finally:
        round_.end()


@dataclass(frozen=True, slots=True)
class _End:
    """Comes after the last answer."""


def _next(told: queue.SimpleQueue[TrackerAnswer | _End]) -> TrackerAnswer | _End | None:
    try:
        return told.get(timeout=_HEARTBEAT_S)
    except queue.Empty:
        return None


class _Round:
    """The thread that asks, and its end."""

    def __init__(
        self,
        interviews: Sequence[Interview],
        plan: TrackerPlan,
        rule: AddressRule,
        *,
        at_end: Callable[[], None],
    ) -> None:
        self._interviews = interviews
        self._plan = plan
        self._rule = rule
        self._at_end = at_end
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._gates = {each.address.host: HostGate(plan.pause_s) for each in interviews}
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asking: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="trackers", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def end(self) -> None:
        """Stop asking, and wait until every goodbye is said."""
        if self._loop is not None and self._asking is not None:
            with suppress(RuntimeError):  # it ended by itself, and its loop is closed
                self._loop.call_soon_threadsafe(self._asking.cancel)
        self._thread.join()

    def _run(self) -> None:
        try:
            asyncio.run(self._converse())
        finally:
            self._ready.set()
            self._at_end()

    async def _converse(self) -> None:
        # The group outlives the asking: each announce ends here with its `stopped`.
        async with (
            open_transport(self._plan.http_proxy) as transport,
            asyncio.TaskGroup() as pairs,
        ):
            self._asking = pairs.create_task(self._ask_all(transport, pairs))
            self._loop = asyncio.get_running_loop()
            self._ready.set()

    async def _ask_all(self, transport: httpx.AsyncHTTPTransport, pairs: asyncio.TaskGroup) -> None:
        end_s = asyncio.get_running_loop().time() + self._plan.deadline_s
        async with asyncio.TaskGroup() as asking:
            for interview in self._interviews:
                asking.create_task(self._ask(interview, transport, pairs, end_s))

    async def _ask(
        self,
        interview: Interview,
        transport: httpx.AsyncHTTPTransport,
        pairs: asyncio.TaskGroup,
        end_s: float,
    ) -> None:
        try:
            async with asyncio.timeout_at(end_s), self._slots:
                asker = await self._asker(interview, transport)
                if isinstance(asker, NoReply):
                    interview.give_up(asker)
                    return
                gate = self._gates[interview.address.host]
                await interview.conduct(asker, gate, pairs)
        except TimeoutError:
            interview.run_out()
        except Exception as error:  # noqa: BLE001 - one tracker must not cost the others
            kind = type(error).__name__
            _LOG.error("trackers: asking failed tracker=%s error=%s", interview.address.label, kind)
            interview.give_up(NoReply(TrackerOutcome.NOT_ASKED, f"asking failed here: {kind}"))

    async def _asker(
        self, interview: Interview, transport: httpx.AsyncHTTPTransport
    ) -> Asker | NoReply:
        address, timeout_s = interview.address, self._plan.timeout_s
        if address.scheme != "udp":
            router = Router(self._rule, resolves=not self._plan.http_proxy)
            return HttpAsker(transport, router, address, timeout_s=timeout_s)
        endpoints = await Router(self._rule, resolves=True).endpoints(address.host, address.port)
        if isinstance(endpoints, NoReply):
            return endpoints
        return UdpAsker(address, endpoints, timeout_s=timeout_s)
