"""Worker: one process of a census. Started by `census` as `python -m crawler.worker`.

It is a plain child with a socket pair and not a `multiprocessing` process: those import the
parent's main module once more, and the page and its libraries with it. It ends when its
infohashes are done or its parent is gone, and keeps nothing that has to be cleaned up.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection
from queue import SimpleQueue

from crawler import shared_pacing
from crawler.addresses import BogonFilter
from crawler.engine import Engine
from crawler.shell import drive, open_socket
from crawler.task import WorkerReport, WorkerTask


class _Reporter:
    """Sends reports from a thread of its own, so that a busy parent never stops the socket."""

    def __init__(self, engine: Engine, parent: Connection) -> None:
        self._engine = engine
        self._parent = parent
        self._outbox: SimpleQueue[WorkerReport | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._send_all, daemon=True)
        self._thread.start()

    def watch(self, now: float) -> bool:
        """Report; False when the parent is gone, which shows as the end of its stream."""
        self._outbox.put(self._report())
        return self._thread.is_alive() and not self._parent.poll()

    def finish(self, *, unreachable: bool) -> None:
        """Report for the last time and wait until all is sent."""
        self._outbox.put(self._report(ended=True, unreachable=unreachable))
        self._outbox.put(None)
        self._thread.join()

    def _report(self, *, ended: bool = False, unreachable: bool = False) -> WorkerReport:
        counters = self._engine.counters
        return WorkerReport(
            self._engine.finished(),
            counters.sent,
            counters.received,
            self._engine.peers,
            len(self._engine.table),
            len(self._engine.honesty.liars),
            self._engine.peers_dropped,
            ended,
            unreachable,
        )

    def _send_all(self) -> None:
        while (report := self._outbox.get()) is not None:
            try:
                self._parent.send(report)
            except OSError:  # the parent is gone
                return


def work(parent: Connection) -> None:
    """Take one task from the parent, do it, report."""
    task: WorkerTask = parent.recv()
    now = time.monotonic()
    engine = Engine(
        task.infohashes,
        task.bootstrap,
        pacing=shared_pacing.attach(task.pacing_descriptor, task.max_packets_per_s),
        bogons=BogonFilter(allow_local=task.allow_local),
        shunned=BogonFilter(allow_local=task.allow_local, shunned=task.never_contact),
        entropy=os.urandom,
        now=now,
        utc_offset_us=int((time.time() - now) * 1_000_000),
        max_lookups=task.max_lookups,
        bootstrap_timeout_s=min(task.bootstrap_timeout_s, task.deadline - now),
    )
    reporter = _Reporter(engine, parent)
    with open_socket() as udp:
        drive(engine, udp, deadline=task.deadline, watch=reporter.watch)
    reporter.finish(unreachable=not engine.done)


if __name__ == "__main__":
    # Ctrl-C reaches the whole process group; it is the parent who decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        work(Connection(int(sys.argv[1])))
    except EOFError:
        sys.exit(1)  # the parent was gone before it said what to do
