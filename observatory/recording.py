"""A run in the making: what the sources say in, placed rows out, closed whatever happens.

A swarm is recorded once, when all its sources have spoken. It is on disk within about a second
then, so the page shows it while the rest is asked, and a killed process takes away at most that
second, what a slow disk had not taken yet, and what still waited for visits. A thread writes: the
crawl never waits for the disk.
"""

from __future__ import annotations

import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from analysis.locator import Locator
from analysis.pseudonyms import SCHEME
from crawler.canaries import Canaries
from observatory.aggregates import write_classic_aggregates
from observatory.handover import Handover
from observatory.hybrids import HybridJoin
from observatory.jobs import CrawlTarget
from observatory.methods import write_methods
from observatory.outcomes import dht_counts, swarm_frame
from observatory.resuming import InterruptedRun, interrupted_run
from observatory.rollups import keep_rollup
from observatory.row_writing import RowBatch, RowWriting
from observatory.testimony import SwarmFinding, SwarmTestimony
from observatory.version import code_version
from storage.manifest import Manifest, RunCounts, RunKind, RunState, database_records
from storage.pseudonym_key import key_id, load_or_make_key
from storage.runs import RunWriter, delete_run, new_run_id, open_run
from storage.workspace import Workspace
from swarm.address_keeping import AddressKeeping
from swarm.census import CensusProgress, CensusState, SwarmCensus
from swarm.endpoint import Endpoint
from swarm.errors import JobCancelled, StorageError, SwarmError
from swarm.infohash import InfoHash
from swarm.settings import Settings
from swarm.sighting import SightingColumns, Source
from swarm.text import percent
from swarm.tracking import TrackerAnswer
from swarm.visit import PeerVisit

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue

FLUSH_INTERVAL_S = 1.0
# Findings that may wait for a slow disk, some ten million sightings; and how much of them becomes
# one part, about a million.
MOST_WAITING_BYTES = 512_000_000
WRITTEN_AT_ONCE_BYTES = 44_000_000
_NOBODY = pl.DataFrame(schema={"swarm": pl.UInt32, "peer": pl.UInt64})


class RunRecorder:
    """Keeps one crawl; a context manager that closes the run as what it has become."""

    def __init__(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        settings: Settings,
        targets: tuple[CrawlTarget, ...],
        locator: Locator,
        *,
        resume: bool,
        canaries: Canaries = Canaries({}),  # noqa: B008 - frozen
    ) -> None:
        """Open a new run, or the latest one if it was killed while asking for the same swarms."""
        self._workspace = workspace
        self._catalogue = catalogue
        self._settings = settings
        self._targets = targets
        self._locator = locator
        self._key = load_or_make_key(workspace.key_path)
        self._private = {key for t in targets if t.private for key in _keys(t)}
        looked_up = {key for target in targets for key in _keys(target)} - self._private
        self._canaries = canaries.within(looked_up)
        self._canaries_found: Counter[int] = Counter()  # by swarm, of those not written yet
        self._waiting: list[SwarmFinding] = []
        self._flushed_at = time.monotonic()
        self._noted: dict[str, int] = {}  # what the crawl counts that is no row
        self._reaches: dict[int, list[float]] = {4: [], 6: []}  # for the sizes of the two DHTs
        interrupted = interrupted_run(
            workspace,
            catalogue,
            [target.infohash for target in targets],
            databases=locator.databases,
            settings=settings,
            key=key_id(self._key),
            now=datetime.now(UTC),
        )
        # Peers of swarms that are not finished, which stand on disk already: (swarm, peer).
        self._on_disk = _NOBODY
        if resume and interrupted is not None:
            self._go_on(interrupted)
        else:
            self._begin()
        self._testimony = SwarmTestimony(self._join.numbers, visiting=settings.visit_peers)
        self._before = self._writer.manifest.counts
        self._at_end: RunCounts | None = None
        self._is_cancelled = False
        self.run_id = self._writer.manifest.run_id
        rows = RowWriting(
            self._writer,
            locator=locator,
            key=self._key,
            store_addresses=settings.store_addresses,
            known_canaries=len(self._canaries),
            on_disk=self._on_disk,
        )
        self._handover = Handover(
            rows.write,
            self._before,
            size_of=lambda batch: batch.size_bytes,
            most=MOST_WAITING_BYTES,
            at_once=WRITTEN_AT_ONCE_BYTES,
        )
        catalogue.put_run(self._writer.manifest)

    @property
    def dht_keys(self) -> list[InfoHash]:
        """What is to be asked of the DHT, each once."""
        return [key for key in self._join.keys if key not in self._private]

    @property
    def private_keys(self) -> list[InfoHash]:
        """What only the torrents' own trackers may be asked for (BEP 27)."""
        return [key for key in self._join.keys if key in self._private]

    def pass_over_private(self) -> None:
        """Give each private swarm its outcome; call it when trackers have been heard."""
        for key in self.private_keys:
            nobody = SightingColumns.of(key, Source.DHT, ())
            self.add(SwarmCensus(key, CensusState.PRIVATE, 0, nobody))

    def _begin(self) -> None:
        self._join = HybridJoin([_keys(target) for target in self._targets])
        counts = RunCounts(
            swarms_total=len(self._targets),
            canaries_known=len(self._canaries),
            peers_dht=0,
            peers_trackers=0 if self._settings.announces else None,
            peers_pex=0 if self._settings.visit_peers else None,
        )
        started_at = datetime.now(UTC)
        manifest = Manifest(
            run_id=new_run_id(self._workspace.runs_dir, started_at),
            kind=RunKind.CRAWL,
            state=RunState.RUNNING,
            world=self._workspace.root.name,
            started_at=started_at,
            code_version=code_version(),
            settings=self._settings.model_dump(mode="json"),
            **database_records(self._locator.databases),
            addresses_stored=self._settings.store_addresses is AddressKeeping.YES,
            prefixes_stored=self._settings.store_addresses is AddressKeeping.PREFIX,
            key_id=key_id(self._key),
            pseudonyms=SCHEME,
            counts=counts,
        )
        self._writer = RunWriter(self._workspace.runs_dir, manifest, swarm_frame(self._targets))

    def _go_on(self, run: InterruptedRun) -> None:
        """What is finished there is not asked; what is half-written is not written twice."""
        self._targets = tuple(sorted(self._targets, key=lambda t: run.numbers[t.infohash]))
        self._join = HybridJoin(
            [
                () if number in run.finished else _keys(target)
                for number, target in enumerate(self._targets)
            ]
        )
        self._on_disk = run.half_written
        counts = run.manifest.counts.model_copy(update={"canaries_known": len(self._canaries)})
        manifest = run.manifest.model_copy(
            update={
                "state": RunState.RUNNING,
                "ended_at": None,
                "message": None,
                "code_version": code_version(),
                "settings": self._settings.model_dump(mode="json"),
                "counts": counts,
            }
        )
        self._writer = RunWriter.resume(run.reader, manifest)

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._waiting += self._testimony.leftovers(self._join.leftovers())
        try:
            self.flush()
        except SwarmError as fault:  # a full disk, say: the run still has to be closed
            self._close(RunState.FAILED, str(error or fault))
            if error is None:
                raise
            return
        if error is None:
            self._close(RunState.COMPLETE, self.sentence())
        elif isinstance(error, JobCancelled | KeyboardInterrupt):
            self._is_cancelled = True
            self._close(RunState.CANCELLED, self.sentence())
        else:
            said = str(error) if isinstance(error, SwarmError) else type(error).__name__
            self._close(RunState.FAILED, said)

    def add(self, census: SwarmCensus) -> None:
        """Take the final word on one infohash."""
        for one in census.by_family:
            self._reaches[one.version] += [] if one.reach is None else [one.reach]
        self._canaries_found[self._join.numbers[census.infohash]] += self._canaries.found_by(census)
        for number, joined in self._join.add(census):
            self._waiting += self._testimony.count(number, joined)

    def hear(self, answer: TrackerAnswer) -> None:
        """Take a tracker's answer; all of them come before the first census."""
        self._testimony.hear(answer)

    def told_by_trackers(self) -> list[SightingColumns]:
        """The peers that trackers named, swarm by swarm."""
        return self._testimony.told_by_trackers()

    def to_visit(self, columns: SightingColumns) -> list[Endpoint]:
        """Of these peers, those that are to be visited because nobody named them before."""
        return self._testimony.to_visit(columns)

    def visit(self, row: PeerVisit) -> None:
        """Take what came of a visit."""
        self._waiting += self._testimony.visit(row)

    def note(self, event: CensusProgress) -> None:
        """Take the crawl's own counters, beside what the run had when it was interrupted."""
        before = self._before
        self._noted = {
            "packets_sent": before.packets_sent + event.packets_sent,
            "packets_received": before.packets_received + event.packets_received,
            "nodes_known": event.nodes_known,
            "liars": before.liars + event.liars,
            "peers_dropped": before.peers_dropped + event.peers_dropped,
        }

    @property
    def counts(self) -> RunCounts:
        """What the run holds: rows that are on disk, and the crawl's counters as of now."""
        if self._at_end is not None:
            return self._at_end
        return self._handover.standing()[0].model_copy(update=self._noted)

    def flush_if_due(self) -> None:
        """Hand over what waits, about once a second; waits for nothing.

        Raises:
            StorageError: what was handed over could not be written, or too much of it waits.
        """
        if time.monotonic() - self._flushed_at >= FLUSH_INTERVAL_S:
            self._hand_over()
        self._handover.check()

    def flush(self) -> None:
        """Write what waits; returns when the disk has it. What failed before is tried again.

        Raises:
            StorageError: what was handed over could not be written.
        """
        self._hand_over()
        self._handover.drain()

    def _hand_over(self) -> None:
        self._flushed_at = time.monotonic()
        halves = [] if self._others_name else self._join.fresh_halves()
        if not self._waiting and not halves:
            return
        found, self._waiting = tuple(self._waiting), []
        self._join.mark_written(number for number, _ in halves)
        self._noted |= dht_counts(self._reaches)
        canaries = {finding.number: self._canaries_found[finding.number] for finding in found}
        self._handover.give(
            RowBatch(found, tuple(halves), canaries, dict(self._noted), datetime.now(UTC))
        )

    @property
    def _others_name(self) -> bool:
        """Whether not only the DHT names peers: then half a hybrid is not written before it is
        whole, since a row that is written cannot take another source any more."""
        return self._settings.announces or self._settings.visit_peers

    @property
    def done(self) -> int:
        """Swarms that are finished, written or about to be."""
        counts, batches = self._handover.standing()
        handed_over = sum(len(batch.findings) for batch in batches)
        return counts.swarms_done + handed_over + len(self._waiting)

    @property
    def peers(self) -> int:
        """Peers found, written or about to be."""
        counts, batches = self._handover.standing()
        waiting = sum(finding.peers for finding in self._waiting)
        return counts.peers + sum(b.peers for b in batches) + waiting + self._testimony.peers

    def sentence(self) -> str:
        """How the run ended, in words."""
        counts = self.counts
        said = f"{counts.peers:,} peers found in {counts.swarms_complete:,}"
        if counts.swarms_complete < counts.swarms_total:
            said += f" of {counts.swarms_total:,}"
        said += " swarms"
        if counts.recall is not None:
            said += (
                f"; of {counts.canaries_known:,} peers known to be there, {percent(counts.recall)}"
            )
        if cut := counts.swarms_cut_off:
            by = "the cancellation"
            if not self._is_cancelled:
                by = f"the deadline (crawl_deadline_s={self._settings.crawl_deadline_s:g})"
            was, theirs = ("was", "its") if cut == 1 else ("were", "their")
            said += f"; {cut:,} {was} cut off by {by}, so {theirs} peers are incomplete"
        if counts.swarms_unreachable:
            said += f"; near {counts.swarms_unreachable:,} no node answered"
        if counts.swarms_private:
            said += f"; {counts.swarms_private:,} are private: only their own trackers were asked"
        return f"{said}."

    def _close(self, state: RunState, message: str) -> None:
        self._handover.close()
        self._at_end = self._writer.finish(state, datetime.now(UTC), message, self.counts)
        if state is not RunState.COMPLETE and not self.counts.peers:
            # A run without a single peer would only hide the last good one on the page.
            self._catalogue.forget_run(self.run_id)
            delete_run(self._workspace.runs_dir, self.run_id)
            return
        self._catalogue.put_run(self._writer.manifest)
        write_classic_aggregates(self._workspace, self.run_id)
        run = open_run(self._workspace.runs_dir, self.run_id)
        with suppress(StorageError):  # a full disk: they are made when they are first asked for
            write_methods(run)
            keep_rollup(run)


def _keys(target: CrawlTarget) -> tuple[InfoHash, ...]:
    return tuple(InfoHash.from_hex(key) for key in target.dht_keys)
