"""The census: who is in each of these swarms, asked of the DHT by several processes at once.

Each process has a contiguous share of the key space, so that it knows its nodes well.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from crawler import compiled, shared_pacing
from crawler.allocation import huge_pages
from crawler.family import ID_BYTES, Family
from crawler.kept_nodes import KeptNodes, dealt
from crawler.plan import CensusPlan as CensusPlan  # noqa: PLC0414 - said here too
from crawler.plan import Network, listed, networks_of
from crawler.task import WorkerReport, WorkerTask, unpack
from crawler.uniting import Uniting
from swarm.census import CensusEvent, CensusProgress, CensusState, SwarmCensus
from swarm.errors import DhtUnreachable, SwarmError
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

_PROGRESS_S = 0.5
_LEAST_SHARE = 32  # infohashes; with fewer, another process costs more than it brings
_IMPORT_ROOT = Path(__file__).resolve().parent.parent


def take_census(
    infohashes: Sequence[InfoHash], plan: CensusPlan, nodes: KeptNodes | None = None
) -> Generator[CensusEvent, None, None]:
    """Look every infohash up; yields each SwarmCensus as it ends, and progress in between.

    Every distinct infohash gets exactly one SwarmCensus, whatever its state, and the last event
    is a CensusProgress. Closing the generator ends all processes at once.
    Both DHTs are asked, each if a bootstrap node of its family, or one of `nodes`, is there to
    begin at. `nodes` are those of earlier runs; they follow what this one meets, about once a
    minute and at the end.

    Raises:
        DhtUnreachable: no bootstrap node resolves, or none answered any process.
        SettingsError: no packet cap, though a bootstrap node is on the public internet.
        SwarmError: a crawl process died.
    """
    keys = sorted(set(infohashes))
    if not keys:
        return
    nodes = KeptNodes() if nodes is None else nodes
    networks = networks_of(plan, nodes)
    crew = _Crew(keys, plan, networks, nodes)
    try:
        yield from crew.events()
    finally:
        crew.dismiss()


def _shares(keys: list[InfoHash], processes: int) -> list[list[InfoHash]]:
    """Contiguous pieces of the sorted keys, of nearly equal size."""
    pieces = min(processes, -(-len(keys) // _LEAST_SHARE))
    bounds = [len(keys) * piece // pieces for piece in range(pieces + 1)]
    return [keys[low:high] for low, high in itertools.pairwise(bounds)]


class _Worker:
    """The parent's side of one process: its connection, and what it still owes."""

    def __init__(self, task: WorkerTask, import_path: str) -> None:
        self.family = task.family
        self.owed = set(task.infohashes)
        self.last: WorkerReport | None = None
        self.connection, theirs = Pipe()
        descriptors = (theirs.fileno(), task.pacing_descriptor)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "crawler.worker", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            env={**os.environ, **huge_pages(os.environ), "PYTHONPATH": import_path},
        )
        theirs.close()
        self.connection.send(task)

    @property
    def is_lost(self) -> bool:
        """Whether it ended without having reached the DHT, or after losing it."""
        return self.last is not None and self.last.unreachable

    def dismiss(self) -> None:
        """End the process if it still runs; it has nothing to clean up."""
        self.process.kill()
        self.process.wait()
        self.connection.close()


class _Crew:
    """All processes of one census: one for each share of the keys and each of the two DHTs."""

    def __init__(
        self,
        keys: list[InfoHash],
        plan: CensusPlan,
        networks: Sequence[Network],
        nodes: KeptNodes,
    ) -> None:
        self._plan = plan
        self._nodes = nodes
        self._bootstrap = {
            network.family.to_compact(address)
            for network in networks
            for address in network.bootstrap
        }
        self._total = len(keys)
        self._done = 0
        self._heard = False  # whether any lookup has come to an end
        self._uniting = Uniting(len(networks))
        self._workers: list[_Worker] = []
        self._pacing_descriptor = shared_pacing.create()
        deadline = time.monotonic() + plan.deadline_s
        roots = [compiled.import_root() if plan.use_compiled else None, _IMPORT_ROOT]
        import_path = os.pathsep.join(str(root) for root in roots if root)
        shares = _shares(keys, plan.processes)
        for network in networks:
            known = dealt(network.known, [share[0].digest for share in shares])
            self._workers += [
                _Worker(self._task(network, share, near, deadline), import_path)
                for share, near in zip(shares, known, strict=True)
            ]

    def _task(
        self, network: Network, share: list[InfoHash], known: list[bytes], deadline: float
    ) -> WorkerTask:
        plan = self._plan
        return WorkerTask(
            family=network.family,
            infohashes=tuple(share),
            bootstrap=network.bootstrap,
            known=tuple(known),
            pacing_descriptor=self._pacing_descriptor,
            max_packets_per_s=plan.max_packets_per_s,
            max_lookups=plan.max_lookups,
            bootstrap_timeout_s=plan.bootstrap_timeout_s,
            deadline=deadline,
            allow_local=plan.allow_local,
            never_contact=plan.never_contact,
        )

    def events(self) -> Iterator[CensusEvent]:
        working = {worker.connection: worker for worker in self._workers}
        next_progress = time.monotonic() + _PROGRESS_S
        while working:
            for ready in wait(list(working), max(0.0, next_progress - time.monotonic())):
                assert isinstance(ready, Connection)
                worker = working[ready]
                report = self._next_report(worker)
                for packed in report.finished:
                    self._heard = True
                    census = unpack(packed)
                    worker.owed.discard(census.infohash)
                    yield from self._united(worker.family, census)
                if report.ended:
                    del working[ready]
            if self._heard:
                yield from self._unreached()
            if time.monotonic() >= next_progress:
                next_progress = time.monotonic() + _PROGRESS_S
                yield self._progress()
        if not self._heard and all(worker.is_lost for worker in self._workers):
            raise DhtUnreachable(
                f"No bootstrap node answered ({listed(self._plan.bootstrap)}). Check that UDP "
                "may leave this machine, or name other nodes in dht_bootstrap."
            )
        yield from self._unreached()
        yield self._progress()

    def _united(self, family: Family, census: SwarmCensus) -> Iterator[SwarmCensus]:
        whole = self._uniting.add(family, census)
        if whole is not None:
            self._done += 1
            yield whole

    def _next_report(self, worker: _Worker) -> WorkerReport:
        try:
            report: WorkerReport = worker.connection.recv()
        except (EOFError, OSError) as error:
            code = worker.process.wait()
            raise SwarmError(
                f"A crawl process died (exit code {code}) with {len(worker.owed)} infohashes "
                "unfinished. What was found until then is kept; start the crawl again."
            ) from error
        worker.last = report
        replied = {
            contact: at
            for contact, at in report.nodes_replied.items()
            if contact[ID_BYTES:] not in self._bootstrap  # a later run is to spare them
        }
        self._nodes.update(replied, report.nodes_silent)
        return report

    def _unreached(self) -> Iterator[SwarmCensus]:
        """The infohashes of processes that lost the DHT, or never got into it while others did."""
        for worker in self._workers:
            if worker.is_lost:
                owed, worker.owed = sorted(worker.owed), set()
                for infohash in owed:
                    nobody = SightingColumns.of(infohash, Source.DHT, ())
                    lost = SwarmCensus(infohash, CensusState.UNREACHABLE, 0, nobody)
                    yield from self._united(worker.family, lost)

    def _progress(self) -> CensusProgress:
        reports = [worker.last for worker in self._workers if worker.last]
        return CensusProgress(
            done=self._done,
            total=self._total,
            peers=sum(report.peers for report in reports),
            packets_sent=sum(report.packets_sent for report in reports),
            packets_received=sum(report.packets_received for report in reports),
            nodes_known=sum(report.nodes_known for report in reports),
            liars=sum(report.liars for report in reports),
            peers_dropped=sum(report.peers_dropped for report in reports),
        )

    def dismiss(self) -> None:
        """End all processes."""
        for worker in self._workers:
            worker.dismiss()
        os.close(self._pacing_descriptor)
