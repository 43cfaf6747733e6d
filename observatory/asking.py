"""Asking trackers, as the settings allow it: before the DHT, so that theirs are visited too."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from crawler.optout import Network
from crawler.trackers.asking import TrackerPlan, TrackerTarget, ask_trackers
from observatory.jobs import CrawlTarget, FetchArguments
from observatory.progress import Progress
from observatory.recording import RunRecorder
from observatory.targets import public_trackers
from storage.torrents import KeptTorrent, TorrentFolder
from storage.workspace import Workspace
from swarm.errors import JobRefused
from swarm.infohash import InfoHash
from swarm.settings import Settings

# Of the time that a crawl has, for trackers: a silent one must not eat up the DHT's.
_SHARE_OF_TIME = 0.25


def refuse_past_proxy(settings: Settings) -> None:
    """Raise JobRefused where a proxy is set that the DHT and peers would be asked past."""
    if settings.http_proxy and not settings.direct_crawl:
        raise JobRefused(
            "http_proxy is set, and the DHT, UDP trackers and peers cannot be asked through it: "
            "nothing was sent. To ask those directly, past the proxy, set direct_crawl=yes in "
            "config.txt; to ask everything directly, empty http_proxy."
        )


def trackers_of(
    targets: tuple[CrawlTarget, ...], arguments: FetchArguments, workspace: Workspace
) -> dict[InfoHash, tuple[str, ...]]:
    """The trackers to ask about each DHT key, from what was given and from the kept .torrents."""
    if arguments.targets is None:
        kept = TorrentFolder(workspace.torrents_dir)
        of_torrents = {
            item.torrent.infohash.hex: public_trackers(item.torrent)
            for item in kept
            if isinstance(item, KeptTorrent)
        }
    else:
        of_torrents = arguments.trackers
    return {
        InfoHash.from_hex(key): tuple(trackers)
        for target in targets
        for key in target.dht_keys
        if (trackers := (*target.trackers, *of_torrents.get(target.infohash, ())))
    }


def hear_trackers(
    run: RunRecorder,
    settings: Settings,
    trackers: Mapping[InfoHash, tuple[str, ...]],
    never_contact: tuple[Network, ...],
    progress: Progress,
) -> None:
    """Ask the trackers of all swarms that the run is to ask for, unless they are not to be asked.

    Raises:
        JobCancelled: the user asked to stop.
        SettingsError: the proxy's address is none.
    """
    asked = [TrackerTarget(key, trackers[key]) for key in run.keys if key in trackers]
    if not settings.ask_trackers or not asked:
        return
    plan = TrackerPlan(
        announce=settings.announce_to_trackers,
        http_proxy=settings.http_proxy,
        direct=settings.direct_crawl,
        allow_local=settings.allow_local_peers,
        never_contact=never_contact,
        deadline_s=settings.crawl_deadline_s * _SHARE_OF_TIME,
        # No cap on packets is for local networks only: there no tracker needs to be spared.
        pause_s=0.0 if settings.max_packets_per_s == 0 else 1.0,
    )
    answers = 0
    with closing(ask_trackers(asked, plan)) as events:
        for answer in events:
            if answer is not None:
                run.hear(answer)
                answers += 1
            progress.report("Asking trackers", 0, None, tracker_answers=answers)
