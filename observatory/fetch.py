"""The fetch job: one run. Asks the DHT who shares each torrent, places the peers, keeps them.

Finished swarms are on disk within about a second, so the page shows them while the rest is asked,
and a killed process takes away at most that second.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from datetime import UTC, datetime

import polars as pl

from analysis.locator import Locator, open_locator
from analysis.placing import place_sightings
from crawler.census import CensusPlan, take_census
from observatory.aggregates import write_classic_aggregates
from observatory.configuration import load_optout, load_settings
from observatory.hybrids import HybridJoin
from observatory.jobs import CrawlTarget, FetchArguments, Report
from observatory.outcomes import dht_counts, outcome_frame
from observatory.progress import Progress
from observatory.resuming import InterruptedRun, interrupted_run
from observatory.version import code_version
from storage.catalogue import Catalogue, TorrentRow
from storage.manifest import DatabaseRecord, Manifest, RunCounts, RunKind, RunState
from storage.pseudonym_key import load_or_make_key
from storage.runs import RunWriter, delete_run, new_run_id
from storage.workspace import Workspace
from swarm.census import CensusProgress, SwarmCensus
from swarm.columns import SWARM_COLUMNS, polars_schema
from swarm.errors import JobCancelled, JobRefused, SwarmError
from swarm.infohash import InfoHash
from swarm.place import DatabaseBuild
from swarm.settings import Settings

FLUSH_INTERVAL_S = 1.0


def fetch(workspace: Workspace, arguments: FetchArguments, progress: Progress) -> Report:
    """Count the swarms of all collected torrents, or of `arguments.targets`, as one run.

    That is a new one, or the latest if it was killed while it asked for the same swarms.

    Raises:
        JobRefused: there is nothing to count.
        DhtUnreachable, GeolocationError, SettingsError, StorageError: as they say.
        JobCancelled: the user stopped it; the run stands with what it had.
    """
    settings = _effective(load_settings(workspace), arguments)
    with closing(Catalogue(workspace.catalogue_path)) as catalogue:
        targets = _targets(arguments, catalogue)
        progress.report("Loading the geolocation database", 0, len(targets))
        locator = open_locator(settings.geoip_city)
        run = _Run(workspace, catalogue, settings, targets, locator, resume=arguments.resume)
        with run:
            run.count(settings, progress)
        sentence = run.sentence()
        write_classic_aggregates(workspace, run.run_id)
    return Report(
        sentence=sentence, run_id=run.run_id, figures=run.counts.model_dump(exclude_none=True)
    )


class _Run:
    """A run in the making: censuses in, placed rows out, closed whatever happens."""

    def __init__(
        self,
        workspace: Workspace,
        catalogue: Catalogue,
        settings: Settings,
        targets: tuple[CrawlTarget, ...],
        locator: Locator,
        *,
        resume: bool,
    ) -> None:
        self._workspace = workspace
        self._catalogue = catalogue
        self._targets = targets
        self._never_contact = load_optout(workspace)
        self._locator = locator
        self._key = load_or_make_key(workspace.key_path)
        self._store_addresses = settings.store_addresses
        self._waiting: list[tuple[int, SwarmCensus]] = []
        self._flushed_at = time.monotonic()
        self._reaches: list[float] = []  # of all lookups, for the size of the DHT
        interrupted = interrupted_run(
            workspace,
            catalogue,
            [target.infohash for target in targets],
            database=database_record(locator.database),
            addresses_stored=settings.store_addresses,
            now=datetime.now(UTC),
        )
        if resume and interrupted is not None:
            self._go_on(interrupted, settings)
        else:
            self._begin(settings)
        self._before = self.counts
        self.run_id = self._writer.manifest.run_id
        catalogue.put_run(self._writer.manifest)

    def _begin(self, settings: Settings) -> None:
        """Open a new run."""
        self._join = HybridJoin([_keys(target) for target in self._targets])
        self.counts = RunCounts(swarms_total=len(self._targets))
        started_at = datetime.now(UTC)
        manifest = Manifest(
            run_id=new_run_id(started_at),
            kind=RunKind.CRAWL,
            state=RunState.RUNNING,
            world=self._workspace.root.name,
            started_at=started_at,
            code_version=code_version(),
            settings=settings.model_dump(mode="json"),
            database=database_record(self._locator.database),
            addresses_stored=settings.store_addresses,
            counts=self.counts,
        )
        self._writer = RunWriter(self._workspace.runs_dir, manifest, _swarm_frame(self._targets))

    def _go_on(self, run: InterruptedRun, settings: Settings) -> None:
        """Open an interrupted run again; what is finished there is not asked."""
        self._targets = tuple(sorted(self._targets, key=lambda t: run.numbers[t.infohash]))
        self._join = HybridJoin(
            [
                () if number in run.finished else _keys(target)
                for number, target in enumerate(self._targets)
            ]
        )
        self.counts = run.manifest.counts
        manifest = run.manifest.model_copy(
            update={
                "state": RunState.RUNNING,
                "ended_at": None,
                "message": None,
                "code_version": code_version(),
                "settings": settings.model_dump(mode="json"),
            }
        )
        self._writer = RunWriter.resume(run.reader, manifest)

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._waiting += self._join.leftovers()
        self._flush()
        if error is None:
            self._close(RunState.COMPLETE, self.sentence())
        elif isinstance(error, JobCancelled | KeyboardInterrupt):
            self._close(RunState.CANCELLED, "Cancelled; what was found until then stands.")
        else:
            said = str(error) if isinstance(error, SwarmError) else type(error).__name__
            self._close(RunState.FAILED, said)

    def count(self, settings: Settings, progress: Progress) -> None:
        """Take the census and keep what it yields."""
        plan = CensusPlan(
            bootstrap=settings.dht_bootstrap,
            processes=settings.processes,
            max_packets_per_s=settings.max_packets_per_s,
            deadline_s=settings.crawl_deadline_s,
            allow_local=settings.allow_local_peers,
            never_contact=self._never_contact,
        )
        progress.report("Asking the DHT", 0, len(self._targets))
        with closing(take_census(self._join.keys, plan)) as events:
            for event in events:
                if isinstance(event, SwarmCensus):
                    self._reaches += [] if event.reach is None else [event.reach]
                    self._waiting += self._join.add(event)
                else:
                    self._note(event)
                if time.monotonic() - self._flushed_at >= FLUSH_INTERVAL_S:
                    self._flush()
                self._report(progress)

    def sentence(self) -> str:
        """How the run ended, in words."""
        return f"{self.counts.peers:,} peers found in {self.counts.swarms_done:,} swarms."

    def _note(self, event: CensusProgress) -> None:
        before = self._before  # what the run had counted when it was interrupted
        self.counts = self.counts.model_copy(
            update={
                "packets_sent": before.packets_sent + event.packets_sent,
                "packets_received": before.packets_received + event.packets_received,
                "nodes_known": event.nodes_known,
                "liars": before.liars + event.liars,
                "peers_dropped": before.peers_dropped + event.peers_dropped,
            }
        )

    def _report(self, progress: Progress) -> None:
        waiting_peers = sum(len(census.sightings) for _, census in self._waiting)
        progress.report(
            "Asking the DHT",
            self.counts.swarms_done + len(self._waiting),
            len(self._targets),
            peers=self.counts.peers + waiting_peers,
            packets_sent=self.counts.packets_sent,
            nodes_known=self.counts.nodes_known,
            liars=self.counts.liars,
        )

    def _flush(self) -> None:
        self._flushed_at = time.monotonic()
        if not self._waiting:
            return
        sightings = place_sightings(
            [(number, census.sightings) for number, census in self._waiting],
            locator=self._locator,
            key=self._key,
            store_addresses=self._store_addresses,
        )
        outcomes = outcome_frame(self._waiting)
        self.counts = self.counts.model_copy(
            update={
                "swarms_done": self.counts.swarms_done + len(self._waiting),
                "peers": self.counts.peers + len(sightings),
                "queries": self.counts.queries + int(outcomes["queries"].sum()),
                **dht_counts(self._reaches),
            }
        )
        self._writer.add(sightings, outcomes, self.counts)
        self._waiting = []

    def _close(self, state: RunState, message: str) -> None:
        self._writer.finish(state, datetime.now(UTC), message, self.counts)
        if state is not RunState.COMPLETE and not self.counts.peers:
            # A run without a single peer would only hide the last good one on the page.
            delete_run(self._workspace.runs_dir, self.run_id)
            self._catalogue.forget_run(self.run_id)
            return
        self._catalogue.put_run(self._writer.manifest)


def database_record(build: DatabaseBuild) -> DatabaseRecord:
    """The form in which a manifest keeps a database build."""
    return DatabaseRecord(
        name=build.name,
        built_on=build.built_on,
        attribution=build.attribution,
        attribution_url=build.attribution_url,
    )


def _effective(settings: Settings, arguments: FetchArguments) -> Settings:
    chosen = {
        "dht_bootstrap": arguments.bootstrap,
        "processes": arguments.processes or settings.processes or len(os.sched_getaffinity(0)),
        "max_packets_per_s": arguments.max_packets_per_s,
        "crawl_deadline_s": arguments.deadline_s,
        "store_addresses": arguments.store_addresses,
    }
    return settings.model_copy(update={k: v for k, v in chosen.items() if v is not None})


def _targets(arguments: FetchArguments, catalogue: Catalogue) -> tuple[CrawlTarget, ...]:
    if arguments.targets is not None:
        targets = arguments.targets
    else:
        targets = tuple(torrent_target(row) for row in catalogue.torrents())
    unique = tuple({target.infohash: target for target in targets}.values())
    if not unique:
        raise JobRefused(
            "There are no torrents to ask for yet: scrape some first, or put .torrent files into "
            "bulkTorrents/."
        )
    return unique


def torrent_target(row: TorrentRow) -> CrawlTarget:
    """What to ask the DHT for a collected torrent."""
    keys = [row.infohash]
    if row.infohash_v2 is not None and row.infohash_v2[:40] != row.infohash:
        keys.append(row.infohash_v2[:40])  # a hybrid torrent is two lookups (BEP 52)
    return CrawlTarget(
        infohash=row.infohash,
        dht_keys=tuple(keys),
        name=row.name,
        size_bytes=row.size_bytes,
        category=row.category,
        language=row.language,
    )


def _keys(target: CrawlTarget) -> tuple[InfoHash, ...]:
    return tuple(InfoHash.from_hex(key) for key in target.dht_keys)


def _swarm_frame(targets: tuple[CrawlTarget, ...]) -> pl.DataFrame:
    schema = polars_schema(SWARM_COLUMNS)
    rows = [
        {
            "swarm": number,
            "infohash": target.infohash,
            "name": target.name,
            "size_bytes": target.size_bytes,
            "category": target.category,
            "language": target.language,
        }
        for number, target in enumerate(targets)
    ]
    return pl.DataFrame(rows, schema=schema)
