"""From targets to questions: which tracker is asked for which swarms. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crawler.trackers.address import TrackerAddress, UnusableTracker, read_tracker_address
from crawler.trackers.plan import TrackerPlan, TrackerTarget
from swarm.infohash import InfoHash
from swarm.tracking import TrackerAction, TrackerAnswer, TrackerOutcome

BY_PROXY_ONLY = (
    "a proxy is set, and UDP cannot go through it; direct_crawl=yes asks UDP trackers directly"
)


@dataclass(slots=True)
class Questions:
    """What one tracker is asked for."""

    address: TrackerAddress
    infohashes: list[InfoHash] = field(default_factory=list)


def actions(plan: TrackerPlan) -> tuple[TrackerAction, ...]:
    """What is asked of each tracker for each swarm, in this order."""
    if plan.announce:
        return (TrackerAction.SCRAPE, TrackerAction.ANNOUNCE)
    return (TrackerAction.SCRAPE,)


def sort_questions(
    targets: Sequence[TrackerTarget], plan: TrackerPlan
) -> tuple[list[Questions], list[TrackerAnswer]]:
    """The questions by tracker, and the answers that are certain without asking.

    A swarm is asked for once at each `scheme://host:port`: of several addresses there, which differ
    in path or passkey, the first one in the targets' order counts.
    """
    by_address: dict[TrackerAddress, Questions] = {}
    settled: list[TrackerAnswer] = []
    seen: set[tuple[InfoHash, str]] = set()
    for target in targets:
        for url in target.trackers:
            address = read_tracker_address(url)
            if (target.infohash, address.label) in seen:
                continue
            seen.add((target.infohash, address.label))
            refusal = _refusal(address, plan)
            if refusal is None and isinstance(address, TrackerAddress):
                questions = by_address.setdefault(address, Questions(address))
                questions.infohashes.append(target.infohash)
            elif refusal is not None:
                outcome, why = refusal
                settled += [
                    TrackerAnswer(
                        infohash=target.infohash,
                        tracker=address.label,
                        action=action,
                        outcome=outcome,
                        message=why,
                    )
                    for action in actions(plan)
                ]
    return list(by_address.values()), settled


def _refusal(
    address: TrackerAddress | UnusableTracker, plan: TrackerPlan
) -> tuple[TrackerOutcome, str] | None:
    if isinstance(address, UnusableTracker):
        return TrackerOutcome.UNSUPPORTED, address.why
    if address.scheme == "udp" and plan.http_proxy and not plan.direct:
        return TrackerOutcome.NOT_ASKED, BY_PROXY_ONLY
    return None
