"""The census: who is in each of these swarms, asked of the DHT by several processes at once.

Each process has a contiguous share of the key space, so that it knows its nodes well.
"""

from __future__ import annotations

import itertools
import logging
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from crawler import shared_pacing
from crawler.addresses import BogonFilter, SocketAddress, socket_address_to_compact
from crawler.shell import resolve
from crawler.task import WorkerReport, WorkerTask
from swarm.census import CensusEvent, CensusProgress, CensusState, SwarmCensus
from swarm.errors import DhtUnreachable, SettingsError, SwarmError
from swarm.infohash import InfoHash
from swarm.sighting import SightingColumns, Source

_LOG = logging.getLogger(__name__)

_PROGRESS_S = 0.5
_LEAST_SHARE = 32  # infohashes; with fewer, another process costs more than it brings
_IMPORT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusPlan:
    """How a census is taken. Times in seconds; a rate of 0 means no cap at all."""

    bootstrap: tuple[str, ...]  # "host:port"; names are resolved when the census begins
    processes: int
    max_packets_per_s: float  # over all processes; 0 also lifts the limit per address
    deadline_s: float  # for the whole census
    allow_local: bool  # loopback and private addresses count as nodes and peers
    never_contact: tuple[IPv4Network | IPv6Network, ...] = ()  # who opted out, see `optout`
    max_lookups: int = 1024  # lookups under way at once, per process
    bootstrap_timeout_s: float = 10.0

    def __post_init__(self) -> None:
        if self.processes < 1 or self.max_lookups < 1:
            raise ValueError("a census needs at least one process and one lookup")
        if self.max_packets_per_s < 0:
            raise ValueError("a packet rate is not negative; 0 means no cap")


def take_census(
    infohashes: Sequence[InfoHash], plan: CensusPlan
) -> Generator[CensusEvent, None, None]:
    """Look every infohash up; yields each SwarmCensus as it ends, and progress in between.

    Every distinct infohash gets exactly one SwarmCensus, whatever its state, and the last event
    is a CensusProgress. Closing the generator ends all processes at once.

    Raises:
        DhtUnreachable: no bootstrap node resolves, or none answered any process.
        SettingsError: no packet cap, though a bootstrap node is on the public internet.
        SwarmError: a crawl process died.
    """
    keys = sorted(set(infohashes))
    if not keys:
        return
    addresses = resolve(plan.bootstrap)
    if not addresses:
        raise DhtUnreachable(
            f"No bootstrap node could be resolved ({_listed(plan.bootstrap)}). Check the network, "
            "or name other nodes in dht_bootstrap."
        )
    addresses = _without_optouts(addresses, plan)
    if plan.max_packets_per_s == 0:
        _refuse_public(addresses)
    crew = _Crew(keys, plan, addresses)
    try:
        yield from crew.events()
    finally:
        crew.dismiss()


def _v4(networks: Iterable[IPv4Network | IPv6Network]) -> tuple[IPv4Network, ...]:
    return tuple(network for network in networks if isinstance(network, IPv4Network))


def _without_optouts(addresses: list[SocketAddress], plan: CensusPlan) -> list[SocketAddress]:
    shunned = BogonFilter(allow_local=True, shunned=_v4(plan.never_contact))
    left = [a for a in addresses if not shunned.is_bogus(socket_address_to_compact(a))]
    if not left:
        raise DhtUnreachable(
            f"Every bootstrap node ({_listed(plan.bootstrap)}) is in a network that opted out "
            "(optout.txt). Name other nodes in dht_bootstrap."
        )
    return left


def _refuse_public(addresses: Iterable[SocketAddress]) -> None:
    local_is_bogus = BogonFilter(allow_local=False)
    for host, port in addresses:
        if not local_is_bogus.is_bogus(socket_address_to_compact((host, port))):
            raise SettingsError(
                f"max_packets_per_s=0 lifts every cap, and {host}:{port} is on the public internet"
                ": give a rate, or bootstrap only at nodes of this machine or a private network."
            )


def _listed(bootstrap: Sequence[str]) -> str:
    return ", ".join(bootstrap) if bootstrap else "none is given"


def _shares(keys: list[InfoHash], processes: int) -> list[list[InfoHash]]:
    """Contiguous pieces of the sorted keys, of nearly equal size."""
    pieces = min(processes, -(-len(keys) // _LEAST_SHARE))
    bounds = [len(keys) * piece // pieces for piece in range(pieces + 1)]
    return [keys[low:high] for low, high in itertools.pairwise(bounds)]


class _Worker:
    """The parent's side of one process: its connection, and what it still owes."""

    def __init__(self, task: WorkerTask) -> None:
        self.owed = set(task.infohashes)
        self.last: WorkerReport | None = None
        self.connection, theirs = Pipe()
        descriptors = (theirs.fileno(), task.pacing_descriptor)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "crawler.worker", str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=descriptors,
            env={**os.environ, "PYTHONPATH": str(_IMPORT_ROOT)},
        )
        theirs.close()
        self.connection.send(task)

    def dismiss(self) -> None:
        """End the process if it still runs; it has nothing to clean up."""
        self.process.kill()
        self.process.wait()
        self.connection.close()


class _Crew:
    """All processes of one census."""

    def __init__(
        self, keys: list[InfoHash], plan: CensusPlan, addresses: list[SocketAddress]
    ) -> None:
        self._plan = plan
        self._total = len(keys)
        self._done = 0
        self._workers: list[_Worker] = []
        self._pacing_descriptor = shared_pacing.create()
        deadline = time.monotonic() + plan.deadline_s
        for share in _shares(keys, plan.processes):
            task = WorkerTask(
                infohashes=tuple(share),
                bootstrap=tuple(addresses),
                pacing_descriptor=self._pacing_descriptor,
                max_packets_per_s=plan.max_packets_per_s,
                max_lookups=plan.max_lookups,
                bootstrap_timeout_s=plan.bootstrap_timeout_s,
                deadline=deadline,
                allow_local=plan.allow_local,
                never_contact=_v4(plan.never_contact),
            )
            self._workers.append(_Worker(task))

    def events(self) -> Iterator[CensusEvent]:
        working = {worker.connection: worker for worker in self._workers}
        next_progress = time.monotonic() + _PROGRESS_S
        while working:
            for ready in wait(list(working), max(0.0, next_progress - time.monotonic())):
                assert isinstance(ready, Connection)
                report = self._next_report(working[ready])
                for census in report.finished:
                    self._done += 1
                    yield census
                if report.ended:
                    del working[ready]
            if time.monotonic() >= next_progress:
                next_progress = time.monotonic() + _PROGRESS_S
                yield self._progress()
        yield from self._unreached()
        yield self._progress()

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
        worker.owed.difference_update(census.infohash for census in report.finished)
        return report

    def _unreached(self) -> Iterator[SwarmCensus]:
        """The infohashes of processes that lost the DHT, or never got into it while others did."""
        reports = [worker.last for worker in self._workers if worker.last]
        if self._done == 0 and all(report.unreachable for report in reports):
            raise DhtUnreachable(
                f"No bootstrap node answered ({_listed(self._plan.bootstrap)}). Check that UDP "
                "may leave this machine, or name other nodes in dht_bootstrap."
            )
        for worker in self._workers:
            for infohash in sorted(worker.owed):
                self._done += 1
                nobody = SightingColumns.of(infohash, Source.DHT, ())
                yield SwarmCensus(infohash, CensusState.UNREACHABLE, 0, nobody)

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
