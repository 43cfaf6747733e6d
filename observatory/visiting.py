"""Visiting the peers that were found, beside the census, if the settings allow it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from crawler.optout import Network
from crawler.peers.visiting import PeerVisitor, VisitPlan
from observatory.progress import Progress
from observatory.recording import RunRecorder
from swarm.settings import Settings
from swarm.sighting import SightingColumns

_LONGEST_TAKE_S = 0.2  # the census waits meanwhile


class Visits:
    """The visits of one run; without a visitor, none is made."""

    def __init__(self, run: RunRecorder, visitor: PeerVisitor | None) -> None:
        self._run = run
        self._visitor = visitor
        self._rows = None if visitor is None else visitor.rows()

    def add(self, columns: SightingColumns) -> None:
        """Have those of these peers visited that are new in their swarm."""
        if self._visitor is not None:
            self._visitor.add(columns.infohash, self._run.to_visit(columns))

    def take(self) -> None:
        """Hand the run what has come of visits by now."""
        end = time.monotonic() + _LONGEST_TAKE_S
        for row in self._rows or ():
            if row is not None:
                self._run.visit(row)
            if row is None or time.monotonic() >= end:
                return

    def await_last(self, progress: Progress, total: int) -> None:
        """Hand over all the rest; at the deadline the visitor ends by itself.

        Raises:
            JobCancelled: the user asked to stop.
        """
        if self._visitor is None or self._rows is None:
            return
        self._visitor.finish()
        for row in self._rows:
            if row is not None:
                self._run.visit(row)
            self._run.flush_if_due()
            progress.report("Visiting peers", self._run.done, total, peers=self._run.peers)


@contextmanager
def open_visits(
    run: RunRecorder, settings: Settings, never_contact: tuple[Network, ...], deadline: float
) -> Iterator[Visits]:
    """A visitor for the run, closed whatever happens; `deadline` on the monotonic clock.

    The peers that trackers named are visited at once.
    """
    if not settings.visit_peers or not run.dht_keys:
        yield Visits(run, None)
        return
    visitor = PeerVisitor(
        VisitPlan(
            allow_local=settings.allow_local_peers,
            never_contact=never_contact,
            max_connections=settings.max_connections,
            deadline_s=max(1.0, deadline - time.monotonic()),
        )
    )
    try:
        visits = Visits(run, visitor)
        for columns in run.told_by_trackers():
            visits.add(columns)
        yield visits
    finally:
        visitor.close()
