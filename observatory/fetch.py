"""The fetch job: one run. Asks who shares each torrent, places the peers, keeps them.

Trackers are asked first, as far as settings allow, then the DHT; peers are visited meanwhile.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

from analysis.locator import open_locator
from crawler.canaries import Canaries, read_canaries
from crawler.census import CensusPlan, take_census
from crawler.optout import Network
from observatory.asking import hear_trackers, refuse_past_proxy, trackers_of
from observatory.collected import all_collected, collected_targets
from observatory.configuration import (
    load_canaries,
    load_optout,
    load_settings,
    open_catalogue,
)
from observatory.jobs import CrawlTarget, FetchArguments, Report
from observatory.node_file import NodeFile
from observatory.progress import Progress
from observatory.recording import RunRecorder
from observatory.targets import distinct_targets, infohash_target
from observatory.visiting import Visits, open_visits
from storage.workspace import Workspace
from swarm.census import SwarmCensus
from swarm.errors import JobCancelled, JobRefused
from swarm.infohash import InfoHash
from swarm.settings import Settings

if TYPE_CHECKING:  # SQLAlchemy stays out of `--help`
    from storage.catalogue import Catalogue


def fetch(workspace: Workspace, arguments: FetchArguments, progress: Progress) -> Report:
    """Count the swarms of all torrents and magnets kept, or of `arguments.targets`, as one run.

    That is a new one, or the latest if it was killed while it asked for the same swarms. Cancelled,
    the run stands with what it had, and the report says so.

    Raises:
        JobRefused: there is nothing to count, or it cannot be done through the proxy.
        DhtUnreachable, GeolocationError, SettingsError, StorageError: as they say.
    """
    settings = _effective(load_settings(workspace), arguments)
    refuse_past_proxy(settings)
    deadline = time.monotonic() + settings.crawl_deadline_s
    with closing(open_catalogue(workspace)) as catalogue:
        canaries = _canaries(workspace, arguments)
        targets, left_out = _targets(arguments, workspace, catalogue)
        progress.report("Loading the geolocation database", 0, len(targets))
        never_contact = load_optout(workspace)
        locator = open_locator(settings.geoip_city, settings.geoip_asn, folder=workspace.geoip_dir)
        run = RunRecorder(
            workspace,
            catalogue,
            settings,
            targets,
            locator,
            resume=arguments.resume,
            canaries=canaries,
        )
        node_file = NodeFile(workspace.nodes_path, settings.dht_bootstrap)
        cancelled = False
        try:
            with run:
                trackers = trackers_of(targets, arguments)
                hear_trackers(run, settings, trackers, never_contact, progress)
                run.pass_over_private()
                with open_visits(run, settings, never_contact, deadline) as visits:
                    left_s = max(1.0, deadline - time.monotonic())
                    plan = _census_plan(settings, never_contact, left_s)
                    _count(run, visits, plan, node_file, len(targets), progress)
                    visits.await_last(progress, len(targets))
        except JobCancelled:
            cancelled = True
        finally:
            node_file.save()
    nothing = cancelled and not run.counts.peers
    sentence = "Nobody was found by then, so no run is kept." if nothing else run.sentence()
    figures = run.counts.model_dump(exclude_none=True)
    return Report(
        sentence=f"{sentence} {_left_out(left_out)}" if left_out else sentence,
        run_id=None if nothing else run.run_id,
        figures=figures | ({"torrents_left_out": len(left_out)} if left_out else {}),
        refused=left_out,
        cancelled=cancelled,
    )


def _census_plan(
    settings: Settings, never_contact: tuple[Network, ...], deadline_s: float
) -> CensusPlan:
    return CensusPlan(
        bootstrap=settings.dht_bootstrap,
        processes=settings.processes,
        max_packets_per_s=settings.max_packets_per_s,
        deadline_s=deadline_s,
        allow_local=settings.allow_local_peers,
        never_contact=never_contact,
    )


def _count(
    run: RunRecorder,
    visits: Visits,
    plan: CensusPlan,
    node_file: NodeFile,
    total: int,
    progress: Progress,
) -> None:
    progress.report("Asking the DHT", run.done, total)
    if not run.dht_keys:
        return
    with closing(take_census(run.dht_keys, plan, node_file.nodes)) as events:
        for event in events:
            if isinstance(event, SwarmCensus):
                visits.add(event.sightings)
                run.add(event)
            else:
                run.note(event)
                visits.take()
            run.flush_if_due()
            node_file.save_if_due()
            progress.report(
                "Asking the DHT",
                run.done,
                total,
                peers=run.peers,
                packets_sent=run.counts.packets_sent,
                nodes_known=run.counts.nodes_known,
                liars=run.counts.liars,
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


def _canaries(workspace: Workspace, arguments: FetchArguments) -> Canaries:
    if arguments.canaries is None:
        return load_canaries(workspace)
    return read_canaries("\n".join(arguments.canaries), file="the list of canaries")


def _targets(
    arguments: FetchArguments, workspace: Workspace, catalogue: Catalogue
) -> tuple[tuple[CrawlTarget, ...], list[str]]:
    """What is to be counted, and what is left out of it, with the reason.

    The swarms of canaries that a job is given are counted along.
    """
    asked, left_out = arguments.targets, list[str]()
    if asked is None and arguments.infohashes is not None:
        return tuple(collected_targets(workspace, catalogue, arguments.infohashes)), left_out
    if asked is None:
        collected, left_out = all_collected(workspace, catalogue)
        asked = tuple(collected)
    lines = arguments.canaries or ()
    along = (infohash_target(InfoHash.from_hex(line.split()[0])) for line in lines)
    targets = distinct_targets([*asked, *along])
    if not targets and left_out:
        raise JobRefused(f"Nothing that is collected can be asked for. {_left_out(left_out)}")
    if not targets:
        raise JobRefused(
            "There are no torrents to ask for yet: scrape some first, add some (python main.py "
            "add), or put .torrent files into bulkTorrents/."
        )
    return targets, left_out


def _left_out(lines: list[str]) -> str:
    """How many torrents were left out, with the first reason."""
    count = "1 torrent was" if len(lines) == 1 else f"{len(lines):,} torrents were"
    return f"{count} left out ({lines[0]})."
