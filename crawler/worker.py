"""Worker: one process of a census. Started by `census` as `python -m crawler.worker`.

It is a plain child with a socket pair and not a `multiprocessing` process: those import the
parent's main module once more, and the page and its libraries with it. It ends when its
infohashes are done or its parent is gone, and keeps nothing that has to be cleaned up.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from multiprocessing.connection import Connection
from queue import SimpleQueue

from crawler import shared_pacing
from crawler.addresses import BogonFilter
from crawler.engine import Engine
from crawler.shell import drive, open_socket
from crawler.task import WorkerReport, WorkerTask, pack

_NODES_INTERVAL_S = 60.0  # between two reports of nodes: what a kill can take away of them


class _NodeNews:
    """Which nodes have answered, and which known ones have not, since it was last asked."""

    def __init__(self, engine: Engine, known: Iterable[bytes], utc_offset_s: float) -> None:
        self._engine = engine
        self._table = engine.table
        self._known = set(known)
        self._utc_offset_s = utc_offset_s
        self._told_at = 0.0

    def since_last(self, now: float) -> tuple[dict[bytes, int], tuple[bytes, ...]]:
        """Contacts to the Unix time of their replies; and the contacts of those given up."""
        replied = {
            contact: int(replied_at + self._utc_offset_s)
            for contact, replied_at in self._table.replies()
            if replied_at >= self._told_at
        }
        dead = self._engine.known_are_dead
        silent = tuple(c for c in self._known if dead or c in self._table.bad)
        self._known -= set(silent)
        self._told_at = now
        return replied, silent


class _Reporter:
    """Sends reports from a thread of its own, so that a busy parent never stops the socket."""

    def __init__(self, engine: Engine, news: _NodeNews, parent: Connection, now: float) -> None:
        self._engine = engine
        self._news = news
        self._next_news = now + _NODES_INTERVAL_S
        self._parent = parent
        self._outbox: SimpleQueue[WorkerReport | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def watch(self, now: float) -> bool:
        """Report; False when the parent is gone, which shows as the end of its stream."""
        replied: dict[bytes, int] = {}
        silent: tuple[bytes, ...] = ()
        if now >= self._next_news:
            self._next_news = now + _NODES_INTERVAL_S
            replied, silent = self._news.since_last(now)
        self._outbox.put(self._report(replied, silent))
        return self._thread.is_alive() and not self._parent.poll()

    def finish(self, *, unreachable: bool) -> None:
        """Report for the last time and wait until all is sent."""
        replied, silent = self._news.since_last(time.monotonic())
        self._outbox.put(self._report(replied, silent, ended=True, unreachable=unreachable))
        self._outbox.put(None)
        self._thread.join()

    def _report(
        self,
        replied: Mapping[bytes, int],
        silent: tuple[bytes, ...],
        *,
        ended: bool = False,
        unreachable: bool = False,
    ) -> WorkerReport:
        counters = self._engine.counters
        return WorkerReport(
            finished=[pack(census) for census in self._engine.finished()],
            packets_sent=counters.sent,
            packets_received=counters.received,
            peers=self._engine.peers,
            nodes_known=len(self._engine.table),
            liars=len(self._engine.honesty.liars),
            peers_dropped=self._engine.peers_dropped,
            nodes_replied=replied,
            nodes_silent=silent,
            ended=ended,
            unreachable=unreachable,
        )

    def _send_all(self) -> None:
        while (report := self._outbox.get()) is not None:
            try:
                self._parent.send(report)
            except OSError:  # the parent is gone
                return


def rest_collector() -> None:
    """Let the garbage collector rest.

    What a crawl allocates lives long and has no cycles, so there is nothing to find in it; to
    search for it all the same took a seventh of the time.
    """
    gc.disable()


def work(parent: Connection) -> None:
    """Take one task from the parent, do it, report."""
    task: WorkerTask = parent.recv()
    now = time.monotonic()
    utc_offset_s = time.time() - now
    engine = Engine(
        task.infohashes,
        task.bootstrap,
        pacing=shared_pacing.attach(task.pacing_descriptor, task.max_packets_per_s),
        bogons=BogonFilter(allow_local=task.allow_local, family=task.family),
        shunned=BogonFilter(
            allow_local=task.allow_local, shunned=task.never_contact, family=task.family
        ),
        entropy=os.urandom,
        now=now,
        utc_offset_us=int(utc_offset_s * 1_000_000),
        max_lookups=task.max_lookups,
        bootstrap_timeout_s=min(task.bootstrap_timeout_s, task.deadline - now),
        family=task.family,
        known=task.known,
    )
    rest_collector()
    reporter = _Reporter(engine, _NodeNews(engine, task.known, utc_offset_s), parent, now)
    with open_socket(task.family) as udp:
        drive(engine, udp, deadline=task.deadline, watch=reporter.watch)
    reporter.finish(unreachable=not engine.done)


if __name__ == "__main__":
    # Ctrl-C reaches the whole process group; it is the parent who decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(Connection(int(sys.argv[1])))
    except EOFError:
        sys.exit(1)  # the parent was gone before it said what to do
