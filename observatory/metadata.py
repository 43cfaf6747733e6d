"""The metadata job: from magnets and infohashes to checked files in bulkTorrents/.

Peers come from the magnet itself, from the user, from trackers where they may be announced to, and
from the DHT; the metadata comes from those peers (BEP 9) and is proven by its hash.
"""

from __future__ import annotations

import logging
import time
from contextlib import closing

from crawler.census import CensusPlan, take_census
from crawler.peers.assembly import MetadataKey
from crawler.peers.metadata import (
    MetadataOutcome,
    MetadataPlan,
    MetadataResult,
    MetadataTarget,
    fetch_metadata,
)
from crawler.trackers.asking import ask_trackers
from crawler.trackers.plan import TrackerPlan, TrackerTarget
from observatory.asking import refuse_past_proxy
from observatory.configuration import load_optout, load_settings, open_catalogue
from observatory.jobs import MetadataArguments, MetadataRow, Report
from observatory.metadata_keeping import Keeper
from observatory.metadata_wishes import Wish, add_peers, leave_out_known, read_wishes, row_of
from observatory.progress import Progress
from storage.workspace import Workspace
from swarm.census import SwarmCensus
from swarm.errors import DhtUnreachable, JobCancelled, JobRefused, MalformedTorrent
from swarm.infohash import InfoHash
from swarm.settings import Settings
from swarm.text import one_line

log = logging.getLogger(__name__)

# Of the time that the job has: for the search, before the fetching begins.
_TRACKERS_SHARE = 0.25
_DHT_SHARE = 0.4
_REASONS = {
    MetadataOutcome.NO_PEERS: "Nobody was found who may be asked for it.",
    MetadataOutcome.UNREACHABLE: "None of the peers that were found could be reached.",
    MetadataOutcome.NOT_OFFERED: "Peers were reached, but none gave its metadata to the end.",
    MetadataOutcome.POISONED: "What peers gave hashes to something else; it was thrown away.",
    MetadataOutcome.TIMEOUT: "The deadline came first; a larger --deadline may help.",
}


def metadata(workspace: Workspace, arguments: MetadataArguments, progress: Progress) -> Report:
    """Fetch the torrents of `arguments.inputs`, or of all magnets kept; each gets one row.

    Cancelled, what was fetched by then stays, and the report says so.

    Raises:
        JobRefused: there is nothing to fetch, or a proxy is set that peers cannot be asked through.
        DhtUnreachable: the DHT does not answer, and no other way led to a peer.
        SettingsError, StorageError: as they say.
    """
    settings = _effective(load_settings(workspace), arguments)
    refuse_past_proxy(settings)
    rows: list[MetadataRow] = []
    wishes = read_wishes(workspace, arguments, rows)
    total = len(wishes) + len(rows)
    if not total:
        raise JobRefused(
            "There is no magnet to fetch for: name some, or add them first (python main.py add)."
        )
    with closing(open_catalogue(workspace)) as catalogue:
        keeper = Keeper(workspace, catalogue)
        job = _Job(workspace, settings, keeper, progress, rows, total)
        try:
            job.run(leave_out_known(wishes, keeper, rows))
        except JobCancelled:
            for wish in job.open_wishes:
                rows.append(row_of(wish, "not asked", "The job was cancelled before."))
            return job.report(cancelled=True)
    return job.report()


class _Job:
    """The three steps, and what stands at each moment."""

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        keeper: Keeper,
        progress: Progress,
        rows: list[MetadataRow],
        total: int,
    ) -> None:
        self._settings = settings
        self._never_contact = load_optout(workspace)
        self._keeper = keeper
        self._progress = progress
        self._rows = rows
        self._total = total
        self._ends = time.monotonic() + settings.crawl_deadline_s
        self._wishes: dict[MetadataKey, Wish] = {}

    @property
    def open_wishes(self) -> list[Wish]:
        """Those without a row yet."""
        return list(self._wishes.values())

    def run(self, wishes: list[Wish]) -> None:
        self._wishes = {wish.key: wish for wish in wishes}
        if not wishes:
            return
        self._tell("Looking for peers")
        self._ask_trackers()
        self._ask_dht()
        self._fetch()

    def _tell(self, doing: str) -> None:
        fetched = sum(row.outcome == MetadataOutcome.FETCHED.value for row in self._rows)
        peers = sum(len(wish.peers) for wish in self._wishes.values())
        self._progress.report(doing, len(self._rows), self._total, fetched=fetched, peers=peers)

    def _by_wire_key(self) -> dict[InfoHash, Wish]:
        return {key: wish for wish in self._wishes.values() for key in wish.key.wire_keys}

    def _ask_trackers(self) -> None:
        """Only an announce tells peers: so only where the user allows that."""
        settings, wanted = self._settings, self._by_wire_key()
        targets = [TrackerTarget(k, w.magnet.trackers) for k, w in wanted.items()]
        if not (settings.ask_trackers and settings.announce_to_trackers):
            return
        plan = TrackerPlan(
            announce=True,
            http_proxy=settings.http_proxy,
            direct=settings.direct_crawl,
            allow_local=settings.allow_local_peers,
            never_contact=self._never_contact,
            deadline_s=settings.crawl_deadline_s * _TRACKERS_SHARE,
            pause_s=0.0 if settings.max_packets_per_s == 0 else 1.0,
        )
        with closing(ask_trackers(targets, plan)) as answers:
            for answer in answers:
                if answer is not None and answer.sightings is not None:
                    add_peers(wanted[answer.infohash], answer.sightings)
                self._tell("Asking trackers")

    def _ask_dht(self) -> None:
        settings, wanted = self._settings, self._by_wire_key()
        if not settings.dht_bootstrap:
            return
        plan = CensusPlan(
            bootstrap=settings.dht_bootstrap,
            processes=settings.processes or 1,
            max_packets_per_s=settings.max_packets_per_s,
            deadline_s=settings.crawl_deadline_s * _DHT_SHARE,
            allow_local=settings.allow_local_peers,
            never_contact=self._never_contact,
        )
        try:
            with closing(take_census(list(wanted), plan)) as events:
                for event in events:
                    if isinstance(event, SwarmCensus):
                        add_peers(wanted[event.infohash], event.sightings)
                    self._tell("Asking the DHT")
        except DhtUnreachable as error:
            if not any(wish.peers for wish in wanted.values()):
                raise
            log.warning("dht unreachable, other peers are known: %s", error)

    def _fetch(self) -> None:
        settings = self._settings
        plan = MetadataPlan(
            allow_local=settings.allow_local_peers,
            deadline_s=max(0.0, self._ends - time.monotonic()),
            never_contact=self._never_contact,
            max_connections=settings.max_connections,
        )
        targets = [MetadataTarget(w.key, tuple(w.peers)) for w in self._wishes.values()]
        self._tell("Asking peers for metadata")
        with closing(fetch_metadata(targets, plan)) as results:
            for result in results:
                if result is not None:
                    wish = self._wishes.pop(result.key)
                    self._rows.append(self._settle(wish, result))
                self._tell("Asking peers for metadata")

    def _settle(self, wish: Wish, result: MetadataResult) -> MetadataRow:
        outcome, reason, file_name = result.outcome.value, _REASONS.get(result.outcome), None
        if result.metadata is not None:
            try:
                file_name = self._keeper.keep(
                    result.metadata, wish.magnet, category=wish.category, language=wish.language
                )
            except MalformedTorrent as error:
                # Proven by its hash, so it is what was published: a torrent that nobody can use.
                outcome, reason = "refused", one_line(str(error))[:200]
        return row_of(
            wish,
            outcome,
            reason,
            file_name=file_name,
            peers_known=result.peers_known,
            peers_reached=result.peers_reached,
        )

    def report(self, *, cancelled: bool = False) -> Report:
        count = dict.fromkeys(("fetched", "known"), 0)
        for row in self._rows:
            count[row.outcome] = count.get(row.outcome, 0) + 1
        others = [f"{n} {name}" for name, n in count.items() if n and name != "fetched"]
        fetched = count["fetched"]
        said = f"{fetched} {'torrent' if fetched == 1 else 'torrents'} fetched from peers"
        return Report(
            sentence=", ".join([said, *others]) + ".",
            figures={
                "fetched": fetched,
                "known": count["known"],
                "missing": len(self._rows) - fetched - count["known"],
            },
            outcomes=self._rows,
            cancelled=cancelled,
        )


def _effective(settings: Settings, arguments: MetadataArguments) -> Settings:
    chosen = {
        "dht_bootstrap": arguments.bootstrap,
        "max_packets_per_s": arguments.max_packets_per_s,
        "crawl_deadline_s": arguments.deadline_s,
    }
    return settings.model_copy(update={k: v for k, v in chosen.items() if v is not None})
