"""What the lab's tracker knows: every second torrent names it, and it lists whom the DHT does not.

Pure. Half of a swarm's synthetic peers stand in the DHT and with the tracker, some with the tracker
alone. Real clients of these torrents announce to it by themselves.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from lab.swarms import SwarmPlan, draw_endpoint
from lab.torrents import LabTorrent
from swarm.endpoint import Endpoint

_NAMING = 2  # each second torrent
_SHARED_SHARE = 0.5  # of the synthetic peers
_ALONE_SHARE = 0.25


def name_tracker(torrents: Sequence[LabTorrent], url: str) -> tuple[LabTorrent, ...]:
    """The torrents, of which every second one names the tracker; infohashes stay as they are."""
    return tuple(
        replace(torrent, raw=_announced(torrent.raw, url)) if number % _NAMING == 0 else torrent
        for number, torrent in enumerate(torrents)
    )


def _announced(raw: bytes, url: str) -> bytes:
    """`announce` sorts before all other keys of a .torrent (BEP 3)."""
    text = url.encode()
    return b"d8:announce%d:%b%b" % (len(text), text, raw[1:])


def plan_tracker(
    plans: Sequence[SwarmPlan], clients: Sequence[IPv4Address], *, seed: int
) -> tuple[tuple[Endpoint, ...], ...]:
    """By swarm, the synthetic peers that the tracker lists; none where it is not named."""
    rng = random.Random(f"{seed}/tracker")
    taken = set(clients)
    for plan in plans:
        taken.update(p.address for p in plan.synthetic_peers if isinstance(p.address, IPv4Address))
    listed: list[tuple[Endpoint, ...]] = []
    for number, plan in enumerate(plans):
        peers = plan.synthetic_peers
        if number % _NAMING:
            listed.append(())
            continue
        shared = rng.sample(peers, round(_SHARED_SHARE * len(peers)))
        alone = [draw_endpoint(rng, taken) for _ in range(1 + round(_ALONE_SHARE * len(peers)))]
        listed.append((*shared, *alone))
    return tuple(listed)
