"""Asking trackers, as the settings allow it: before the DHT, so that theirs are visited too."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing

from crawler.optout import Network
from crawler.trackers.asking import TrackerPlan, TrackerTarget, ask_trackers
from observatory.jobs import CrawlTarget, FetchArguments
from observatory.progress import Progress
from observatory.recording import RunRecorder
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
    targets: tuple[CrawlTarget, ...], arguments: FetchArguments
) -> dict[InfoHash, tuple[str, ...]]:
    """The trackers to ask about each DHT key: the targets' own, and those handed over beside."""
    return {
        InfoHash.from_hex(key): trackers
        for target in targets
        for key in target.dht_keys
        if (trackers := (*target.trackers, *arguments.trackers.get(target.infohash, ())))
    }


def hear_trackers(
    run: RunRecorder,
    settings: Settings,
    trackers: Mapping[InfoHash, tuple[str, ...]],
    never_contact: tuple[Network, ...],
    progress: Progress,
) -> None:
    """Ask the trackers of all swarms that the run is to ask for, unless they are not to be asked.

    Private swarms (BEP 27) are counted at their own trackers, and never announced to.

    Raises:
        JobCancelled: the user asked to stop.
        SettingsError: the proxy's address is none.
    """
    if not settings.ask_trackers:
        return
    for keys, announce in ((run.dht_keys, settings.announces), (run.private_keys, False)):
        asked = [TrackerTarget(key, trackers[key]) for key in keys if key in trackers]
        _hear(run, asked, _plan(settings, never_contact, announce=announce), progress)


def _plan(settings: Settings, never_contact: tuple[Network, ...], *, announce: bool) -> TrackerPlan:
    return TrackerPlan(
        announce=announce,
        http_proxy=settings.http_proxy,
        direct=settings.direct_crawl,
        allow_local=settings.allow_local_peers,
        never_contact=never_contact,
        deadline_s=settings.crawl_deadline_s * _SHARE_OF_TIME,
        # No cap on packets is for local networks only: there no tracker needs to be spared.
        pause_s=0.0 if settings.max_packets_per_s == 0 else 1.0,
    )


def _hear(
    run: RunRecorder, asked: list[TrackerTarget], plan: TrackerPlan, progress: Progress
) -> None:
    answers = 0
    with closing(ask_trackers(asked, plan)) as events:
        for answer in events:
            if answer is not None:
                run.hear(answer)
                answers += 1
            progress.report("Asking trackers", 0, None, tracker_answers=answers)
