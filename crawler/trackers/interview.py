"""All that is asked of one tracker, one question after the other: scrapes, then announces.

A tracker that is silent twice in a row is left alone. After `started` always comes `stopped`,
even when the whole job is cancelled in between: that pair is a task of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from crawler.trackers.admission import AddressRule
from crawler.trackers.announcement import Announcement, Event
from crawler.trackers.batches import Batches
from crawler.trackers.pacing import HostGate
from crawler.trackers.questions import Questions
from crawler.trackers.replies import AnnounceReply, Counts, NoReply, ScrapeReply
from crawler.trackers.sightings import to_sightings, without_ourselves
from swarm.endpoint import Endpoint
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome

_SILENCES = 2
_FAREWELL_S = 3.0  # granted to a `stopped`
_LEFT_ALONE = NoReply(TrackerOutcome.NOT_ASKED, "it was silent twice, and is left alone")


class Asker(Protocol):
    """What a conversation over either protocol offers."""

    @property
    def endpoint(self) -> Endpoint:
        """Who answers; the address is `::` where only a proxy knows it."""

    async def scrape(self, infohashes: Sequence[InfoHash]) -> ScrapeReply | NoReply:
        """Ask for counts; registers nothing."""

    async def announce(self, announcement: Announcement, event: Event) -> AnnounceReply | NoReply:
        """Announce, and learn who is there."""

    def close(self) -> None:
        """End the conversation."""


class Interview:
    """One tracker's questions, and what is owed to whoever asked them."""

    def __init__(
        self,
        questions: Questions,
        actions: Sequence[TrackerAction],
        *,
        rule: AddressRule,
        tell: Callable[[TrackerAnswer], None],
    ) -> None:
        self.address = questions.address
        self._infohashes = tuple(questions.infohashes)
        self._actions = actions
        self._rule = rule
        self._tell = tell
        self._owed = dict.fromkeys((a, i) for a in actions for i in self._infohashes)
        self._asked: set[tuple[TrackerAction, InfoHash]] = set()  # and without an answer yet
        self._silences = 0
        self._farewell: asyncio.Task[AnnounceReply | NoReply] | None = None

    async def conduct(self, asker: Asker, gate: HostGate, pairs: asyncio.TaskGroup) -> None:
        """Ask everything. `pairs` outlives this coroutine, and takes in each announce."""
        try:
            await self._scrape_all(asker, gate)
            if TrackerAction.ANNOUNCE in self._actions:
                await self._announce_all(asker, gate, pairs)
        finally:
            if self._farewell is None or self._farewell.done():
                asker.close()
            else:
                self._farewell.add_done_callback(lambda _: asker.close())

    def give_up(self, reply: NoReply) -> None:
        """Answer all that is still owed with `reply`."""
        for action, infohash in list(self._owed):
            self._answer(action, infohash, reply)

    def run_out(self) -> None:
        """Answer what is owed at the deadline: asked without an answer, or never asked."""
        for action, infohash in list(self._asked):
            self._answer(action, infohash, NoReply(TrackerOutcome.TIMEOUT))
        self.give_up(NoReply(TrackerOutcome.NOT_ASKED, "the deadline came first"))

    async def _scrape_all(self, asker: Asker, gate: HostGate) -> None:
        batches = Batches(self._infohashes)
        while batches:
            asked = batches.portion()
            if self._silences >= _SILENCES:
                self._answer_all(batches.left, _LEFT_ALONE)
                return
            async with gate:
                self._asked |= {(TrackerAction.SCRAPE, i) for i in asked} & self._owed.keys()
                began_s = _now_s()
                reply = await asker.scrape(asked)
                seconds = _now_s() - began_s
            self._count_silence(reply)
            if not isinstance(reply, NoReply):
                for infohash in batches.settle(asked, reply.keys()):
                    counts = reply.get(infohash) or NoReply(TrackerOutcome.UNKNOWN)
                    self._answer(TrackerAction.SCRAPE, infohash, counts, seconds=seconds)
            elif reply.outcome is TrackerOutcome.UNSUPPORTED:
                self._answer_all(batches.left, reply)
                return
            else:
                self._answer_all(batches.drop(asked), reply, seconds=seconds)

    async def _announce_all(self, asker: Asker, gate: HostGate, pairs: asyncio.TaskGroup) -> None:
        for infohash in self._infohashes:
            if self._silences >= _SILENCES:
                self._answer(TrackerAction.ANNOUNCE, infohash, _LEFT_ALONE)
                continue
            async with gate:
                self._asked.add((TrackerAction.ANNOUNCE, infohash))
                began_s = _now_s()
                reply = await self._appear(asker, Announcement(infohash), pairs)
                seconds = _now_s() - began_s
            self._count_silence(reply)
            if isinstance(reply, NoReply):
                self._answer(TrackerAction.ANNOUNCE, infohash, reply, seconds=seconds)
                continue
            sightings = to_sightings(
                reply,
                infohash,
                told_by=asker.endpoint,
                seen_at=datetime.now(UTC),
                rule=self._rule,
            )
            self._answer(
                TrackerAction.ANNOUNCE,
                infohash,
                without_ourselves(reply),
                sightings=sightings,
                warning=reply.warning,
                seconds=seconds,
            )

    async def _appear(
        self, asker: Asker, announcement: Announcement, pairs: asyncio.TaskGroup
    ) -> AnnounceReply | NoReply:
        """`started`, then at once `stopped`, whatever happens between: a cancel most of all."""
        heard = False
        try:
            reply = await asker.announce(announcement, Event.STARTED)
            heard = True
        finally:
            if not heard or _may_have_arrived(reply):
                self._farewell = pairs.create_task(_take_leave(asker, announcement))
        if self._farewell is not None:
            await asyncio.shield(self._farewell)
        return reply

    def _count_silence(self, reply: object) -> None:
        silent = isinstance(reply, NoReply) and reply.is_silence
        self._silences = self._silences + 1 if silent else 0

    def _answer_all(
        self, infohashes: Sequence[InfoHash], reply: NoReply, *, seconds: float | None = None
    ) -> None:
        for infohash in infohashes:
            self._answer(TrackerAction.SCRAPE, infohash, reply, seconds=seconds)

    def _answer(
        self,
        action: TrackerAction,
        infohash: InfoHash,
        reply: Counts | NoReply,
        *,
        sightings: SightingColumns | None = None,
        warning: str | None = None,
        seconds: float | None = None,
    ) -> None:
        if (action, infohash) not in self._owed:
            return
        del self._owed[action, infohash]
        self._asked.discard((action, infohash))
        counts = reply if isinstance(reply, Counts) else Counts()
        text = reply.message if isinstance(reply, NoReply) else warning
        outcome = reply.outcome if isinstance(reply, NoReply) else TrackerOutcome.ANSWERED
        self._tell(
            TrackerAnswer(
                infohash=infohash,
                tracker=self.address.label,
                action=action,
                outcome=outcome,
                seeders=counts.seeders,
                leechers=counts.leechers,
                completed=counts.completed,
                sightings=sightings,
                message=self.address.presentable(text) if text else None,
                seconds=seconds,
            )
        )


async def _take_leave(asker: Asker, announcement: Announcement) -> AnnounceReply | NoReply:
    try:
        async with asyncio.timeout(_FAREWELL_S):
            return await asker.announce(announcement, Event.STOPPED)
    except TimeoutError:
        return NoReply(TrackerOutcome.TIMEOUT)


def _may_have_arrived(reply: AnnounceReply | NoReply) -> bool:
    nobody = (TrackerOutcome.UNREACHABLE, TrackerOutcome.NOT_ASKED, TrackerOutcome.UNSUPPORTED)
    return not (isinstance(reply, NoReply) and reply.outcome in nobody)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
